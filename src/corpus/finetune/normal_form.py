"""Problems with their programs in normal form."""

from collections.abc import Sequence
from dataclasses import replace

from corpus.problems.check import is_checked
from corpus.problems.problem import Problem
from corpus.program.arithmetic.normal_form import NormalForms
from corpus.program.language import Program


def normal_forms(problems: Sequence[Problem]) -> NormalForms:
    """Return the normal forms that the programs of `problems` lead to; those that do not give the key have no say."""
    return NormalForms(
        each.gold_program
        for each in problems
        if each.gold_program and each.domain.has_normal_form and is_checked(each)
    )


def in_normal_form(problems: Sequence[Problem], forms: NormalForms) -> list[Problem]:
    """Return the problems with their programs in normal form.

    Two kinds keep theirs: those whose program gives the key where the normal form does not, since two values can agree at the points that
    normal forms look at and not at a problem's numbers; and those over expressions, where what is asked for is how a value is written.
    """
    written: dict[Program, str] = {}
    result = []
    for problem in problems:
        gold = problem.gold_program
        if gold is not None and problem.domain.has_normal_form:
            if gold not in written:
                written[gold] = str(forms.of(gold))
            other = replace(problem, program=written[gold])
            if other.program != problem.program and (is_checked(other) or not is_checked(problem)):
                problem = other
        result.append(problem)
    return result
