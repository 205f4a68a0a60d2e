"""Parts of training problems that are held out: whole templates, the same in every run."""

from collections import Counter
from collections.abc import Iterable

from corpus.base.seeds import derive
from corpus.problems.problem import Problem

TUNING, HELDOUT = "tune", "heldout"
"""The part to choose settings by, and the part that is scored of a set without a dev file."""


def is_in_part(problem: Problem, part: str, share: float) -> bool:
    """True where a problem's template falls into `part`, a `share` of all templates."""
    return derive(0, part, problem.template) < share * 2**63


def rarest_templates(problems: Iterable[Problem], part: str, share: float) -> frozenset[str]:
    """Return templates whose problems come to `share` of all: those with the fewest problems.

    Among equals they are drawn at random. So most have one problem each, as the unseen templates of
    a dev file do, and the effective number of problems is near their number: twins are right or
    wrong together.
    """
    sizes = Counter(problem.template for problem in problems)
    wanted, chosen = share * sizes.total(), []
    for template in sorted(
        sizes, key=lambda template: (sizes[template], derive(0, part, template))
    ):
        if wanted < sizes[template] / 2:  # nearer without it
            break
        wanted -= sizes[template]
        chosen.append(template)
    return frozenset(chosen)
