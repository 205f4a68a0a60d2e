"""Where a function of one number is 0."""

from collections.abc import Callable
from typing import Any


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where `function` is 0, by Brent's method; its signs at `low` and `high` differ."""
    from scipy.optimize import brentq  # importing it takes a third of a second

    found: Any = brentq(function, low, high, xtol=1e-12)  # its stubs also allow a tuple
    return float(found)
