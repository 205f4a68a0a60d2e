"""How sure a measured share is."""

import math

Z = 1.959963984540054
"""Standard normal deviate of a two-sided 95 % interval."""


def wilson(successes: int, total: int) -> tuple[float, float] | None:
    """Return the 95 % interval for a proportion of which `successes` of `total` were seen; None where nothing was tried.

    Unlike the textbook interval it stays within 0 … 1 and is of use for few trials and for none or all successes.
    Reference: Wilson 1927, J. Am. Stat. Assoc. 22:209; Brown, Cai and DasGupta 2001, Stat. Sci. 16:101.
    """
    if not 0 <= successes <= total:
        raise ValueError(f"{successes} successes of {total} trials is no proportion")
    if total == 0:
        return None
    share, shrink = successes / total, 1 + Z * Z / total
    middle = (share + Z * Z / (2 * total)) / shrink
    half = Z / shrink * math.sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    # the formula gives exactly 0 and 1 at the ends, but floats do not
    return (0.0 if successes == 0 else middle - half), (1.0 if successes == total else middle + half)
