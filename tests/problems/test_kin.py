"""Who is right or wrong together."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from corpus.problems.generated.generator import generate
from corpus.problems.kin import kin_of
from corpus.problems.problem import Problem
from corpus.problems.symbolic.generator import generate as generate_symbolic

PROBLEM = Problem(
    "mathqa",
    "dev",
    0,
    "a pen costs 3 dollars . what do 4 pens cost ?",
    (),
    None,
    "multiply(n0,n1)",
    "",
)


def test_kin_differ_in_their_numbers_alone() -> None:
    assert kin_of(PROBLEM) == kin_of(
        replace(PROBLEM, text="a pen costs 0.5 dollars . what do 1,000 pens cost ?", program=None)
    )
    assert kin_of(PROBLEM) != kin_of(
        replace(PROBLEM, text="a cup costs 3 dollars . what do 4 cups cost ?")
    )


@pytest.mark.parametrize("make", [generate, generate_symbolic])
def test_generated_kin_have_one_program_whatever_they_are_about(
    make: Callable[..., Iterable[Problem]],
) -> None:
    problems = list(make(400, seed=1, split="heldout"))
    texts, kin = {problem.text for problem in problems}, {kin_of(problem) for problem in problems}
    assert 2 * len(kin) < len(texts)
    assert kin == {str(problem.program) for problem in problems}
