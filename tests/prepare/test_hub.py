"""The hub, through `datasets` on a local folder laid out as a data set: caps, cursor, errors."""

import json
from pathlib import Path
from typing import Any

import pytest

from corpus.base.errors import ConfigError, DataError
from corpus.config.prepare import PrepareConfig
from corpus.prepare.digests import digest_of
from corpus.prepare.discover import find_data
from corpus.prepare.sources import hub
from corpus.prepare.sources.hub import fetch_mathqa, fetch_text
from corpus.prepare.sources.records import read_records

pytestmark = pytest.mark.filterwarnings("ignore")  # of `datasets` and what it stands on
CONFIG = PrepareConfig(
    max_tokens=4000,
    validation_tokens=200,
    max_validation_tokens=400,
    data="hub",
    problems_hub_id="",
)
NAMES = ("RedPajamaC4", "RedPajamaBook", "RedPajamaArXiv")


def write_data_set(root: Path, splits: dict[str, int], *, files: int = 2) -> Path:
    for split, rows in splits.items():
        for index in range(files):
            path = root / "data" / f"{split}-{index:05d}-of-{files:05d}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            records = [
                {
                    "text": f"{split} {index} {row} " + "words " * 50,
                    "meta": {"redpajama_set_name": NAMES[row % 3]},
                }
                for row in range(rows)
            ]
            path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return root


@pytest.fixture(autouse=True)
def quiet_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(hub, "ROWS_PER_PART", 10)


def fetched(folder: Path) -> list[str]:
    return [
        record["text"].split(" words")[0]
        for path in sorted(folder.glob("train/*.zst"))
        for _, record in read_records(path)
    ]


def test_only_what_the_budget_needs_is_taken_and_a_finished_fetch_needs_no_source(
    tmp_path: Path,
) -> None:
    data_set = write_data_set(tmp_path / "set", {"train": 100, "validation": 15})
    found = find_data(
        PrepareConfig(**{**CONFIG.__dict__, "data": f"hub:{data_set}"}),
        downloads=tmp_path / "downloads",
    )
    taken = list(found.texts[0].documents("train", lambda amount: None))
    assert {document.source for document in taken} == {"c4", "book", "arxiv"}
    num_bytes = sum(len(document.text) for document in taken)
    assert (
        4000 * 4 < num_bytes < (4000 + 3 * 200) * 5 + 3 * 400
    )  # the shares, what may be held out of them, a document too much each
    held_out = [
        document.text for document in found.texts[0].documents("validation", lambda amount: None)
    ]
    assert held_out
    assert all(text.startswith("validation ") for text in held_out)
    for path in data_set.rglob("*.jsonl"):
        path.unlink()
    again = find_data(
        PrepareConfig(**{**CONFIG.__dict__, "data": f"hub:{data_set}"}),
        downloads=tmp_path / "downloads",
    )
    assert again.texts[0].inputs(digest_of) == found.texts[0].inputs(digest_of)


def test_an_interrupted_fetch_goes_on_and_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_set = str(write_data_set(tmp_path / "set", {"train": 45}))
    whole = fetched(fetch_text(data_set, tmp_path / "whole", CONFIG))
    assert len(whole) > 50
    parts: list[int] = []
    original = hub._Fetch._part

    def failing(self: Any, *arguments: Any) -> None:
        parts.append(1)
        if len(parts) in (3, 5, 8):
            raise KeyboardInterrupt
        original(self, *arguments)

    monkeypatch.setattr(hub._Fetch, "_part", failing)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            fetch_text(data_set, tmp_path / "parts", CONFIG)
    assert fetched(fetch_text(data_set, tmp_path / "parts", CONFIG)) == whole


def test_another_amount_fetches_anew(tmp_path: Path) -> None:
    data_set = str(write_data_set(tmp_path / "set", {"train": 45}))
    first = fetched(fetch_text(data_set, tmp_path / "text", CONFIG))
    less = fetched(
        fetch_text(
            data_set, tmp_path / "text", PrepareConfig(**{**CONFIG.__dict__, "max_tokens": 1000})
        )
    )
    assert 0 < len(less) < len(first)


def test_mistakes_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ConfigError, match=r"prepare.max_tokens is not set.*set it to the number of tokens"
    ):
        fetch_text("any/set", tmp_path / "a", PrepareConfig())
    data_set = write_data_set(tmp_path / "set", {"train": 3}, files=1)
    file = data_set / "data" / "train-00000-of-00001.jsonl"
    file.write_text(file.read_text().replace("RedPajamaBook", "RedPajamaPoems"))
    with pytest.raises(
        DataError, match=r"set train file 0 row 2: redpajama_set_name is 'RedPajamaPoems'"
    ):
        fetch_text(str(data_set), tmp_path / "b", CONFIG)
    with pytest.raises(DataError, match=r"has no split called train"):
        fetch_text(
            str(write_data_set(tmp_path / "other", {"validation": 3})), tmp_path / "c", CONFIG
        )

    def unreachable(*_: Any, **__: Any) -> None:
        raise ConnectionError("Couldn't reach 'any/set' on the Hub\nand much more")

    import datasets

    monkeypatch.setattr(datasets, "get_dataset_split_names", unreachable)
    with pytest.raises(
        DataError,
        match=r"'any/set' could not be read from the hub \(Couldn't reach.*Hub\)\. .*Without network",
    ):
        fetch_text("any/set", tmp_path / "d", CONFIG)


def test_mathqa_is_written_as_the_official_archive_has_it(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    row = {
        "Problem": "what is 2 plus 3 ?",
        "Rationale": "5",
        "options": "a ) 5 , b ) 6 , c ) 7 , d ) 8 , e ) 9",
        "correct": "a",
        "annotated_formula": "add(2, 3)",
        "linear_formula": "add(n0,n1)|",
        "category": "general",
    }
    (tmp_path / "set" / "data").mkdir(parents=True)
    for split in ("train", "validation", "test"):
        pyarrow.parquet.write_table(
            pa.Table.from_pylist([row] * 3),
            tmp_path / "set" / "data" / f"{split}-00000-of-00001.parquet",
        )
    folder = fetch_mathqa(str(tmp_path / "set"), tmp_path / "mathqa")
    assert sorted(path.name for path in folder.iterdir()) == ["dev.json", "test.json", "train.json"]
    assert json.loads((folder / "dev.json").read_text()) == [row] * 3
    with pytest.raises(DataError, match="is not MathQA: its columns are"):
        fetch_mathqa(str(write_data_set(tmp_path / "text", {"train": 3})), tmp_path / "wrong")
