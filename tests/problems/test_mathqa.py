"""The MathQA loader: both file formats, odd rows, and errors that name their place."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from corpus.base.errors import DataError
from corpus.problems.check import is_checkable, is_checked
from corpus.problems.mathqa import load_mathqa
from corpus.problems.problem import Problem

ROW: dict[str, Any] = {
    "Problem": "a boat goes 30 km in 2 hours . find its speed in km / hr .",
    "Rationale": "30 / 2 = 15",
    "options": "a ) 10 , b ) 12 , c ) 15 , d ) 20 , e ) none of these",
    "correct": "c",
    "annotated_formula": "divide(30, 2)",
    "linear_formula": "divide(n0,n1)|",
    "category": "physics",
}


def write(path: Path, rows: Any) -> Path:
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def load_one(tmp_path: Path, **change: Any) -> Problem:
    return load_mathqa(write(tmp_path / "train.json", [{**ROW, **change}]), "train")[0]


def test_a_row_becomes_a_problem(tmp_path: Path) -> None:
    problem = load_one(tmp_path)
    assert problem.id == "mathqa/train/0"
    assert problem.text == ROW["Problem"]
    assert problem.quantities == (30.0, 2.0)
    assert [option.value for option in problem.options] == [10.0, 12.0, 15.0, 20.0, None]
    assert (problem.correct, problem.program, problem.category) == ("c", "divide(n0,n1)", "physics")
    assert is_checked(problem)


def test_json_and_parquet_give_the_same_problems(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "linear_formula": None}, {**ROW, "correct": "e"}]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "whatever.bin")
    assert load_mathqa(tmp_path / "whatever.bin", "dev") == load_mathqa(
        write(tmp_path / "dev.json", rows), "dev"
    )


@pytest.mark.parametrize("formula", [None, "", "frobnicate(n0)|", "add(n0,const_7)", "divide(n0"])
def test_rows_without_a_usable_formula_are_kept_without_program(
    tmp_path: Path, formula: str | None
) -> None:
    problem = load_one(tmp_path, linear_formula=formula)
    assert problem.program is None
    assert not is_checked(problem)


@pytest.mark.parametrize(
    ("change", "checked"),
    [
        ({}, True),
        ({"correct": "b"}, False),  # lands on another option
        ({"correct": "e"}, False),  # the key has no value
        ({"linear_formula": "divide(n0,n2)"}, False),  # does not execute
        (
            {"Problem": "a boat goes 30.1 km in 2 hours ."},
            True,
        ),  # rounded options: 15.05 is within 1 % of 15
        ({"Problem": "a boat goes 30.4 km in 2 hours ."}, False),  # nearest, but 1.3 % off
        (
            {
                "options": "a ) 3 , b ) - 1 , c ) 0 , d ) 2 , e ) 1",
                "linear_formula": "subtract(n0,n0)",
            },
            True,
        ),
    ],
)
def test_a_checked_problem_reproduces_its_key(tmp_path: Path, change: dict, checked: bool) -> None:
    assert is_checked(load_one(tmp_path, **change)) is checked


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("x", "expected a JSON list"),
        ({"Problem": "x"}, "row 0: options is missing"),
        ([], "holds no problem"),
        ([ROW, 17], "row 1 is 17"),
        ([ROW, {**ROW, "Problem": None}], "row 1: Problem is None"),
        ([ROW, {**ROW, "Problem": "  "}], "row 1: Problem is '  '"),
        (
            [{name: value for name, value in ROW.items() if name != "options"}],
            "row 0: options is missing",
        ),
        ([{**ROW, "options": ["a ) 1"]}], "row 0: options is"),
        ([{**ROW, "correct": "f"}], "row 0: correct is 'f'; expected one of a, b, c, d, e"),
        ([{**ROW, "correct": "ab"}], "row 0: correct is 'ab'"),
        ([{**ROW, "linear_formula": 5}], "row 0: linear_formula is 5"),
    ],
)
def test_malformed_files_are_refused_by_place_and_value(
    tmp_path: Path, rows: Any, message: str
) -> None:
    path = write(tmp_path / "train.json", rows)
    with pytest.raises(DataError) as caught:
        load_mathqa(path, "train")
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b'[{"Problem": "x', "may be cut off"),
        (b'{"Problem": "x"}\n\n{"Problem": "y"}\n{"Prob', "line 4 is not JSON"),
        (b"[\xff\xfe", "not UTF-8"),
        (b"PAR1 and nothing", "not a readable Parquet"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "train.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_mathqa(path, "train")


def test_missing_files_and_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*nothing\.json: No such file"):
        load_mathqa(tmp_path / "nothing.json", "train")
    pyarrow.parquet.write_table(
        pyarrow.Table.from_pylist([{"Problem": "x"}]), tmp_path / "part.parquet"
    )
    with pytest.raises(DataError, match="no column options, correct"):
        load_mathqa(tmp_path / "part.parquet", "train")


def test_json_lines_are_read_as_a_list_is(tmp_path: Path) -> None:
    rows = [{**ROW, "Problem": f"what is {number} + 1 ?"} for number in (2, 3)]
    (tmp_path / "list.json").write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    assert load_mathqa(tmp_path / "lines.jsonl", "dev") == load_mathqa(
        tmp_path / "list.json", "dev"
    )


def test_what_is_left_of_an_option_that_was_cut_is_not_its_value(tmp_path: Path) -> None:
    """In the reconstructed file `e ) $ 1` was `$ 1 , 200`; no program is checked against it."""
    cut = load_one(tmp_path, options="a ) 10 , b ) 12 , c ) $ 15 , d ) 20", options_truncated="c")
    assert [option.value for option in cut.options] == [10.0, 12.0, None, 20.0]
    assert not is_checked(cut)
    assert not is_checkable(cut), "self-training does not look for its program either"
    whole = load_one(tmp_path, options_truncated="")
    assert is_checked(whole)
    assert is_checkable(whole)
    with pytest.raises(DataError, match=r"row 0: options_truncated is 3; expected letters"):
        load_one(tmp_path, options_truncated=3)
