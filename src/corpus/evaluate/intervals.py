"""Confidence intervals of a measured share."""

import math
from collections.abc import Hashable, Sequence

Z = 1.959963984540054
"""The 97.5 % quantile of the standard normal distribution, for a two-sided 95 % interval."""


def clustered(hits: Sequence[bool], kin: Sequence[Hashable]) -> tuple[float, float] | None:
    """Return the cluster-robust 95 % interval for the share of `hits`; None if there are none.

    `kin` names the cluster of each hit: problems of one cluster tend to be right or wrong together.
    The interval is Wilson's for the effective number of trials: their number over the design effect
    (the variance found between clusters over that of independent trials, at least 1). Where all are
    right, or all wrong, each cluster is one trial. Korn and Graubard's factor makes it fewer where
    few clusters leave the variance uncertain, down to one trial for each cluster.

    References: Miller 2024, arXiv:2411.00640, sec. 2.2; Korn and Graubard 1998, Survey Methodology
    24:193; Dean and Pagano 2015, J. Surv. Stat. Methodol. 3:484.
    """
    if not hits:
        return None
    return wilson(sum(hits) / len(hits), effective_size(hits, kin))


def effective_size(values: Sequence[float], kin: Sequence[Hashable]) -> float:
    """Return the number of independent trials that tell as much of the mean as `values` do.

    See `clustered`.
    """
    total = len(values)
    mean, sums, alone = sum(values) / total, dict.fromkeys(kin, 0.0), 0.0
    for value, group in zip(values, kin, strict=True):
        sums[group] += value - mean
        alone += (value - mean) ** 2
    between = sum(each * each for each in sums.values())
    effective = total / max(1.0, between / alone) if alone else len(sums)
    return max(effective * _certainty(len(sums), total), min(effective, len(sums)))


def _certainty(groups: int, total: int) -> float:
    """Return Korn and Graubard's factor for `groups` clusters among `total` trials, 0…1."""
    if groups == total:
        return 1.0
    if groups == 1:
        return 0.0
    return (
        (student(total - 1) / student(groups - 1)) ** 2
        * (groups - 1)
        / groups
        * total
        / (total - 1)
    )


def student(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t distribution (Abramowitz and Stegun 1964, 26.7.5).

    It is exact for 1 and 2 degrees of freedom; the relative error is 1.2e-3 at 3, 4.4e-5 at 6 and
    1.5e-8 at 30. `scipy.special.stdtrit` is exact throughout, but would change the intervals of
    earlier runs, and importing it takes a third of a second.
    """
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
    """Return Wilson's 95 % interval, where `share` of `total` independent trials were successes.

    `total` is above 0 and need not be whole. Unlike the textbook (Wald) interval it stays within
    0 … 1 and works for few trials, and for no or all successes.

    References: Wilson 1927, J. Am. Stat. Assoc. 22:209; Brown, Cai and DasGupta 2001, Stat. Sci.
    16:101.
    """
    if not 0 <= share <= 1 or total <= 0:
        raise ValueError(f"{share} of {total} trials is not a proportion")
    shrink = 1 + Z * Z / total
    middle = (share + Z * Z / (2 * total)) / shrink
    half = Z / shrink * math.sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    # The formula gives exactly 0 and 1 at the ends, floats do not.
    return (0.0 if share == 0 else middle - half), (1.0 if share == 1 else middle + half)
