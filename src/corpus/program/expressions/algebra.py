"""The operations on expressions, computed with sympy.

Nothing here limits time or memory, so it runs in the sandbox.

Our own reader reads expressions, which are built node by node; sympy never parses a text.
Variables are real.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from corpus.program.arithmetic.operations import UndefinedError
from corpus.program.expressions import reader as written
from corpus.program.language import CONSTANTS, Program, Step
from corpus.program.reader import ReadingError
from corpus.program.tree import Node

_LARGEST_POWER = 1000
"""Most digits of a power of a number: the digits of its base times the exponent."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class ValueEquation:
    """Two expressions that are equal."""

    left: Any
    right: Any


Value = Any
"""A sympy expression, a `ValueEquation`, or a tuple of expressions (solutions)."""


def build(text: str) -> Value:
    """Return the value of a text.

    Raises `ReadingError` if it is not in the language and `UndefinedError` for `1/0`.
    """
    found = written.read(text)
    if isinstance(found, written.Solutions):
        return tuple(_defined(_build(each)) for each in found.elements)
    if isinstance(found, written.Equation):
        return ValueEquation(_defined(_build(found.left)), _defined(_build(found.right)))
    return _defined(_build(found))


def _build(node: Node) -> Any:
    if isinstance(node, Fraction):
        return sympy.Rational(node.numerator, node.denominator)
    if isinstance(node, str):
        return {"pi": sympy.pi, "e": sympy.E}.get(node) or sympy.Symbol(node, real=True)
    return _BUILD[node.operation](*map(_build, node.arguments))


_INFIX: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
}
_BUILD: dict[str, Callable[..., Any]] = {
    **_INFIX,
    "power": operator.pow,
    "negate": operator.neg,
    "abs": sympy.Abs,
    **{name: getattr(sympy, name) for name in written.FUNCTIONS.values() if name != "abs"},
}


def _defined(value: Any) -> Any:
    if value.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
        raise UndefinedError("it is not finite")
    if value.has(sympy.I):
        raise UndefinedError("it is not real")
    return value


def write(value: Value) -> str:
    """Return a value's text, which `build` reads.

    Raises `UndefinedError` if the language cannot express it.
    """
    if isinstance(value, tuple):
        text = "{" + ", ".join(map(sympy.sstr, _ordered(value))) + "}"
    elif isinstance(value, ValueEquation):
        text = f"{sympy.sstr(value.left)} = {sympy.sstr(value.right)}"
    else:
        text = sympy.sstr(value)
    try:
        written.read(text)
    except ReadingError as error:
        raise UndefinedError(f"the result is beyond the language: {error}") from None
    return text


def _ordered(values: Sequence[Any]) -> list[Any]:
    if all(value.is_number for value in values):
        return sorted(values, key=lambda value: value.evalf())
    return sorted(values, key=sympy.default_sort_key)


def apply(step: Step, quantities: Sequence[Value], results: Sequence[Value]) -> Value:
    """Return the result of one step. Raises `UndefinedError`, and what sympy raises."""
    operation = OPERATIONS.get(step.operation)
    if operation is None:
        raise UndefinedError("no operation on expressions")
    return operation(*(_look_up(argument, quantities, results) for argument in step.arguments))


def execute(program: Program, quantities: Sequence[Value]) -> tuple[list[str], str | None]:
    """Return the result of each step as text, and the error that stopped them, or None."""
    results: list[Value] = []
    texts: list[str] = []
    for position, step in enumerate(program.steps):
        try:
            results.append(apply(step, quantities, results))
            texts.append(write(results[-1]))
        except MemoryError:
            raise
        except UndefinedError as error:
            return texts, f"step {position}, {step}: {error}"
        except Exception as error:  # sympy raises many types of errors
            return texts, f"step {position}, {step}: no way is known ({type(error).__name__})"
    return texts, None


def _look_up(argument: str, quantities: Sequence[Value], results: Sequence[Value]) -> Value:
    if argument in CONSTANTS:
        if argument == "const_pi":
            return sympy.pi
        if not CONSTANTS[argument].is_integer():
            raise UndefinedError(f"{argument} is not exact")
        return sympy.Integer(int(CONSTANTS[argument]))
    values, what = (quantities, "quantities") if argument.startswith("n") else (results, "results")
    if int(argument[1:]) >= len(values):
        raise UndefinedError(f"{argument} is beyond the {len(values)} {what} there are")
    return values[int(argument[1:])]


def _expression(value: Value) -> Any:
    if isinstance(value, tuple):
        if len(value) != 1:
            raise UndefinedError(f"there are {len(value)} solutions, and one expression is needed")
        return value[0]
    if isinstance(value, ValueEquation):
        raise UndefinedError("an equation stands where an expression is needed")
    return value


