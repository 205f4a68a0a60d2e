"""Whether a program answers a problem: the one rule behind every accuracy and all training data."""

import math
from dataclasses import dataclass
from typing import Any

from corpus.problems.problem import Problem
from corpus.program.arithmetic.answer import TOLERANCE
from corpus.program.domain import AnswerOption, ProgramOutcome
from corpus.program.language import Program

NO_PROGRAM: ProgramOutcome[Any] = ProgramOutcome(None, "there is no program")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The result of one program on one problem."""

    outcome: ProgramOutcome[Any]
    chosen: str | None
    """The letter of the option nearest to the value (of the gold one, if the two say the same);
    None without a value or without options."""
    right: bool
    """The chosen option is the gold one; without options, the value is the gold answer."""
    value_right: bool
    """The value itself is right: within 1 % of the gold option, whichever option is nearest;
    without options the same as `right`."""


def judge(problem: Problem, program: Program | None) -> Judged:
    """Execute `program` on the problem's quantities, and compare its value with the gold answer.

    A program that does not execute is wrong.
    """
    domain, outcome = problem.domain, NO_PROGRAM
    if program is not None:
        outcome = domain.execute(program, problem.quantities)
    chosen = domain.nearest(outcome.value, problem.options)
    if problem.options:
        right, gold = is_gold(problem, chosen), _option(problem, problem.correct)
        chosen = problem.correct if right else chosen
        value = outcome.value
        value_right = value is not None and gold is not None and domain.is_near(value, gold)
    else:
        right = domain.is_answer(outcome.value, problem.gold_answer, problem.gold_program)
        value_right = right
    return Judged(outcome=outcome, chosen=chosen, right=right, value_right=value_right)


def is_gold(problem: Problem, letter: str | None) -> bool:
    """True for the letter of the gold option, and of an option that says the same."""
    chosen, gold = (_option(problem, each) for each in (letter, problem.correct))
    return chosen is not None and gold is not None and problem.domain.say_the_same(chosen, gold)


def _option(problem: Problem, letter: str | None) -> AnswerOption | None:
    return next((option for option in problem.options if option.letter == letter), None)


def is_checkable(problem: Problem) -> bool:
    """True where a value can be checked: the gold option has a value, or there is a gold answer."""
    if not problem.options:
        return problem.gold_answer is not None
    gold = _option(problem, problem.correct)
    return gold is not None and gold.value is not None


def is_checked(problem: Problem) -> bool:
    """True if the gold program gives the gold answer; fine-tuning uses only such problems.

    With options, its value must also round to the gold option. If the answer was computed from the
    program, there is nothing to check.
    """
    if problem.program is None or problem.domain.computes_answers:
        return problem.program is not None
    return gives_gold(problem, problem.gold_program)


def gives_gold(problem: Problem, program: Program | None) -> bool:
    """True if a program gives the gold answer; with options, its value must also round to it."""
    judged = judge(problem, program)
    return judged.right and judged.value_right


def gold_bounds(problem: Problem) -> tuple[float, float]:
    """Return bounds around the gold answer, a little wider than those of `gives_gold`."""
    gold = _option(problem, problem.correct)
    value = problem.answer if gold is None else gold.value
    if value is None:
        return math.nan, math.nan
    margin = 1.01 * TOLERANCE * abs(value) + 2e-6
    return value - margin, value + margin
