"""The stage as a whole: every document once, in order, held-out text apart, the same bytes every
time, whole or not at all."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from corpus.base import console
from corpus.base import files as base_files
from corpus.base.errors import ArtifactError, ConfigError, DataError
from corpus.base.manifest import Manifest
from corpus.config.prepare import PrepareConfig
from corpus.config.tokenizer import SMALLEST_VOCABULARY, TokenizerConfig
from corpus.data.shards import TokenShards
from corpus.prepare import tokenize
from corpus.prepare.discover import discover
from corpus.prepare.text import prepare
from corpus.prepare.tokenize import fair_shares, sample_texts
from corpus.text.tokenizer import Tokenizer

TOKENIZER = TokenizerConfig(vocab_size=SMALLEST_VOCABULARY + 60, sample_bytes=60_000)
SETS = {"arxiv": "RedPajamaArXiv", "book": "RedPajamaBook"}


def config(folder: Path, **settings: object) -> PrepareConfig:
    return PrepareConfig(
        **{
            "data": str(folder),
            "validation_tokens": 300,
            "max_validation_tokens": 1000,
            "tokenizer": TOKENIZER,
            **settings,
        }
    )


def document(source: str, number: int) -> str:
    chooser = random.Random(f"{source} {number}")
    words = [
        "".join(chooser.choices("abcdefgh", k=chooser.randint(2, 6)))
        for _ in range(chooser.randint(20, 90))
    ]
    return f"{source} {number}: {' '.join(words)} = {chooser.randint(0, 999)} é <|eos|>"


def write(folder: Path, split: str, numbers: range) -> None:
    (folder / split).mkdir(parents=True, exist_ok=True)
    with open(folder / split / "a.jsonl", "w", encoding="utf-8") as file:
        for number in numbers:
            for source, name in SETS.items():
                record = {"text": document(source, number), "meta": {"redpajama_set_name": name}}
                file.write(json.dumps(record, ensure_ascii=number % 2 == 0) + "\n")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write(tmp_path / "data", "train", range(60))
    return tmp_path / "data"


def run(folder: Path, out: Path, **settings: object) -> Manifest:
    chosen = config(folder, **settings)
    return prepare(
        discover(folder).texts, chosen, out=out, problem_texts=["what is 2 plus 3 ?"] * 5
    )


def documents(out: Path, split: str, source: str) -> list[str]:
    tokenizer, shard = Tokenizer.load(out / "tokenizer"), TokenShards.open(out / split)[source]
    return [tokenizer.decode(shard.document(index)[:-1]) for index in range(shard.num_documents)]


def files(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.parent != out
    }


def test_every_document_comes_back_once_in_order_and_held_out_ones_apart(
    data: Path, tmp_path: Path
) -> None:
    manifest = run(data, tmp_path / "out")
    for source in SETS:
        train, held_out = (
            documents(tmp_path / "out", "train", source),
            documents(tmp_path / "out", "validation", source),
        )
        everything = [document(source, number) for number in range(60)]
        assert train == [text for text in everything if text not in held_out]
        assert sorted(train + held_out) == sorted(everything)
        counts = manifest.counts["sources"][source]
        assert counts["validation"]["num_tokens"] >= 300
        assert counts["train"]["num_documents"] == len(train)
        assert counts["train"]["num_bytes"] == sum(len(text.encode()) for text in train)


def test_unigram_counts_are_those_of_the_training_tokens(data: Path, tmp_path: Path) -> None:
    manifest = run(data, tmp_path / "out")
    for source, shard in TokenShards.open(tmp_path / "out" / "train").items():
        counts = np.load(tmp_path / "out" / "unigram" / f"{source}.npy")
        assert counts.dtype == np.int64
        assert np.array_equal(
            counts, np.bincount(shard.tokens, minlength=manifest.counts["vocab_size"])
        )
        assert counts[0] == shard.num_documents


def test_the_same_text_gives_the_same_bytes_and_is_not_prepared_twice(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(data, tmp_path / "a")
    monkeypatch.setattr(tokenize, "BATCH_BYTES", 1000)
    run(data, tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")
    written = (tmp_path / "a" / "manifest.json").stat().st_mtime_ns
    assert run(data, tmp_path / "a") == first
    assert (tmp_path / "a" / "manifest.json").stat().st_mtime_ns == written


@pytest.mark.parametrize("change", ["file", "config", "problems"])
def test_a_changed_input_prepares_anew(data: Path, tmp_path: Path, change: str) -> None:
    before = run(data, tmp_path / "out")
    if change == "file":
        write(data, "train", range(50))
        assert run(data, tmp_path / "out").counts["sources"] != before.counts["sources"]
    elif change == "config":
        assert (
            run(data, tmp_path / "out", validation_tokens=700).counts["sources"]["book"][
                "validation"
            ]["num_tokens"]
            >= 700
        )
    else:
        after = prepare(
            discover(data).texts, config(data), out=tmp_path / "out", problem_texts=["another"]
        )
        assert after.key != before.key


def test_a_given_validation_split_is_used_and_completed_and_kept_out_of_training(
    data: Path, tmp_path: Path
) -> None:
    write(data, "validation", range(55, 58))  # also in train, and too few for 1,000 tokens
    run(data, tmp_path / "out", validation_tokens=1000)
    given = [document("book", number) for number in range(55, 58)]
    held_out, train = (
        documents(tmp_path / "out", "validation", "book"),
        documents(tmp_path / "out", "train", "book"),
    )
    parts = [text.removesuffix("<|eos|>").strip() for text in held_out]
    assert all(part in text for text, part in zip(given, parts[:3], strict=True))
    assert len(held_out) > 3
    assert not any(part in text for part in parts for text in train)
    assert len(train) <= 57
    write(data, "validation", range(100, 140))
    manifest = run(data, tmp_path / "out")
    assert 300 <= manifest.counts["sources"]["book"]["validation"]["num_tokens"] <= 1000
    assert manifest.counts["sources"]["book"]["train"]["num_documents"] == 60


def test_caps_and_weights_hold_to_the_token(data: Path, tmp_path: Path) -> None:
    manifest = run(data, tmp_path / "out", max_tokens=2000, weights={"book": 3.0})
    tokens = {
        source: counts["train"]["num_tokens"]
        for source, counts in manifest.counts["sources"].items()
    }
    assert 495 <= tokens["arxiv"] <= 500
    assert 1495 <= tokens["book"] <= 1500
    last = documents(tmp_path / "out", "train", "book")[-1]
    assert any(document("book", number).startswith(last) for number in range(60))
    manifest = run(data, tmp_path / "out", max_source_bytes={"book": 6000}, weights={"arxiv": 0.0})
    assert list(manifest.counts["sources"]) == ["book"]
    assert (
        sum(
            manifest.counts["sources"]["book"][split]["num_bytes"]
            for split in ("train", "validation")
        )
        <= 6000
    )
    with pytest.raises(
        ConfigError,
        match=r"prepare.weights names source 'boook'; found: arxiv, book. Did you mean 'book'",
    ):
        run(data, tmp_path / "out", weights={"boook": 1.0})


def test_duplicates_are_removed_where_asked(data: Path, tmp_path: Path) -> None:
    lines = (data / "train" / "a.jsonl").read_text()
    (data / "train" / "b.jsonl").write_text(lines)
    assert run(data, tmp_path / "off").counts["sources"]["book"]["train"]["num_documents"] > 60
    manifest = run(data, tmp_path / "exact", dedup="exact")
    assert manifest.counts["dropped"] == {"exact": {"arxiv": 60, "book": 60}}
    everything = (
        documents(tmp_path / "off", "train", "book"),
        documents(tmp_path / "off", "validation", "book"),
    )
    assert not set(everything[0]) & set(everything[1])


def test_a_source_that_is_too_small_is_left_out_with_its_reason(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "notes").mkdir()
    (data / "notes" / "a.txt").write_text("only a few words")
    manifest = run(data, tmp_path / "out")
    assert list(manifest.counts["sources"]) == ["arxiv", "book"]
    assert "has" in manifest.counts["left_out"]["notes"]
    assert "source notes is left out: it has" in capsys.readouterr().out
    with pytest.raises(
        DataError,
        match=r"no source has enough text:\n  arxiv has .* lower prepare.validation_tokens",
    ):
        run(data, tmp_path / "out", validation_tokens=9_000, max_validation_tokens=9_000)
    assert documents(tmp_path / "out", "train", "book")  # what was there is intact


def test_text_that_cannot_suffice_is_refused_before_the_tokenizer(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("corpus.prepare.text.train_tokenizer")
    with pytest.raises(
        DataError,
        match=r"no source has enough text .*\n  arxiv has .* bytes\n  book has .* bytes\nGive a folder with more",
    ):
        run(data, tmp_path / "out", validation_tokens=1_000_000, max_validation_tokens=1_000_000)


def test_a_source_with_held_out_text_and_next_to_none_to_train_on_is_left_out(
    tmp_path: Path,
) -> None:
    write(tmp_path / "data", "validation", range(60))
    write(tmp_path / "data", "train", range(60, 61))
    with open(tmp_path / "data" / "train" / "b.jsonl", "w", encoding="utf-8") as file:
        for number in range(100, 140):
            file.write(
                json.dumps(
                    {
                        "text": document("arxiv", number),
                        "meta": {"redpajama_set_name": SETS["arxiv"]},
                    }
                )
                + "\n"
            )
    manifest = run(tmp_path / "data", tmp_path / "out")
    assert list(manifest.counts["sources"]) == ["arxiv"]
    assert "train on at least as many" in manifest.counts["left_out"]["book"]


@pytest.mark.parametrize("text", ["v1.2\n", "x", "ok\n"])
def test_a_source_of_an_odd_number_of_bytes_ends(data: Path, tmp_path: Path, text: str) -> None:
    (data / "notes").mkdir()
    (data / "notes" / "a.txt").write_text(text)
    assert "has" in run(data, tmp_path / "out").counts["left_out"]["notes"]


def test_what_is_held_out_of_one_source_is_not_trained_on_in_another(
    data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "plain"
    for source, numbers in (("wiki", range(100)), ("mixed", range(600))):
        (folder / source).mkdir(parents=True)
        for number in numbers:
            (folder / source / f"{number:03}.txt").write_text(document("any", number))
    manifest = run(folder, tmp_path / "out", validation_tokens=1500, max_validation_tokens=4000)
    held_out = {
        text
        for source in ("wiki", "mixed")
        for text in documents(tmp_path / "out", "validation", source)
    }
    assert held_out
    assert not held_out & {
        text
        for source in ("wiki", "mixed")
        for text in documents(tmp_path / "out", "train", source)
    }
    assert manifest.counts["dropped"]["held out"]["mixed"] > 0


def test_sources_that_are_equal_hold_out_the_same_and_keep_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    for source in ("one", "two"):
        (folder / source).mkdir(parents=True)
        for number in range(60):
            (folder / source / f"{number:03}.txt").write_text(document("any", number))
    manifest = run(folder, tmp_path / "out")
    assert list(manifest.counts["sources"]) == ["one", "two"]
    assert (
        documents(tmp_path / "out", "train", "one")
        == documents(tmp_path / "out", "train", "two")
        != []
    )
    assert "held out" not in manifest.counts["dropped"]


def test_another_spelling_of_the_path_prepares_nothing_anew(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(data, tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    chosen = config(data, data="data/")
    assert (
        prepare(
            discover(data).texts,
            chosen,
            out=tmp_path / "out",
            problem_texts=["what is 2 plus 3 ?"] * 5,
        ).key
        == first.key
    )


def test_a_malformed_record_leaves_what_was_there_intact(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path / "out")
    before = files(tmp_path / "out")
    with open(data / "train" / "a.jsonl", "a") as file:
        file.write('{"text": "cut of\n')
    with pytest.raises(DataError, match=r"a\.jsonl line 121 is not JSON"):
        run(data, tmp_path / "out")
    assert files(tmp_path / "out") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]


def test_half_a_surrogate_pair_becomes_the_replacement_character(
    data: Path, tmp_path: Path
) -> None:
    with open(data / "train" / "a.jsonl", "a") as file:
        file.write(
            '{"text": "half \\ud83d a pair, and whole \\ud83d\\ude00", "meta": {"redpajama_set_name": "RedPajamaBook"}}\n'
        )
    run(data, tmp_path / "out")
    everything = documents(tmp_path / "out", "train", "book") + documents(
        tmp_path / "out", "validation", "book"
    )
    assert "half \ufffd a pair, and whole \U0001f600" in everything


def test_what_a_killed_preparation_left_is_removed_and_strange_folders_are_not(
    data: Path, tmp_path: Path
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host = base_files._owner().split("-")[0]
    dead, alive = (
        tmp_path / f".out.{host}-{ended.pid}.tmp",
        tmp_path / f".out.{host}-{os.getppid()}.tmp",
    )
    for folder in (dead, alive):
        (folder / "pool").mkdir(parents=True)
    run(data, tmp_path / "out")
    assert (dead.exists(), alive.exists()) == (False, True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(ArtifactError, match="mine exists, but Corpus did not prepare it"):
        run(data, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").exists()


@pytest.mark.parametrize(
    "name", ["train/book.bin", "validation/arxiv.documents.npy", "tokenizer/tokenizer.json"]
)
def test_a_damaged_preparation_is_refused_by_name(data: Path, tmp_path: Path, name: str) -> None:
    run(data, tmp_path / "out")
    path = tmp_path / "out" / name
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ArtifactError, match=path.name):
        run(data, tmp_path / "out")


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.25, 250), (0.5, 500), (1.0, 1000)])
def test_problems_take_their_share_of_the_sample(share: float, expected: int) -> None:
    texts = [f"{number:09d}." for number in range(200)]
    config = TokenizerConfig(
        vocab_size=SMALLEST_VOCABULARY, sample_bytes=1000, problems_share=share
    )
    drawn = list(sample_texts({}, texts, config))
    assert sum(map(len, drawn)) == expected
    assert drawn == sorted(drawn)
    assert not drawn or drawn[-1] > texts[-20], "spread over all of them"


def test_a_share_of_problems_is_a_share() -> None:
    with pytest.raises(ConfigError, match=r"problems_share is 1\.5; expected a share from 0 to 1"):
        TokenizerConfig(problems_share=1.5)


@pytest.mark.parametrize("run", ["a", "é", "abc", "数", "-", "_", "=_", " ", "\n", "\u0301"])
def test_a_long_run_is_cut_in_the_sample(run: str) -> None:
    longest = tokenize.LONGEST_RUN
    long = (run * longest)[:longest]
    before, after = ("7", "7") if not run.isspace() else ("x", "y")
    for more in ("", run, run * longest * 50):
        assert tokenize.shorten_runs(f"{before}{long}{more}{after}") == f"{before}{long}{after}"


def test_other_text_is_not_cut_in_the_sample() -> None:
    text = "word, 12345 -- __init__ \n\n é½² " * 500 + "7" * 9000 + "a1" * 5000 + " -" * 5000
    assert tokenize.shorten_runs(text) == text


def test_the_tokenizer_is_trained_in_linear_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A document of one letter, in full, would take minutes; progress is shown meanwhile."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "long.txt").write_text("a" * 400_000)
    for number in range(60):
        (tmp_path / "data" / f"{number}.txt").write_text(document("book", number))
    monkeypatch.setattr(console, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr(tokenize, "DOCUMENTS_AT_LEAST", 1)
    start = time.process_time()
    everything = TokenizerConfig(vocab_size=SMALLEST_VOCABULARY + 60, sample_bytes=20_000_000)
    run(tmp_path / "data", tmp_path / "out", tokenizer=everything)
    assert time.process_time() - start < 20
    assert "training the tokenizer · " in capsys.readouterr().out


def test_the_sample_is_shared_fairly() -> None:
    assert fair_shares({"a": 10, "b": 1000, "c": 1000}, 210) == {"a": 10, "b": 100, "c": 100}
    assert fair_shares({"a": 10, "b": 20}, 1000) == {"a": 10, "b": 20}