def _symbol(value: Value) -> Any:
    symbol = _expression(value)
    if not symbol.is_Symbol:
        raise UndefinedError(f"{write(symbol)} is no variable")
    return symbol


def _differentiate(value: Value, by: Value) -> Value:
    return _defined(sympy.diff(_expression(value), _symbol(by)))


def _integrate(value: Value, by: Value) -> Value:
    found = sympy.integrate(_expression(value), _symbol(by))
    if found.has(sympy.Integral):
        raise UndefinedError("no antiderivative is known")
    return _defined(found)


def _solve(value: Value, unknown: Value) -> Value:
    difference = (
        value.left - value.right if isinstance(value, ValueEquation) else _expression(value)
    )
    symbol = _symbol(unknown)
    if not difference.has(symbol):
        raise UndefinedError(f"{symbol} does not occur")
    found = tuple(
        dict.fromkeys(each for each in sympy.solve(difference, symbol) if not _is_complex(each))
    )
    if not found:
        raise UndefinedError("there is no real solution")
    return tuple(_defined(each) for each in found)


def _is_complex(solution: Any) -> bool:
    """True if a solution is not real; some real ones can only be written with I in them."""
    if solution.is_real is None and solution.is_number:
        return abs(sympy.im(solution.evalf())) > _ROUNDING
    return solution.is_real is False


def _form(change: Callable[[Any], Any]) -> Callable[[Value], Value]:
    def formed(value: Value) -> Value:
        if isinstance(value, tuple):
            return tuple(_defined(change(each)) for each in value)
        if isinstance(value, ValueEquation):
            return ValueEquation(_defined(change(value.left)), _defined(change(value.right)))
        return _defined(change(value))

    return formed


def _substitute(value: Value, given: Value) -> Value:
    if isinstance(given, tuple):
        found = list(dict.fromkeys(_expression(_substitute(value, each)) for each in given))
        return tuple(found) if len(found) > 1 else found[0]
    if isinstance(given, ValueEquation):
        symbol, number = given.left, given.right
        if not symbol.is_Symbol:
            raise UndefinedError(f"{write(given)} does not say what a variable is")
    else:
        symbol, number = (_variables(value) or [sympy.Symbol("x", real=True)])[0], given
        if len(_variables(value)) > 1:
            raise UndefinedError(f"{write(value)} has more than one variable")
    if isinstance(value, tuple):
        return tuple(_defined(each.subs(symbol, number)) for each in value)
    if isinstance(value, ValueEquation):
        return ValueEquation(
            _defined(value.left.subs(symbol, number)), _defined(value.right.subs(symbol, number))
        )
    return _defined(value.subs(symbol, number))


def _variables(value: Value) -> list[Any]:
    parts = (
        value
        if isinstance(value, tuple)
        else (value.left, value.right)
        if isinstance(value, ValueEquation)
        else (value,)
    )
    return sorted(set().union(*(part.free_symbols for part in parts)), key=str)


def _variable(value: Value) -> Value:
    found = _variables(value)
    if len(found) != 1:
        raise UndefinedError(f"{write(value)} has {len(found)} variables, not one")
    return found[0]


def _extreme(place: int) -> Callable[[Value], Value]:
    def pick(value: Value) -> Value:
        values = value if isinstance(value, tuple) else (_expression(value),)
        if not all(each.is_number for each in values):
            raise UndefinedError(
                "there is a solution with a variable in it, whose size is not known"
            )
        return _ordered(values)[place]

    return pick


def _power(base: Value, exponent: Value) -> Value:
    base, exponent = _expression(base), _expression(exponent)
    if exponent.is_number and not abs(exponent.evalf()) <= written.MAX_EXPONENT:
        raise UndefinedError(f"the exponent is beyond {written.MAX_EXPONENT}")
    if (
        base.is_Rational
        and exponent.is_number
        and len(str(base)) * abs(exponent.evalf()) > _LARGEST_POWER
    ):
        raise UndefinedError(f"the power has more than {_LARGEST_POWER} digits")
    return _defined(base**exponent)


OPERATIONS: dict[str, Callable[..., Value]] = {
    **{
        name: lambda a, b, join=join: _defined(join(_expression(a), _expression(b)))
        for name, join in _INFIX.items()
    },
    "power": _power,
    "differentiate": _differentiate,
    "integrate": _integrate,
    "solve": _solve,
    "simplify": _form(sympy.simplify),
    "expand": _form(sympy.expand),
    "factor": _form(sympy.factor),
    "substitute": _substitute,
    "variable": _variable,
    "equate": lambda a, b: ValueEquation(_expression(a), _expression(b)),
    "largest": _extreme(-1),
    "smallest": _extreme(0),
}
"""What each operation computes; they raise `UndefinedError`, and what sympy raises."""
