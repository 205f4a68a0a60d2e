"""Problems with their programs in normal form."""

from collections.abc import Sequence
from dataclasses import replace

from corpus.problems.check import is_checked
from corpus.problems.problem import Problem
from corpus.program.language import parse
from corpus.program.normal_form import NormalForms


def normal_forms(problems: Sequence[Problem]) -> NormalForms:
    """Return the normal forms that the programs of `problems` lead to; those that do not give the key have no say."""
    return NormalForms(
        parse(each.program)
        for each in problems
        if each.program and each.expression is None and is_checked(each)
    )


def in_normal_form(problems: Sequence[Problem], forms: NormalForms) -> list[Problem]:
    """Return the problems with their programs in normal form.

    Two kinds keep theirs: those whose program gives the key where the normal form does not, since two values can agree at the points that
    normal forms look at and not at a problem's numbers; and those over expressions, where what is asked for is how a value is written.
    """
    written: dict[str, str] = {}
    result = []
    for problem in problems:
        if problem.program is not None and problem.expression is None:
            if problem.program not in written:
                written[problem.program] = str(forms.of(parse(problem.program)))
            other = replace(problem, program=written[problem.program])
            if other.program != problem.program and (is_checked(other) or not is_checked(problem)):
                problem = other
        result.append(problem)
    return result
