"""Problems that are right or wrong together: evidence for an accuracy that counts for less than their number says."""

from corpus.problems.generated.generator import SET_NAME as GENERATED
from corpus.problems.numbers import template_of
from corpus.problems.problem import Problem
from corpus.problems.symbolic.generator import SET_NAME as SYMBOLIC

DRAWN = (GENERATED, SYMBOLIC)
"""Sets that we generate."""


def kin_of(problem: Problem) -> str:
    """Return what a problem shares with its kin: the text without its numbers, which is all that a model reads of it; of a problem that we generate,
    whose wording is drawn as well, the program."""
    return str(problem.program) if problem.set_name in DRAWN else template_of(problem.text)
