"""Problems with their programs in normal form."""

from collections.abc import Sequence
from dataclasses import replace

from corpus.problems.check import is_checked
from corpus.problems.problem import Problem
from corpus.program.language import parse
from corpus.program.normal_form import NormalForms


def normal_forms(problems: Sequence[Problem]) -> NormalForms:
    """Return the normal forms that the programs of `problems` lead to; those that do not give the key have no say."""
    return NormalForms(parse(problem.program) for problem in problems if problem.program and is_checked(problem))


def in_normal_form(problems: Sequence[Problem], forms: NormalForms) -> list[Problem]:
    """Return the problems with their programs in normal form, but for those whose own program gives the key and the normal form does not.

    That is so where two values agree at the points that normal forms look at, and not at the problem's numbers.
    """
    written: dict[str, str] = {}
    result = []
    for problem in problems:
        if problem.program is not None:
            if problem.program not in written:
                written[problem.program] = str(forms.of(parse(problem.program)))
            other = replace(problem, program=written[problem.program])
            if other.program != problem.program and (is_checked(other) or not is_checked(problem)):
                problem = other
        result.append(problem)
    return result
