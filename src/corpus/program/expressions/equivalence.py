"""When two answers are equivalent: by value at random points, or by simplifying the difference.

Nothing here limits time or memory, so it runs in the sandbox.
"""

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy

from corpus.program.expressions.algebra import OPERATIONS, Value, ValueEquation, build, write
from corpus.program.expressions.operations import FORMS

CONSTANT = "C"
"""The constant of integration: a gold answer with it is compared up to a constant."""

_POINTS, _ENOUGH = 24, 6
"""Points that are tried, and how many of them must give both a real value to decide."""

_DIGITS = 30
_NEAR = sympy.Float("1e-20")
_RANGE = 4


def is_answer(value: str, gold: str, form: str | None = None) -> bool:
    """True where `value` is equivalent to the gold answer.

    Expressions must be equal at every point, solutions as sets, equations up to a factor. If the
    gold answer has the letter C, a value that differs from it by a constant is right. With `form`,
    an operation of `FORMS`, the value must also be written as that operation writes it; for
    `simplify`, in no more operations than the gold answer. Raises `ReadingError` or
    `UndefinedError` if either cannot be read.
    """
    mine, its = build(value), build(gold)
    if not _same(mine, its):
        return False
    if form not in FORMS or isinstance(mine, ValueEquation):
        return True
    if form == "simplify":
        return _length(mine) <= _length(its)
    # Compare texts: sympy multiplies `2*(x + 2)` out as soon as it is built.
    return "".join(value.split()) == "".join(write(OPERATIONS[form](mine)).split())


def _length(value: Value) -> int:
    return (
        sum(sympy.count_ops(each) for each in value)
        if isinstance(value, tuple)
        else sympy.count_ops(value)
    )


def _same(mine: Value, its: Value) -> bool:
    if isinstance(mine, ValueEquation) or isinstance(its, ValueEquation):
        return (
            isinstance(mine, ValueEquation)
            and isinstance(its, ValueEquation)
            and _same_equation(mine, its)
        )
    if isinstance(mine, tuple) or isinstance(its, tuple):
        return _same_set(
            mine if isinstance(mine, tuple) else (mine,), its if isinstance(its, tuple) else (its,)
        )
    constant = sympy.Symbol(CONSTANT, real=True)
    if its.has(constant):
        return all(
            _equal(mine.diff(each), its.diff(each))
            for each in (mine.free_symbols | its.free_symbols) - {constant}
        )
    return _equal(mine, its)


def _same_set(mine: Sequence[Any], its: Sequence[Any]) -> bool:
    left = list(its)
    for each in mine:
        partner = next((place for place, other in enumerate(left) if _equal(each, other)), None)
        if partner is None:
            return False
        del left[partner]
    return not left


def _same_equation(mine: ValueEquation, its: ValueEquation) -> bool:
    """True if left minus right is the same in both, up to a constant factor."""
    first, second = mine.left - mine.right, its.left - its.right
    if first == 0 or second == 0:
        return first == second
    ratio = sympy.simplify(first / second)
    return bool(ratio.is_number and ratio.is_finite and ratio != 0)


def _equal(first: Any, second: Any) -> bool:
    if first == second:
        return True
    symbols = sorted(first.free_symbols | second.free_symbols, key=str)
    chance, compared, unclear = random.Random(0), 0, False
    for _ in range(_POINTS if symbols else 1):
        point = {symbol: _random_value(chance) for symbol in symbols}
        values = [_value_at(each, point) for each in (first, second)]
        if None in values:
            continue
        a, b = values
        apart, scale = abs(a - b), max(abs(a), abs(b))
        if apart > _NEAR * scale and apart > _NEAR:
            return False
        compared, unclear = compared + 1, unclear or apart > _NEAR * scale
    if compared >= (_ENOUGH if symbols else 1) and not unclear:
        return True
    return bool(sympy.simplify(first - second) == 0)


def _random_value(chance: random.Random) -> Any:
    value = Fraction(chance.randint(1, 997), 997) * _RANGE * chance.choice((1, 1, -1))
    return sympy.Rational(value.numerator, value.denominator)


def _value_at(expression: Any, point: dict[Any, Any]) -> Any:
    """Return the value as a real Float, or None where there is none."""
    value = expression.evalf(_DIGITS, subs=point) if point else expression.evalf(_DIGITS)
    return value if value.is_Float or value.is_Integer or value.is_Rational else None
