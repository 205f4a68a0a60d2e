"""Parts of training problems that are held out: whole templates, the same in every run."""

from collections import Counter
from collections.abc import Iterable

from corpus.base.seeds import derive
from corpus.problems.problem import Problem

TUNING, HELDOUT = "tune", "heldout"
"""The part for choosing settings, and, in a set without a dev file, the part that is scored."""


def is_in_part(problem: Problem, part: str, share: float) -> bool:
    """True where a problem's template falls into `part`, a `share` of all templates."""
    return derive(0, part, problem.template) < share * 2**63


def rarest_templates(problems: Iterable[Problem], part: str, share: float) -> frozenset[str]:
    """Return the templates with the fewest problems, together about `share` of all problems.

    Ties are broken at random. Most of these templates have one problem, as the unseen templates of
    a dev file do. Twins are right or wrong together, so with few twins the effective sample size is
    near the number of problems.
    """
    sizes = Counter(problem.template for problem in problems)
    wanted, chosen = share * sizes.total(), []
    for template in sorted(
        sizes, key=lambda template: (sizes[template], derive(0, part, template))
    ):
        if wanted < sizes[template] / 2:  # the sum is nearer without it
            break
        wanted -= sizes[template]
        chosen.append(template)
    return frozenset(chosen)
