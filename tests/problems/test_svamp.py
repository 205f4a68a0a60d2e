"""The SVAMP loader."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from corpus.base.errors import DataError
from corpus.problems.check import is_checked
from corpus.problems.problem import Problem
from corpus.problems.svamp import load_svamp

ROW: dict[str, Any] = {
    "ID": "chal-1",
    "Body": "A shelf held 40 books and nine lamps",
    "Question": "After 12 books went and 5 came, how many are there?",
    "Equation": "( ( 40.0 - 12.0 ) + 5.0 )",
    "Answer": 33.0,
    "Type": "Subtraction",
}


def load_one(tmp_path: Path, **change: Any) -> Problem:
    (tmp_path / "train.json").write_text(json.dumps([{**ROW, **change}]), encoding="utf-8")
    return load_svamp(tmp_path / "train.json", "train")[0]


def test_a_row_becomes_a_problem(tmp_path: Path) -> None:
    problem = load_one(tmp_path)
    assert (
        problem.text
        == "A shelf held 40 books and 9 lamps , After 12 books went and 5 came, how many are there?"
    )
    assert (problem.program, problem.answer, problem.category) == (
        "subtract(n0,n2)|add(#0,n3)",
        33.0,
        "Subtraction",
    )
    assert is_checked(problem)


@pytest.mark.parametrize(
    ("change", "program"),
    [({"Equation": "( 7.0 - 1.0 )"}, None), ({"Equation": "x = 3"}, None), ({"Answer": 34.0}, "…")],
)
def test_what_does_not_fit_keeps_its_place_unchecked(
    tmp_path: Path, change: dict[str, Any], program: str | None
) -> None:
    problem = load_one(tmp_path, **change)
    assert (problem.program is None) is (program is None)
    assert not is_checked(problem)


def test_every_form_of_file_gives_the_same_problems(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "Body": "There are 2 doors."}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "b.json").write_text(json.dumps(rows), encoding="utf-8")
    texts = [{**row, "Answer": str(row["Answer"])} for row in rows]  # as copies in Parquet have it
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(texts), tmp_path / "c.parquet")
    first, *others = (
        load_svamp(tmp_path / name, "train") for name in ("a.jsonl", "b.json", "c.parquet")
    )
    assert others == [first, first]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Answer": "many"}, "row 0: Answer is 'many'"),
        ({"Answer": None}, "row 0: Answer is None"),
        ({"Body": 3}, "row 0: Body is 3"),
    ],
)
def test_malformed_rows_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_one(tmp_path, **change)


def test_nearly_every_real_problem_is_checked(shared_data: Path) -> None:
    problems = load_svamp(shared_data / "svamp" / "train.jsonl", "train")
    assert sum(map(is_checked, problems)) >= 0.99 * len(problems)
