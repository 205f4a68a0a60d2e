"""Reading expressions, equations and sets of solutions as people type them, within limits.

    3x^2 + 2x     sin(2x)/x     x**2 = 4     {-2, 2}

Variables are single letters, `pi` and `e` are constants. A function without parentheses takes the
letters and numbers that follow it: `sin 2x`. `log` and `ln` are natural. Nothing is evaluated.
"""

import math
import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from corpus.program.reader import LimitError, Notation, Reader, ReadingError, Token
from corpus.program.reader import tokenize as cut
from corpus.program.tree import Node, names_in

MAX_CHARACTERS = 400
"""Of one expression."""

MAX_DIGITS = 30
"""Of one number."""

MAX_DEPTH = 30
"""How deep parentheses, functions, signs and exponents may be nested."""

MAX_EXPONENT = 100
"""Largest constant exponent; for powers of powers, the largest product of the exponents."""

MAX_SIZE = 400
"""Most digits of a constant after multiplying out."""

_NAMES = (
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"),
    *("exp", "log", "sqrt", "abs"),
)
FUNCTIONS = {
    **{name: name for name in _NAMES},
    **{"ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "Abs": "abs"},
}
"""The name of a function as people write it → its name here."""

CONSTANTS = {"pi": "pi", "π": "pi", "e": "e", "E": "e"}
"""The name of a number as people write it → its name here."""

_SPELLINGS = {"−": "-", "–": "-", "×": "*", "·": "*", "⋅": "*", "÷": "/", "**": "^"}
_SPELLINGS |= {"²": "^2", "³": "^3"}
_TOKEN = re.compile(r"\d+(?:\.\d+)?|\.\d+|[A-Za-z]+|\*\*|\S")
_NO_VARIABLES = "eEI"
"""Letters that stand for numbers; I, the imaginary unit, is not in the language."""


@dataclass(frozen=True, slots=True)
class Equation:
    """Two expressions that are equal."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Solutions:
    """One or more expressions; their order does not matter."""

    elements: tuple["Node", ...]


def read(text: str) -> Node | Equation | Solutions:
    """Read the whole of `text`.

    Raises `ReadingError` if it is no expression, equation or set of solutions, or too large.
    """
    if len(text) > MAX_CHARACTERS:
        raise ReadingError(f"it has {len(text)} characters, at most {MAX_CHARACTERS} are read")
    reader = Reader(tokenize(text), NOTATION)
    found = _solutions(reader) if reader.peek() == "{" else _equation(reader)
    reader.expect_end(text)
    return found


def read_first(tokens: Sequence[Token], start: int) -> tuple[Node | Equation, int]:
    """Read the longest expression or equation that begins at token `start`; return it and the place
    of the token after it.

    Raises `ReadingError` where none begins there.
    """
    reader = Reader(tokens[start : start + MAX_CHARACTERS], NOTATION)
    return _equation(reader), start + reader.at


def tokenize(text: str) -> list[Token]:
    """Return the tokens of any text, mathematics or not."""
    return cut(text, NOTATION)


def is_variable(text: str) -> bool:
    """True for a letter that can stand for an unknown."""
    return len(text) == 1 and text.isascii() and text.isalpha() and text not in _NO_VARIABLES


def variables_in(found: Node | Equation | Solutions) -> set[str]:
    """Return the letters that stand for unknowns."""
    if isinstance(found, Equation):
        parts: Sequence[Node] = (found.left, found.right)
    else:
        parts = found.elements if isinstance(found, Solutions) else (found,)
    return set().union(*map(names_in, parts)) - set(CONSTANTS)


def _solutions(reader: Reader) -> Solutions:
    """Read `{a, b}`."""
    reader.take()
    elements = [_expression(reader)]
    while reader.peek() == ",":
        reader.take()
        elements.append(_expression(reader))
    reader.expect("}")
    return Solutions(tuple(elements))


def _equation(reader: Reader) -> Node | Equation:
    """Read `a = b`, or an expression alone."""
    left = _expression(reader)
    if reader.peek() == "=":
        before = reader.at
        try:
            reader.take()
            return Equation(left, _expression(reader))
        except ReadingError:
            reader.at = before
    return left


def _expression(reader: Reader) -> Node:
    node = reader.read_sum()
    _measure(node)
    return node


def _name(text: str) -> str | None:
    return CONSTANTS.get(text) or (text if is_variable(text) else None)


def _number(text: str) -> Fraction:
    if not text.isascii() or len(text) > MAX_DIGITS:
        raise LimitError(f"{text[:40]!r} is not a number of at most {MAX_DIGITS} digits")
    return Fraction(text)


def _begins_beside(text: str) -> bool:
    """True for what may follow a factor without a sign; not for a number: `x2` is ambiguous."""
    return text == "(" or text in FUNCTIONS or _name(text) is not None


def _unknown(text: str) -> str:
    if not text.isalpha():
        return f"{text!r} is no beginning"
    return (
        f"{text!r} is not in the language; variables are single letters, "
        "products of them are written x*y"
    )


NOTATION = Notation(
    token=_TOKEN,
    spellings=_SPELLINGS,
    number=_number,
    has_powers=True,
    name=_name,
    functions=FUNCTIONS,
    beside=_begins_beside,
    unknown=_unknown,
    max_depth=MAX_DEPTH,
)
"""How people type expressions."""


@dataclass(frozen=True, slots=True)
class _Measure:
    """How large an expression can become when it is multiplied out."""

    value: float | None
    """The approximate value of a constant; None if there is a variable."""
    size: float
    """Most digits of its numbers."""
    degree: float
    """The highest degree that it has as a polynomial."""


def _measure(node: Node) -> _Measure:
    """Return an upper bound of what `node` can become.

    Raises `LimitError` if that exceeds a limit.
    """
    if isinstance(node, Fraction):
        return _Measure(float(node), len(str(node)), 0)
    if isinstance(node, str):
        return _Measure({"pi": math.pi, "e": math.e}.get(node), 1, 0 if node in CONSTANTS else 1)
    if len(node.arguments) == 1:
        inner = _measure(node.arguments[0])
        return _Measure(_apply(node.operation, inner.value), inner.size, inner.degree)
    left, right = map(_measure, node.arguments)
    if node.operation == "power":
        return _measure_power(left, right)
    adds = node.operation in ("add", "subtract")
    degree = max(left.degree, right.degree) if adds else left.degree + right.degree
    value = (
        None
        if left.value is None or right.value is None
        else _join(node.operation, left.value, right.value)
    )
    return _bounded(_Measure(value, left.size + right.size, degree))


def _measure_power(base: _Measure, exponent: _Measure) -> _Measure:
    if exponent.value is None:
        return _bounded(_Measure(None, base.size + exponent.size, base.degree + exponent.degree))
    if not abs(exponent.value) <= MAX_EXPONENT:  # `not … <=` refuses NaN, too
        raise LimitError(f"an exponent is beyond {MAX_EXPONENT}")
    times = max(1.0, math.ceil(abs(exponent.value)))
    value = None if base.value is None else _join("power", base.value, exponent.value)
    return _bounded(_Measure(value, base.size * times, base.degree * times))


def _bounded(measure: _Measure) -> _Measure:
    if measure.degree > MAX_EXPONENT:
        raise LimitError(f"powers of powers go beyond the exponent {MAX_EXPONENT}")
    if measure.value is not None and measure.size > MAX_SIZE:
        raise LimitError(f"a constant may have more than {MAX_SIZE} digits")
    return measure


_JOINED = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
}


def _join(operation: str, left: float, right: float) -> float:
    try:
        result = _JOINED[operation](left, right)
    except (ArithmeticError, ValueError):
        return math.nan
    return math.nan if isinstance(result, complex) else result


def _apply(operation: str, argument: float | None) -> float | None:
    if argument is None:
        return None
    if operation in ("negate", "abs"):
        return -argument if operation == "negate" else abs(argument)
    try:
        return getattr(math, operation)(argument)
    except (ArithmeticError, ValueError):
        return math.nan
