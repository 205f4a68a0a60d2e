"""The GSM8K loader: marks, equations without marks, and files in every form."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from corpus.base.errors import DataError
from corpus.problems.check import is_checked
from corpus.problems.gsm8k import load_gsm8k
from corpus.problems.problem import Problem

ROW = {
    "question": "A hall has eight rows of 6 seats. Five seats are broken and each other seat costs $2. What do they bring?",
    "answer": "There are 8*6 = <<8*6=48>>48 seats.\n48-5 = <<48-5=43>>43 are whole.\nThey bring 43*2 = $<<43*2=86>>86.\n#### 86",
}


def load_one(tmp_path: Path, **change: Any) -> Problem:
    (tmp_path / "train.jsonl").write_text(json.dumps({**ROW, **change}), encoding="utf-8")
    return load_gsm8k(tmp_path / "train.jsonl", "train")[0]


def test_a_row_becomes_a_problem(tmp_path: Path) -> None:
    problem = load_one(tmp_path)
    assert problem.id == "gsm8k/train/0"
    assert problem.text.startswith("A hall has 8 rows of 6 seats. 5 seats")
    assert problem.quantities == (8.0, 6.0, 5.0, 2.0)
    assert (problem.options, problem.correct, problem.answer) == ((), None, 86.0)
    assert problem.program == "multiply(n0,n1)|subtract(#0,n2)|multiply(#1,n3)"
    assert is_checked(problem)


@pytest.mark.parametrize(
    "steps",
    [
        "8*6 = <<8*6=48>>48\n48-5 = 43 whole seats\n43*2 = <<43*2=86>>86",  # a step without a mark
        # marks that hold their result only
        "8*6 = <<48=48>>48\n48-5 = <<43=43>>43\nSo 43*2 = $<<86=86>>86",
        # no marks, but words
        "8 rows * 6 seats/row = 48 seats.\nFive are broken: 48 seats - 5 seats = 43 seats.\nThey bring $2 * 43 = $86.",
    ],
)
def test_equations_count_with_marks_and_without(tmp_path: Path, steps: str) -> None:
    problem = load_one(tmp_path, answer=f"{steps}\n#### 86")
    assert problem.program is not None
    assert problem.program.startswith("multiply(n0,n1)|subtract(#0,n2)|multiply(")
    assert is_checked(problem)


@pytest.mark.parametrize(
    ("steps", "has_program"),
    [
        ("Let x be it.\n2x=172\nx=<<86=86>>86", False),  # algebra
        ("It is <<17*5=85>>85.", False),  # a number from nowhere
        ("8*6 = <<8*6=48>>48", True),  # does not arrive
        ("8*6 = 47", False),  # an equation that is not true, and has no mark
    ],
)
def test_what_cannot_be_followed_keeps_its_place_unchecked(
    tmp_path: Path, steps: str, has_program: bool
) -> None:
    problem = load_one(tmp_path, answer=f"{steps}\n#### 86")
    assert (problem.program is not None) is has_program
    assert not is_checked(problem)
    assert problem.answer == 86.0


def test_a_solution_made_to_be_slow_is_read_at_once(tmp_path: Path) -> None:
    """It must not hang or run out of stack: lines of digits without an end, and a mark with a
    ten thousand signs."""
    steps = (
        "1 " * 15_000 + "\n" + "1 " * 15_000 + "= 5\n" + f"<<1{'+1' * 10_000}=5>>\n" + "(" * 10_000
    )
    assert load_one(tmp_path, answer=f"{steps}\n#### 86").program is None


def test_every_form_of_file_gives_the_same_problems(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "answer": "#### 1,200"}]
    (tmp_path / "test.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "test.json").write_text("\ufeff" + json.dumps(rows, indent=1), encoding="utf-8")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "test.parquet")
    first, *others = (
        load_gsm8k(tmp_path / f"test.{ending}", "test") for ending in ("jsonl", "json", "parquet")
    )
    assert others == [first, first]
    assert first[1].answer == 1200.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"answer": "It is 86."},
            "row 0: answer ends with 'It is 86.'; expected a number after ####",
        ),
        ({"answer": "#### many"}, "expected a number after ####"),
        ({"question": " "}, "row 0: question is ' '"),
        ({"answer": 86}, "row 0: answer is 86; expected a text"),
    ],
)
def test_malformed_rows_are_refused_by_place_and_value(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        load_one(tmp_path, **change)
    assert message in str(caught.value)
    assert str(tmp_path / "train.jsonl") in str(caught.value)


def test_most_of_the_real_problems_have_a_program_that_reproduces_the_answer(
    shared_data: Path, tmp_path: Path
) -> None:
    lines = (shared_data / "gsm8k" / "train.jsonl").read_text(encoding="utf-8").splitlines()[:1000]
    (tmp_path / "train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    problems = load_gsm8k(tmp_path / "train.jsonl", "train")
    assert sum(problem.program is not None for problem in problems) >= 940
    assert sum(map(is_checked, problems)) >= 930
