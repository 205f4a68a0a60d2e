"""The AQuA-RAT loader."""

import json
from pathlib import Path
from typing import Any

import pytest

from corpus.base.errors import DataError
from corpus.problems.aqua_rat import load_aqua_rat
from corpus.problems.check import judge
from corpus.program.language import parse

ROW: dict[str, Any] = {
    "question": "A cart covers 60 miles in 4 hours. How fast is it?",
    "options": ["A)12 mph", "B) 15 mph", "(C) 1/2", "D)$1,500", "E)none of these"],
    "rationale": "60/4",
    "correct": "B",
}


def write(tmp_path: Path, **change: Any) -> Path:
    path = tmp_path / "dev.json"  # the official files are called .json and hold JSON lines
    path.write_text("\n".join([json.dumps(ROW), json.dumps({**ROW, **change})]), encoding="utf-8")
    return path


def test_rows_become_problems_with_options(tmp_path: Path) -> None:
    first, second = load_aqua_rat(write(tmp_path, correct="e"), "dev")
    assert [option.value for option in first.options] == [12.0, 15.0, 0.5, 1500.0, None]
    assert [option.letter for option in first.options] == list("abcde")
    assert (first.correct, second.correct, second.id) == ("b", "e", "aqua_rat/dev/1")
    assert judge(first, parse("divide(n0,n1)")).right, "the nearest option, as in MathQA"


@pytest.mark.parametrize(
    ("change", "program"),
    [
        ({"rationale": "60/4 = 15"}, "divide(n0,n1)"),
        ({"rationale": "The speed is 60/4 = 15 mph.\nAnswer: B"}, "divide(n0,n1)"),
        ({"rationale": "60/4 = 15", "correct": "A"}, None),  # it does not give the answer
        ({"rationale": "60/4 = 15", "correct": "E"}, None),  # there is no value to check by
        ({"rationale": "60 - 45 = 15"}, None),  # 45 has no source
        ({"rationale": "Divide and find B."}, None),
        ({"rationale": None}, None),
    ],
)
def test_arithmetic_of_a_solution_is_the_program_where_it_is_right(
    tmp_path: Path, change: dict[str, Any], program: str | None
) -> None:
    problem = load_aqua_rat(write(tmp_path, **change), "train")[1]
    assert problem.program == program


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"correct": "F"},
            "row 1: correct is 'F'; expected the letter of an option, A, B, C, D, E",
        ),
        ({"options": "A)1 B)2"}, "row 1: options is 'A"),
        ({"options": ["B)1"]}, "row 1: options has 'B"),
        ({"options": []}, "row 1: options is"),
        ({"question": ""}, "row 1: question is ''"),
    ],
)
def test_malformed_rows_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        load_aqua_rat(write(tmp_path, **change), "dev")
    assert message in str(caught.value)


def test_the_real_files_are_read(shared_data: Path) -> None:
    assert len(load_aqua_rat(shared_data / "aqua_rat" / "dev.jsonl", "dev")) == 254
