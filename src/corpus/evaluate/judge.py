"""Whether a program answers a problem: the one rule behind every accuracy, the model's and the baselines'."""

import math
from dataclasses import dataclass

from corpus.problems.problem import Problem
from corpus.program import sandbox
from corpus.program.answer import is_answer, nearest_option
from corpus.program.interpreter import Outcome, execute
from corpus.program.language import Program, parse
from corpus.program.symbolic import FORMS

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
    """The chosen option is the keyed one; without options, the value is the answer (`program.answer.is_answer`), or the expression equivalent to it."""


def judge(problem: Problem, program: Program | None) -> Judged:
    """Execute `program` on the problem's quantities and take the nearest option, or compare with the answer; what does not execute is wrong.

    Where the answer is an expression, what is equivalent to it is right; and where the gold program ends by writing it in some form
    (`expand`, say), only in that form.
    """
    outcome = execute(program, problem.quantities) if program is not None else NO_PROGRAM
    if problem.expression is not None:
        right = same_expression(outcome.expression, problem.expression, form=_form(problem))
        return Judged(outcome=outcome, chosen=None, right=right)
    if problem.options:
        chosen = nearest_option(outcome.value, problem.options)
        return Judged(
            outcome=outcome, chosen=chosen, right=chosen is not None and chosen == problem.correct
        )
    return Judged(outcome=outcome, chosen=None, right=is_answer(outcome.value, problem.answer))


def _form(problem: Problem) -> str | None:
    last = parse(problem.program).steps[-1].operation if problem.program is not None else None
    return last if last in FORMS else None


def same_outcome(first: Outcome, second: Outcome) -> bool:
    """True where both have the same value, or equivalent expressions."""
    return same_value(first.value, second.value) or same_expression(
        first.expression, second.expression
    )


def same_expression(value: str | None, key: str | None, *, form: str | None = None) -> bool:
    """True where both are there and `value` is shown to be equivalent to `key` (see `equivalence.is_answer`) within the sandbox's limits."""
    return value is not None and key is not None and sandbox.is_answer(value, key, form)


def same_value(first: float | None, second: float | None) -> bool:
    """True where both are there and equal within rounding."""
    return (
        first is not None
        and second is not None
        and math.isclose(first, second, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    )
