"""Expressions in a text are those between backticks; typed text is marked first; MathQA's texts
have none."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.problems.problem import Problem
from corpus.program.expressions.marks import MAX_CHARACTERS, find_expressions, mark_expressions


def test_quantities_are_what_stands_between_backticks() -> None:
    text = "find the 2 nd derivative of `3x^2 + 1` at ` x = 2 ` ."
    problem = Problem.question(text)
    assert problem.quantities == ("3x^2 + 1", "x = 2")
    assert problem.template == "find the 2 nd derivative of <n> at <n> ."
    assert Problem.question("add 3 and 4").quantities == (3.0, 4.0)


@pytest.mark.parametrize(
    "text",
    [
        "what ` s the sum of 3 and 4 ?",
        "the ` ` bull ' ' makes 40 rounds",
        "` 3 `x +` 4",
        "`x` and `10**10**10`",
    ],
)
def test_other_backticks_are_signs(text: str) -> None:
    assert find_expressions(text) == []


@pytest.mark.parametrize(
    ("typed", "marked"),
    [
        (
            "differentiate 3x^2 + 2x with respect to x",
            "differentiate `3x^2 + 2x` with respect to `x`",
        ),
        ("solve x^2 = 4 for x", "solve `x^2 = 4` for `x`"),
        (
            "find the slope of y = x^3 - 3x at x = 2.",
            "find the slope of y = `x^3 - 3x` at `x = 2`.",
        ),
        ("let f(x) = x^2 . find f'(2)", "let f(x) = `x^2` . find f'(`2`)"),
        ("integrate sin 2x from 0 to pi", "integrate `sin 2x` from `0` to `pi`"),
        ("where does x^3-3x cut the x-axis?", "where does `x^3-3x` cut the x-axis?"),
        ("make r the subject of A = pi r^2", "make `r` the subject of `A = pi r^2`"),
        (
            "the 2nd derivative of e^(2x) is a function",
            "the 2nd derivative of `e^(2x)` is a function",
        ),
        ("the area between -1 and 3 under x**2", "the area between `-1` and `3` under `x**2`"),
        ("a train covers 120 km in 2 hours", "a train covers 120 km in 2 hours"),
        ("john's 3 cats", "john's 3 cats"),
        ("differentiate 2x", "differentiate `2x`"),
        (
            "train A covers 120 km in 2 h, train B 5 m / s",
            "train A covers 120 km in 2 h, train B 5 m / s",
        ),
        ("a and b can do a piece of work in 12 days", "a and b can do a piece of work in 12 days"),
        ("he earns $113 a week", "he earns $113 a week"),
        ("factor `x`", "factor `x`"),
    ],
)
def test_typed_text_is_marked(typed: str, marked: str) -> None:
    assert mark_expressions(typed) == marked
    assert mark_expressions(marked) == marked


@given(st.text(alphabet="axyef123 .+-*^()=`'?", max_size=80))
def test_marking_adds_backticks_alone(text: str) -> None:
    marked = mark_expressions(text)
    assert marked.replace("`", "") == text.replace("`", "")
    assert marked == text or find_expressions(marked)


def test_a_long_text_is_marked_soon() -> None:
    mark_expressions(("x + ( " * 1_000)[:MAX_CHARACTERS])


def test_no_problem_of_mathqa_has_any(shared_data: Path) -> None:
    for split in ("train", "dev"):
        records = json.loads((shared_data / "mathqa" / f"{split}.json").read_text(encoding="utf-8"))
        assert not [record["Problem"] for record in records if find_expressions(record["Problem"])]
