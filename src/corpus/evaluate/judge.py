"""Whether a program answers a problem: the one rule behind every accuracy, the model's and the baselines'."""

import math
from dataclasses import dataclass

from corpus.problems.problem import Problem
from corpus.program.answer import is_answer, nearest_option
from corpus.program.interpreter import Outcome, execute
from corpus.program.language import Program

RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""Two values are equal within these tolerances: the rounding of floats, not of options."""

NO_PROGRAM = Outcome(None, "there is no program", ())


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What came of one program on one problem."""

    outcome: Outcome
    chosen: str | None
    """The letter of the option nearest to the value; None without a value or without options."""
    right: bool
    """The chosen option is the keyed one; without options, the value is the answer (`program.answer.is_answer`)."""


def judge(problem: Problem, program: Program | None) -> Judged:
    """Execute `program` on the problem's numbers and take the nearest option, or compare with the answer; what does not execute is wrong."""
    outcome = execute(program, problem.numbers) if program is not None else NO_PROGRAM
    if problem.options:
        chosen = nearest_option(outcome.value, problem.options)
        return Judged(outcome=outcome, chosen=chosen, right=chosen is not None and chosen == problem.correct)
    return Judged(outcome=outcome, chosen=None, right=is_answer(outcome.value, problem.answer))


def same_value(first: float | None, second: float | None) -> bool:
    """True where both are there and equal within rounding."""
    return first is not None and second is not None and math.isclose(first, second, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
