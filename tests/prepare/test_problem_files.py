"""Files of problem sets as they are published: in parts, with twins, compressed, without a split."""

import gzip
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from corpus.base.errors import DataError
from corpus.prepare.discover import discover
from corpus.prepare.problem_files import check_splits, join_parts, load_parts
from corpus.problems.registry import ProblemFile, load_problems, recognise


def rows(numbers: range) -> list[dict[str, str]]:
    return [
        {"question": f"What is {n} plus 3?", "answer": f"<<{n}+3={n + 3}>>\n#### {n + 3}"}
        for n in numbers
    ]


def lines(numbers: range) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows(numbers)).encode()


def write(path: Path, numbers: range) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows(numbers)), path)
    else:
        path.write_bytes(gzip.compress(lines(numbers)) if path.suffix == ".gz" else lines(numbers))
    return path


def files(*paths: Path) -> list[ProblemFile]:
    return [found for path in paths if (found := recognise(path))]


@pytest.mark.parametrize(
    "name", ["train-{:05}-of-00003.parquet", "train_{}.jsonl", "train.part{}.jsonl.gz"]
)
def test_parts_of_a_split_are_one(tmp_path: Path, name: str) -> None:
    paths = [write(tmp_path / name.format(part), range(part, 20, 3)) for part in (2, 0, 1)]
    joined = join_parts(files(*paths))
    assert joined == {("gsm8k", "train"): [paths[1], paths[2], paths[0]]}
    problems = load_parts("gsm8k", joined["gsm8k", "train"], "train")
    assert [problem.index for problem in problems] == list(range(20))
    texts = [problem.text for path in joined["gsm8k", "train"] for problem in _load(path)]
    assert [problem.text for problem in problems] == texts


def _load(path: Path) -> list:
    return load_problems("gsm8k", path, "train")


def test_the_tenth_part_follows_the_ninth(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"train_{part}.jsonl", range(2)) for part in (10, 9, 1)]
    assert join_parts(files(*paths))["gsm8k", "train"] == paths[::-1]


@pytest.mark.parametrize("other", ["train_old.jsonl", "train_v2.jsonl", "more/train_v1.jsonl"])
def test_two_files_that_are_no_parts_are_refused(tmp_path: Path, other: str) -> None:
    paths = [write(tmp_path / name, range(2)) for name in ("train_v1.jsonl", other)]
    with pytest.raises(DataError, match=r"are both the train split of gsm8k; give a data folder"):
        join_parts(files(*paths))


def test_a_missing_part_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    join_parts(files(write(tmp_path / "train-00000-of-00002.parquet", range(2))))
    assert "has 1 of the 2 parts of the train split of gsm8k" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("plain", "twin"),
    [
        ("data/train.jsonl", "data/train_socratic.jsonl"),
        ("main/train-00000-of-00001.parquet", "socratic/train-00000-of-00001.parquet"),
    ],
)
def test_a_socratic_twin_is_left_out_by_name(tmp_path: Path, plain: str, twin: str) -> None:
    write(tmp_path / twin, range(5))
    alone = discover(tmp_path)
    assert [file.path for file in alone.problems] == [tmp_path / twin], (
        "without the other, it is used"
    )
    write(tmp_path / plain, range(5))
    found = discover(tmp_path)
    assert [file.path for file in found.problems] == [tmp_path / plain]
    assert found.ignored == (f"{twin} (the same problems as {plain})",)


@pytest.mark.parametrize("kind", ["gz", "utf-16", "long integer"])
def test_problems_are_recognised_and_read_in_every_form(tmp_path: Path, kind: str) -> None:
    expected = [problem.text for problem in _load(write(tmp_path / "plain.jsonl", range(6)))]
    path = write(tmp_path / ("train.jsonl.gz" if kind == "gz" else "train.jsonl"), range(6))
    if kind == "utf-16":
        path.write_bytes(lines(range(6)).decode().encode("utf-16"))
    elif kind == "long integer":
        path.write_bytes(lines(range(6)).replace(b"{", b'{"id": ' + b"9" * 5000 + b", ", 1))
    assert files(path) == [ProblemFile(path=path, set_name="gsm8k", split="train")]
    assert [problem.text for problem in _load(path)] == expected


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "train.jsonl.gz", range(100))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"train\.jsonl\.gz is truncated or damaged"):
        _load(path)


def test_a_value_that_nobody_needs_does_not_hide_a_set(tmp_path: Path) -> None:
    table = pyarrow.Table.from_pylist(rows(range(3)))
    dates = pyarrow.array([2**63 - 1] * 3, type=pyarrow.int64()).cast(pyarrow.timestamp("us"))
    path = tmp_path / "train.parquet"
    pyarrow.parquet.write_table(table.append_column("crawled", dates), path)
    assert files(path) == [ProblemFile(path=path, set_name="gsm8k", split="train")]
    assert len(_load(path)) == 3


def test_a_set_without_a_split_is_never_replaced_by_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = files(write(tmp_path / "official" / "GSM8K.jsonl", range(3)))
    message = (
        r"GSM8K\.jsonl holds problems of gsm8k.* Rename it to train\.json, dev\.json or test\.json"
    )
    with pytest.raises(DataError, match=message):
        check_splits(unknown, named=(), chosen=())
    other = [ProblemFile(path=tmp_path / "train.json", set_name="mathqa", split="train")]
    check_splits([*unknown, *other], named=(), chosen=other)
    assert "folder name gives the split" in capsys.readouterr().out.replace("\n", " ")
    with pytest.raises(DataError, match=message):
        check_splits([*unknown, *other], named=("mathqa", "gsm8k"), chosen=other)
    check_splits(other, named=(), chosen=())
