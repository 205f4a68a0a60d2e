"""How sure a measured share is."""

import math
from collections.abc import Hashable, Sequence

Z = 1.959963984540054
"""Standard normal deviate of a two-sided 95 % interval."""


def clustered(hits: Sequence[bool], kin: Sequence[Hashable]) -> tuple[float, float] | None:
    """Return the 95 % interval for the share of `hits`, where those of one kin tend to be right or wrong together; None where there are none.

    It is Wilson's for as many independent trials as give the variance that is found between kin (the design effect; never more trials than there are;
    where all are right, or all wrong, one for each kin), and fewer where few kin leave that variance uncertain, down to one for each kin. A set whose
    problems are told apart by their numbers alone says less than its size promises.
    Reference: Miller 2024, arXiv:2411.00640, sec. 2.2; Korn and Graubard 1998, Survey Methodology 24:193; Dean and Pagano 2015, J. Surv. Stat. Methodol. 3:484.
    """
    total, successes = len(hits), sum(hits)
    if total == 0:
        return None
    share, sums = successes / total, dict.fromkeys(kin, 0.0)
    for hit, group in zip(hits, kin, strict=True):
        sums[group] += hit - share
    between, alone = sum(each * each for each in sums.values()), total * share * (1 - share)
    effective = total / max(1.0, between / alone) if alone else len(sums)
    return wilson(share, max(effective * _certainty(len(sums), total), min(effective, len(sums))))


def _certainty(groups: int, total: int) -> float:
    """Return what the variance between `groups` kin is worth beside that between as many kin as there are trials, 0…1."""
    if groups == total:
        return 1.0
    if groups == 1:
        return 0.0
    return (
        (_student(total - 1) / _student(groups - 1)) ** 2
        * (groups - 1)
        / groups
        * total
        / (total - 1)
    )


def _student(freedom: int) -> float:
    """Return Student's deviate of a two-sided 95 % interval (Abramowitz and Stegun 1964, 26.7.5; exact below 3 degrees of freedom)."""
    if freedom < 3:
        return (12.706204736, 4.302652730)[freedom - 1]
    z, d = Z, freedom
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / d**power for power, term in enumerate(terms, 1))


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
