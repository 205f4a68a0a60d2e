"""When a program reproduces an answer without options: the tolerance, to the digit."""

from dataclasses import replace

import pytest

from corpus.problems.check import is_checked, judge
from corpus.problems.problem import Problem
from corpus.program.arithmetic.answer import is_answer
from corpus.program.arithmetic.options import parse_options

PLAIN = Problem(
    "made", "train", 0, "10 pies for 3 men", (), None, "divide(n0,n1)", "", answer=3.3333
)


@pytest.mark.parametrize(
    ("value", "answer", "same"),
    [
        (3.3333333, 3.3333, True),  # written with five digits
        (3.3333333, 3.33, False),
        (72.0, 72.0, True),
        (72.007, 72.0, True),
        (72.008, 72.0, False),
        (10_001.0, 10_000.0, False),  # one whole number is never another, however large
        (5_000_001.0, 5_000_000.0, False),
        (5_000_000.4, 5_000_000.0, True),
        (-12.0, -12.0, True),
        (12.0, -12.0, False),
        (1e-12, 0.0, True),
        (0.001, 0.0, False),
        (None, 1.0, False),
        (1.0, None, False),
    ],
)
def test_a_value_is_the_answer_within_rounding(
    value: float | None, answer: float | None, same: bool
) -> None:
    assert is_answer(value, answer) is same


def test_problems_without_options_are_checked_by_their_answer() -> None:
    assert is_checked(PLAIN)
    assert not is_checked(replace(PLAIN, answer=3.4))
    assert not is_checked(replace(PLAIN, answer=None))
    assert not is_checked(replace(PLAIN, program=None))
    assert not is_checked(replace(PLAIN, program="divide(n0,n2)"))


@pytest.mark.parametrize(
    ("options", "gold", "right"),
    [
        ("a ) 60 , b ) 64 , c ) 60", "c", True),
        ("a ) 60.0 km , b ) 64 , c ) 60 km", "c", True),
        ("a ) 60 km , b ) 64 , c ) 60 m", "c", False),  # one value, two units
        ("a ) 60 % , b ) 64 , c ) 60", "c", False),
        ("a ) 60 , b ) 64 , c ) 60", "b", False),
        ("a ) none , b ) 64 , c ) none", "c", False),  # 60 is nearest to b
    ],
)
def test_of_options_that_say_the_same_the_gold_one_counts(
    options: str, gold: str, right: bool
) -> None:
    problem = Problem(
        "made", "train", 0, "12 boxes of 5", parse_options(options), gold, "multiply(n0,n1)", ""
    )
    judged = judge(problem, problem.gold_program)
    assert (judged.right, judged.chosen == gold) == (right, right)
    assert is_checked(problem) is right
