"""How sure a measured share is."""

import math
from collections.abc import Hashable, Sequence

Z = 1.959963984540054
"""Standard normal deviate of a two-sided 95 % interval."""


def clustered(hits: Sequence[bool], kin: Sequence[Hashable]) -> tuple[float, float] | None:
    """Return the 95 % interval for the share of `hits`, where those of one kin tend to be right or wrong together; None where there are none.

    It is Wilson's for as many independent trials as give the variance that is found between kin (the design effect; never more trials than there are;
    where all are right, or all wrong, one for each kin). A set whose problems are told apart by their numbers alone says less than its size promises.
    Reference: Miller 2024, arXiv:2411.00640, sec. 2.2; Dean and Pagano 2015, J. Surv. Stat. Methodol. 3:484.
    """
    total, successes = len(hits), sum(hits)
    if total == 0:
        return None
    share, sums = successes / total, dict.fromkeys(kin, 0.0)
    for hit, group in zip(hits, kin, strict=True):
        sums[group] += hit - share
    between, alone = sum(each * each for each in sums.values()), total * share * (1 - share)
    effective = total / max(1.0, between / alone) if alone else len(sums)
    return wilson(share, effective)


def wilson(share: float, total: float) -> tuple[float, float]:
    """Return the 95 % interval for a proportion, where `share` of `total` independent trials were successes; `total` is above 0 and need not be whole.

    Unlike the textbook interval it stays within 0 … 1 and is of use for few trials and for none or all successes.
    Reference: Wilson 1927, J. Am. Stat. Assoc. 22:209; Brown, Cai and DasGupta 2001, Stat. Sci. 16:101.
    """
    if not 0 <= share <= 1 or total <= 0:
        raise ValueError(f"{share} of {total} trials is no proportion")
    shrink = 1 + Z * Z / total
    middle = (share + Z * Z / (2 * total)) / shrink
    half = Z / shrink * math.sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    # the formula gives exactly 0 and 1 at the ends, but floats do not
    return (0.0 if share == 0 else middle - half), (1.0 if share == 1 else middle + half)
