"""MathQA's operations, as one table: name, number of arguments, and what each computes.

Where the paper leaves a meaning open, it is the one that gives the gold answer most often on the
train split. So `log` has base 2, `choose` and `permutation` take their arguments in either order,
and `stream_speed` is, against its name, half the sum.

Every operation is bounded: it works on floats, refuses what would grow without limit, and takes
microseconds. Reference: Amini et al. 2019, arXiv:1905.13319.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

LARGEST_INTEGER = 10**15
"""Operations on whole numbers refuse larger ones, which are not exact as floats (2**53 ≈ 9e15)."""

LARGEST_FACTORIAL = 170
"""171! is beyond the largest float."""

_LARGEST_EXPONENT = math.log(1e300)
_ROUNDING = 1e-9
"""Earlier steps leave rounding errors of this size: 0.1 + 0.2 + 0.7 still is a whole number."""


class UndefinedError(ValueError):
    """An operation is not defined for its arguments; the message says why."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `apply` raises `ValueError` or `ArithmeticError` where it is not defined."""

    name: str
    arity: int
    apply: Callable[..., float]


def _is_whole(value: float) -> bool:
    return abs(value - round(value)) <= _ROUNDING * max(1.0, abs(value))


def _whole(value: float) -> int:
    if abs(value) > LARGEST_INTEGER or not _is_whole(value):
        raise UndefinedError(f"{value:g} is not a whole number of at most {LARGEST_INTEGER:.0e}")
    return round(value)


def _floor(value: float) -> float:
    return float(round(value)) if _is_whole(value) else float(math.floor(value))


def _power(base: float, exponent: float) -> float:
    result = base**exponent
    if isinstance(result, complex):
        raise UndefinedError(f"{base:g} to the power {exponent:g} is not real")
    return result


def _factorial(count: float) -> float:
    whole = _whole(count)
    if not 0 <= whole <= LARGEST_FACTORIAL:
        raise UndefinedError(
            f"the factorial of {count:g} is not between 0! and {LARGEST_FACTORIAL}!"
        )
    return float(math.factorial(whole))


def _permutation(first: float, second: float) -> float:
    total, taken = _whole(max(first, second)), _whole(min(first, second))
    _check_ways(
        total,
        taken,
        math.lgamma(total + 1) - math.lgamma(total - taken + 1) if 0 <= taken <= total else 0.0,
    )
    return float(math.perm(total, taken))


def _choose(first: float, second: float) -> float:
    total, taken = _whole(max(first, second)), _whole(min(first, second))
    ways = (
        math.lgamma(total + 1) - math.lgamma(total - taken + 1) - math.lgamma(taken + 1)
        if 0 <= taken <= total
        else 0.0
    )
    _check_ways(total, taken, ways)
    return float(math.comb(total, taken))


def _check_ways(total: int, taken: int, log_ways: float) -> None:
    if taken < 0:
        raise UndefinedError(f"{taken} cannot be taken out of {total}")
    if log_ways > _LARGEST_EXPONENT:
        raise OverflowError


def _triangle_by_edges(first: float, second: float, third: float) -> float:
    half = (first + second + third) / 2
    return math.sqrt(half * (half - first) * (half - second) * (half - third))


_TABLE: dict[str, tuple[int, Callable[..., float]]] = {
    # arithmetic
    "add": (2, lambda a, b: a + b),
    "subtract": (2, lambda a, b: a - b),
    "multiply": (2, lambda a, b: a * b),
    "divide": (2, lambda a, b: a / b),
    "power": (2, _power),
    "sqrt": (1, math.sqrt),
    "inverse": (1, lambda a: 1 / a),
    "negate": (1, lambda a: -a),
    "floor": (1, _floor),  # largest whole number not above a
    "reminder": (2, lambda a, b: a % b),  # with the sign of b
    "log": (1, math.log2),
    "max": (2, max),
    "min": (2, min),
    "gcd": (2, lambda a, b: float(math.gcd(_whole(a), _whole(b)))),
    "lcm": (2, lambda a, b: float(math.lcm(_whole(a), _whole(b)))),
    # counting and probability
    "factorial": (1, _factorial),
    "choose": (2, _choose),  # the smaller out of the larger, in any order
    "permutation": (2, _permutation),  # the smaller out of the larger
    "negate_prob": (1, lambda a: 1 - a),
    # trade: a is a percentage, b a price
    "p_after_gain": (2, lambda a, b: (1 + a / 100) * b),
    "original_price_before_gain": (2, lambda a, b: b / (1 + a / 100)),
    "original_price_before_loss": (2, lambda a, b: b / (1 - a / 100)),
    # motion
    "speed": (2, lambda a, b: a / b),  # distance a, time b
    "speed_in_still_water": (2, lambda a, b: (a + b) / 2),
    "stream_speed": (2, lambda a, b: (a + b) / 2),  # half the sum, against its name
    # angles in radians
    "sine": (1, math.sin),
    "cosine": (1, math.cos),
    "tangent": (1, math.tan),
    # plane figures
    "square_area": (1, lambda a: a * a),
    "square_perimeter": (1, lambda a: 4 * a),
    "square_edge_by_area": (1, math.sqrt),
    "square_edge_by_perimeter": (1, lambda a: a / 4),
    "rectangle_area": (2, lambda a, b: a * b),
    "rectangle_perimeter": (2, lambda a, b: 2 * (a + b)),
    "diagonal": (2, math.hypot),
    "rhombus_area": (2, lambda a, b: a * b / 2),  # diagonals
    "rhombus_perimeter": (1, lambda a: 4 * a),
    "quadrilateral_area": (3, lambda a, b, c: a * (b + c) / 2),  # diagonal a, offsets b and c
    "triangle_area": (2, lambda a, b: a * b / 2),  # base a, height b
    "triangle_area_three_edges": (3, _triangle_by_edges),
    "triangle_perimeter": (3, lambda a, b, c: a + b + c),
    "circle_area": (1, lambda a: math.pi * a * a),
    "circumface": (1, lambda a: 2 * math.pi * a),
    # solids
    "volume_cube": (1, lambda a: a * a * a),
    "surface_cube": (1, lambda a: 6 * a * a),
    "cube_edge_by_volume": (1, math.cbrt),
    "volume_rectangular_prism": (3, lambda a, b, c: a * b * c),
    "surface_rectangular_prism": (3, lambda a, b, c: 2 * (a * b + b * c + a * c)),
    "volume_cylinder": (2, lambda a, b: math.pi * a * a * b),  # radius a, height b
    "surface_cylinder": (2, lambda a, b: 2 * math.pi * a * (a + b)),
    "volume_cone": (2, lambda a, b: math.pi * a * a * b / 3),  # radius a, height b
    "volume_sphere": (1, lambda a: 4 / 3 * math.pi * a * a * a),
    "surface_sphere": (1, lambda a: 4 * math.pi * a * a),
}

OPERATIONS: dict[str, Operation] = {
    name: Operation(name, arity, apply) for name, (arity, apply) in _TABLE.items()
}
"""Every operation by its name, in the order of their token ids."""
