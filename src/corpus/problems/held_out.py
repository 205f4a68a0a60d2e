"""Parts of training problems that are kept out of training: whole templates, the same for every seed and every run."""

from corpus.base.seeds import derive
from corpus.problems.numbers import template_of
from corpus.problems.problem import Problem

TUNING, HELDOUT = "tune", "heldout"
"""The part to choose settings by, and the part that is scored of a set without a dev file."""


def is_in_part(problem: Problem, part: str, share: float) -> bool:
    """True where a problem's template falls into `part`, a `share` of all templates."""
    return derive(0, part, template_of(problem.text)) < share * 2**63
