"""Token shards: what is written comes back, and damage is refused by name."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.errors import ArtifactError, ConfigError
from corpus.data.shards import Shard, ShardWriter, TokenShards, token_dtype, write_shards

EOS = 0
DOCUMENTS = {"book": [[5, 6, 7], [], [8]], "c4": [[9] * 1000, [1, 2]]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with write_shards(
        tmp_path / "train", vocab_size=4096, eos_id=EOS, tokenizer_digest="abc"
    ) as writer:
        for index in range(3):  # sources arrive mixed
            for source, documents in DOCUMENTS.items():
                if index < len(documents):
                    writer.add(source, documents[index], num_bytes=10 * (index + 1))
    return tmp_path / "train"


def test_documents_come_back_in_order_and_end_with_eos(folder: Path) -> None:
    shards = TokenShards.open(folder)
    assert list(shards) == ["book", "c4"]
    for source, documents in DOCUMENTS.items():
        shard = shards[source]
        assert [list(shard.document(index)) for index in range(shard.num_documents)] == [
            [*tokens, EOS] for tokens in documents
        ]
    assert isinstance(shards["book"].tokens, np.memmap)
    assert (shards["book"].num_bytes, shards["book"].num_tokens, shards.num_tokens) == (
        60,
        7,
        7 + 1004,
    )


def test_the_manifest_tells_counts_and_digests(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["kind"] == "shards"
    assert manifest["config"] == {
        "dtype": "uint16",
        "vocab_size": 4096,
        "eos_id": EOS,
        "tokenizer": "abc",
    }
    book = manifest["counts"]["book"]
    assert (book["num_tokens"], book["num_documents"], book["num_bytes"]) == (7, 3, 60)
    assert book["files"]["book.bin"] == 14
    assert set(book["sha256"]) == {"book.bin", "book.documents.npy"}


@settings(max_examples=25, deadline=None)
@given(documents=st.lists(st.lists(st.integers(0, 99_999), max_size=20), max_size=10))
def test_large_ids_round_trip(
    documents: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("shards") / "all"
    with write_shards(folder, vocab_size=100_000, eos_id=EOS) as writer:
        for tokens in documents:
            writer.add("s", tokens, num_bytes=0)
    shards = TokenShards.open(folder)
    found = (
        [list(shards["s"].document(index)) for index in range(shards["s"].num_documents)]
        if documents
        else []
    )
    assert found == [[*tokens, EOS] for tokens in documents]


def test_dtype_follows_the_vocabulary() -> None:
    assert [token_dtype(size).itemsize for size in (300, 65_536, 65_537)] == [2, 2, 4]


@pytest.mark.parametrize("name", ["book.bin", "book.documents.npy"])
def test_damage_is_refused_by_name(folder: Path, name: str) -> None:
    path = folder / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(ArtifactError, match=rf"{name} is truncated: .*prepare the data again"):
        Shard.open(folder, "book")
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ArtifactError, match=rf"{name} was altered"):
        Shard.open(folder, "book")
    path.unlink()
    with pytest.raises(ArtifactError, match=rf"{name} is missing"):
        Shard.open(folder, "book", verify=False)
    assert Shard.open(folder, "c4").num_documents == 2


def test_an_unknown_source_or_folder_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no source 'bok', only book, c4. Did you mean 'book'"):
        Shard.open(folder, "bok")
    with pytest.raises(ArtifactError, match="nowhere"):
        TokenShards.open(tmp_path / "nowhere")


def test_an_interrupted_write_leaves_nothing_and_keeps_what_was_there(folder: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        write_shards(folder, vocab_size=4096, eos_id=EOS) as writer,
    ):
        writer.add("book", [1, 2, 3], num_bytes=3)
        raise KeyboardInterrupt
    assert [path.name for path in folder.parent.iterdir()] == ["train"]
    assert TokenShards.open(folder)["book"].num_tokens == 7


def test_a_source_name_that_is_no_file_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'\.\./up' cannot name a source"):
        ShardWriter(tmp_path, "../up", dtype=token_dtype(10), eos_id=EOS)
