"""Parts of training problems that are held out: whole groups, the same in every run.

A group is a family where the set has families, such as the stories of SVAMP, else a template.
"""

from collections import Counter
from collections.abc import Iterable

from corpus.base.seeds import derive
from corpus.problems.problem import Problem

TUNING, HELDOUT = "tune", "heldout"
"""The part for choosing settings, and, in a set without a dev file, the part that is scored."""


def is_in_part(problem: Problem, part: str, share: float) -> bool:
    """True where a problem's group falls into `part`, a `share` of all groups."""
    return derive(0, part, problem.group) < share * 2**63


def rarest_groups(problems: Iterable[Problem], part: str, share: float) -> frozenset[str]:
    """Return the groups with the fewest problems, together about `share` of all problems.

    Ties are broken at random. Most of these groups have one problem, as the unseen templates of a
    dev file do. Twins are right or wrong together, so with few twins the effective sample size is
    near the number of problems.
    """
    sizes = Counter(problem.group for problem in problems)
    wanted, chosen = share * sizes.total(), []
    for group in sorted(sizes, key=lambda group: (sizes[group], derive(0, part, group))):
        if wanted < sizes[group] / 2:  # the sum is nearer without it
            break
        wanted -= sizes[group]
        chosen.append(group)
    return frozenset(chosen)
