"""Every operation of the MathQA language, as one table: name, how many arguments, and what it computes.

The table holds the operations of the released data; other names in its paper's list stand in no program. Where the paper leaves a
meaning open it was settled on the train split: the meaning here is the one that lands on the keyed option most often. So `log` has
base 2, `choose` and `permutation` take their arguments in either order, and `stream_speed` is, against its name, half the sum.

Every operation is bounded: it works on floats, refuses what would grow without limit, and takes microseconds.
Reference: Amini et al. 2019, arXiv:1905.13319.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

LARGEST_INTEGER = 10**15
"""Integers beyond this are not exact as floats (2**53 ≈ 9e15), so operations on whole numbers refuse them."""

LARGEST_FACTORIAL = 170
"""171! is beyond the largest float."""

_LARGEST_EXPONENT = math.log(1e300)
_ROUNDING = 1e-9
"""Earlier steps leave rounding errors of this size: 0.1 + 0.2 + 0.7 is a whole number all the same."""


class UndefinedError(ValueError):
    """An operation is not defined for its arguments; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation; `apply` takes `arity` floats and raises `ValueError` or `ArithmeticError` where it is not defined."""

    name: str
    arity: int
    apply: Callable[..., float]
    meaning: str


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


_ROWS: tuple[tuple[str, int, Callable[..., float], str], ...] = (
    # arithmetic
    ("add", 2, lambda a, b: a + b, "a + b"),
    ("subtract", 2, lambda a, b: a - b, "a - b"),
    ("multiply", 2, lambda a, b: a * b, "a · b"),
    ("divide", 2, lambda a, b: a / b, "a / b"),
    ("power", 2, _power, "a to the power b"),
    ("sqrt", 1, math.sqrt, "square root of a"),
    ("inverse", 1, lambda a: 1 / a, "1 / a"),
    ("negate", 1, lambda a: -a, "-a"),
    ("floor", 1, _floor, "largest whole number not above a"),
    ("reminder", 2, lambda a, b: a % b, "remainder of a / b, with the sign of b"),
    ("log", 1, math.log2, "logarithm of a to base 2"),
    ("max", 2, max, "the larger of a and b"),
    ("min", 2, min, "the smaller of a and b"),
    (
        "gcd",
        2,
        lambda a, b: float(math.gcd(_whole(a), _whole(b))),
        "greatest common divisor of a and b",
    ),
    (
        "lcm",
        2,
        lambda a, b: float(math.lcm(_whole(a), _whole(b))),
        "least common multiple of a and b",
    ),
    # counting and probability
    ("factorial", 1, _factorial, "a!"),
    ("choose", 2, _choose, "ways to choose the smaller of a, b out of the larger, in any order"),
    ("permutation", 2, _permutation, "ways to arrange the smaller of a, b out of the larger"),
    ("negate_prob", 1, lambda a: 1 - a, "1 - a"),
    # trade: a is a percentage, b a price
    ("p_after_gain", 2, lambda a, b: (1 + a / 100) * b, "price b after a gain of a %"),
    (
        "original_price_before_gain",
        2,
        lambda a, b: b / (1 + a / 100),
        "price that a gain of a % made b",
    ),
    (
        "original_price_before_loss",
        2,
        lambda a, b: b / (1 - a / 100),
        "price that a loss of a % made b",
    ),
    # motion
    ("speed", 2, lambda a, b: a / b, "distance a over time b"),
    (
        "speed_in_still_water",
        2,
        lambda a, b: (a + b) / 2,
        "half the sum of the speeds down and up the stream",
    ),
    (
        "stream_speed",
        2,
        lambda a, b: (a + b) / 2,
        "half the sum of the speeds down and up the stream",
    ),
    # angles in radians
    ("sine", 1, math.sin, "sine of a"),
    ("cosine", 1, math.cos, "cosine of a"),
    ("tangent", 1, math.tan, "tangent of a"),
    # plane figures
    ("square_area", 1, lambda a: a * a, "area of a square of edge a"),
    ("square_perimeter", 1, lambda a: 4 * a, "perimeter of a square of edge a"),
    ("square_edge_by_area", 1, math.sqrt, "edge of a square of area a"),
    ("square_edge_by_perimeter", 1, lambda a: a / 4, "edge of a square of perimeter a"),
    ("rectangle_area", 2, lambda a, b: a * b, "area of a rectangle of edges a, b"),
    ("rectangle_perimeter", 2, lambda a, b: 2 * (a + b), "perimeter of a rectangle of edges a, b"),
    ("diagonal", 2, math.hypot, "diagonal of a rectangle of edges a, b"),
    ("rhombus_area", 2, lambda a, b: a * b / 2, "area of a rhombus of diagonals a, b"),
    ("rhombus_perimeter", 1, lambda a: 4 * a, "perimeter of a rhombus of edge a"),
    (
        "quadrilateral_area",
        3,
        lambda a, b, c: a * (b + c) / 2,
        "area of a quadrilateral of diagonal a and offsets b, c",
    ),
    ("triangle_area", 2, lambda a, b: a * b / 2, "area of a triangle of base a, height b"),
    ("triangle_area_three_edges", 3, _triangle_by_edges, "area of a triangle of edges a, b, c"),
    (
        "triangle_perimeter",
        3,
        lambda a, b, c: a + b + c,
        "perimeter of a triangle of edges a, b, c",
    ),
    ("circle_area", 1, lambda a: math.pi * a * a, "area of a circle of radius a"),
    ("circumface", 1, lambda a: 2 * math.pi * a, "circumference of a circle of radius a"),
    # solids
    ("volume_cube", 1, lambda a: a * a * a, "volume of a cube of edge a"),
    ("surface_cube", 1, lambda a: 6 * a * a, "surface of a cube of edge a"),
    ("cube_edge_by_volume", 1, math.cbrt, "edge of a cube of volume a"),
    ("volume_rectangular_prism", 3, lambda a, b, c: a * b * c, "volume of a box of edges a, b, c"),
    (
        "surface_rectangular_prism",
        3,
        lambda a, b, c: 2 * (a * b + b * c + a * c),
        "surface of a box of edges a, b, c",
    ),
    (
        "volume_cylinder",
        2,
        lambda a, b: math.pi * a * a * b,
        "volume of a cylinder of radius a, height b",
    ),
    (
        "surface_cylinder",
        2,
        lambda a, b: 2 * math.pi * a * (a + b),
        "surface of a cylinder of radius a, height b",
    ),
    (
        "volume_cone",
        2,
        lambda a, b: math.pi * a * a * b / 3,
        "volume of a cone of radius a, height b",
    ),
    ("volume_sphere", 1, lambda a: 4 / 3 * math.pi * a * a * a, "volume of a sphere of radius a"),
    ("surface_sphere", 1, lambda a: 4 * math.pi * a * a, "surface of a sphere of radius a"),
)

OPERATIONS: dict[str, Operation] = {
    name: Operation(name=name, arity=arity, apply=apply, meaning=meaning)
    for name, arity, apply, meaning in _ROWS
}
"""Every operation by its name, in the order of their token ids."""
