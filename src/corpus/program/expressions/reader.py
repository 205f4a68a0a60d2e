"""Reading expressions, equations and sets of solutions as people type them; bounded.

    3x^2 + 2x     sin(2x)/x     x**2 = 4     {-2, 2}

sum: product {(+ | -) product} · product: signed {(* | /) signed | power} · signed: [+ | -] signed |
power · power: atom [(^ | **) signed] · atom: number | letter | pi | e | ( sum ) | function [^
number] argument.

What stands side by side is multiplied, as strongly as by `*`: `1/2x` is half of x. A function
without parentheses takes the letters and numbers that follow it: `sin 2x`. `log` and `ln` are
natural. Nothing is evaluated.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

MAX_CHARACTERS = 400
"""Of one expression."""

MAX_DIGITS = 30
"""Of one number."""

MAX_DEPTH = 30
"""Parentheses, functions, signs and exponents inside one another."""

MAX_EXPONENT = 100
"""Of a constant exponent, and of exponents multiplied where powers stand inside powers."""

MAX_SIZE = 400
"""Digits of a constant, multiplied out."""

_NAMES = (
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"),
    *("exp", "log", "sqrt", "abs"),
)
FUNCTIONS = {
    **{name: name for name in _NAMES},
    **{"ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "Abs": "abs"},
}
"""Functions as they are written, and what they are called here."""

CONSTANTS = {"pi": "pi", "π": "pi", "e": "e", "E": "e"}
"""Numbers with names, as they are written."""

_SIGNS = {"−": "-", "–": "-", "×": "*", "·": "*", "⋅": "*", "÷": "/", "**": "^"}
_SIGNS |= {"²": "^2", "³": "^3"}
"""Signs that have another spelling, which is one character a token."""
_TOKEN = re.compile(r"\d+(?:\.\d+)?|\.\d+|[A-Za-z]+|\*\*|\S")
_NO_VARIABLES = "eEI"
"""Letters that stand for numbers; I, the imaginary unit, is not in the language."""


class ExpressionError(ValueError):
    """A text is not an expression, or one beyond the limits; the message says why.

    It may be a model's, so it is no `CorpusError`.
    """


@dataclass(frozen=True, slots=True)
class Number:
    """A number without a sign, exact."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, which is one letter, or `pi` or `e`."""

    name: str


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function of `FUNCTIONS`, or `-`, applied to an expression."""

    function: str
    argument: "Node"


@dataclass(frozen=True, slots=True)
class Infix:
    """Two expressions joined by `+`, `-`, `*`, `/` or `^`."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Equation:
    """Two expressions that are equal."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Solutions:
    """Expressions, one or more, in no order."""

    elements: tuple["Node", ...]


Node = Number | Name | FunctionCall | Infix


@dataclass(frozen=True, slots=True)
class Token:
    """A token and where it stands in its text."""

    text: str
    start: int
    end: int


def read(text: str) -> Node | Equation | Solutions:
    """Read the whole of `text`.

    Raises `ExpressionError` where it is none of the three, or beyond the limits.
    """
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"it has {len(text)} characters, at most {MAX_CHARACTERS} are read")
    tokens = tokenize(text)
    reader = _ExpressionReader(tokens)
    if tokens and tokens[0].text == "{":
        found: Node | Equation | Solutions = reader.read_solutions()
    else:
        found = reader.read_equation()
    if reader.at < len(tokens):
        raise ExpressionError(
            f"{tokens[reader.at].text!r} does not fit after "
            f"{text[: tokens[reader.at].start].strip()!r}"
        )
    return found


def read_first(tokens: Sequence[Token], start: int) -> tuple[Node | Equation, int]:
    """Read the longest expression or equation that begins at token `start`; return it and the place
    of the token after it.

    Raises `ExpressionError` where none begins there.
    """
    reader = _ExpressionReader(tokens[start : start + MAX_CHARACTERS])
    return reader.read_equation(), start + reader.at


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a text of any kind."""
    found = []
    for match in _TOKEN.finditer(text):
        written = _SIGNS.get(match[0], (match[0],))
        found += [Token(piece, match.start(), match.end()) for piece in written]
    return found


def is_variable(text: str) -> bool:
    """True for a letter that can stand for an unknown."""
    return len(text) == 1 and text.isascii() and text.isalpha() and text not in _NO_VARIABLES


def variables_in(node: Node | Equation | Solutions) -> set[str]:
    """Return the letters that stand for unknowns."""
    if isinstance(node, Name):
        return {node.name} if node.name not in CONSTANTS else set()
    return set().union(*map(variables_in, _parts(node)))


def _parts(node: Node | Equation | Solutions) -> tuple[Node, ...]:
    if isinstance(node, Solutions):
        return node.elements
    if isinstance(node, (Infix, Equation)):
        return node.left, node.right
    return (node.argument,) if isinstance(node, FunctionCall) else ()


class _ExpressionReader:
    """A recursive-descent reader, which stops before the first token that does not fit.

    A method returns what it read, or raises `ExpressionError` where nothing of its kind begins;
    what follows a sign that leads nowhere is left, sign included.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens, self.at, self._depth = tokens, 0, 0

    def _peek(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self._tokens[place].text if place < len(self._tokens) else ""

    def _take(self) -> str:
        self.at += 1
        return self._tokens[self.at - 1].text

    def read_solutions(self) -> Solutions:
        """`{a, b}`."""
        self._take()
        elements = [self._checked(self._sum())]
        while self._peek() == ",":
            self._take()
            elements.append(self._checked(self._sum()))
        self._expect("}")
        return Solutions(tuple(elements))

    def read_equation(self) -> Node | Equation:
        """`a = b`, or an expression alone."""
        left = self._checked(self._sum())
        if self._peek() == "=":
            before = self.at
            try:
                self._take()
                return Equation(left, self._checked(self._sum()))
            except ExpressionError:
                self.at = before
        return left

    def _checked(self, node: Node) -> Node:
        _measure(node)
        return node

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            raise ExpressionError(f"expected {sign!r}, found {self._peek() or 'the end'!r}")
        self._take()

    def _sum(self) -> Node:
        return self._joined("+-", self._product)

    def _product(self) -> Node:
        return self._joined("*/", self._signed, beside=self._power)

    def _joined(
        self, signs: str, operand: Callable[[], Node], *, beside: Callable[[], Node] | None = None
    ) -> Node:
        """Read operands with `signs` between them, or `beside` one another, from left to right."""
        node = operand()
        while True:
            before, depth = self.at, self._depth
            sign = self._peek()
            try:
                if sign and sign in signs:
                    self._take()
                    node = Infix(sign, node, operand())
                elif beside is not None and self._begins_beside():
                    node = Infix("*", node, beside())
                else:
                    return node
            except _BeyondError:
                raise
            except ExpressionError:
                self.at, self._depth = before, depth
                return node

    def _begins_beside(self) -> bool:
        """True where what comes next can be multiplied without a sign; a number cannot, for `x2`
        may mean anything.
        """
        text = self._peek()
        return text == "(" or is_variable(text) or text in FUNCTIONS or text in CONSTANTS

    def _signed(self) -> Node:
        if self._peek() in ("-", "+") and self._peek():
            sign = self._take()
            argument = self._deeper(self._signed)
            return FunctionCall("-", argument) if sign == "-" else argument
        return self._power()

    def _power(self) -> Node:
        base = self._atom()
        if self._peek() != "^":
            return base
        before, depth = self.at, self._depth
        try:
            self._take()
            return Infix("^", base, self._deeper(self._signed))
        except _BeyondError:
            raise
        except ExpressionError:
            self.at, self._depth = before, depth
            return base

    def _atom(self) -> Node:
        text = self._peek()
        if text[:1].isdecimal() or text[:1] == ".":
            return self._number()
        if text == "(":
            self._take()
            inside = self._deeper(self._sum)
            self._expect(")")
            return inside
        if text in CONSTANTS:
            return Name(CONSTANTS[self._take()])
        if is_variable(text):
            return Name(self._take())
        if text in FUNCTIONS:
            return self._function(FUNCTIONS[self._take()])
        if text.isalpha():
            raise ExpressionError(
                f"{text!r} is not in the language; variables are single letters, "
                "products of them are written x*y"
            )
        raise ExpressionError(f"{text!r} is no beginning" if text else "it ends too early")

    def _number(self) -> Node:
        text = self._peek()
        if not text.isascii() or text == "." or len(text) > MAX_DIGITS:
            raise _BeyondError(f"{text[:40]!r} is not a number of at most {MAX_DIGITS} digits")
        self._take()
        return Number(Fraction("0" + text if text[0] == "." else text))

    def _function(self, name: str) -> Node:
        """A function's argument; `sin^2(x)` is the square of `sin(x)`."""
        exponent = None
        if self._peek() == "^" and self._peek(1).isdecimal():
            self._take()
            exponent = self._number()
        applied = FunctionCall(name, self._deeper(self._argument))
        return applied if exponent is None else Infix("^", applied, exponent)

    def _argument(self) -> Node:
        if self._peek() == "(":
            self._take()
            inside = self._sum()
            self._expect(")")
            return inside
        if self._peek() in FUNCTIONS or self._peek() in ("-", "+"):
            raise ExpressionError("a function of a function, or of a negative, needs parentheses")
        node = self._power()
        while is_variable(self._peek()) or self._peek() in CONSTANTS:
            node = Infix("*", node, self._power())
        return node

    def _deeper(self, part: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _BeyondError(f"it is nested more than {MAX_DEPTH} deep")
        node = part()
        self._depth -= 1
        return node


class _BeyondError(ExpressionError):
    """A limit is passed, so that no shorter reading will do either."""


@dataclass(frozen=True, slots=True)
class _Measure:
    """How large an expression can become, multiplied out."""

    value: float | None
    """About, of a constant; None where there is a variable."""
    size: float
    """Digits of its numbers, at most."""
    degree: float
    """Of the polynomial it may be, at most."""


def _measure(node: Node) -> _Measure:
    """Return an upper bound of what `node` can become.

    Raises `ExpressionError` where that is beyond the limits.
    """
    if isinstance(node, Number):
        return _Measure(float(node.value), len(str(node.value)), 0)
    if isinstance(node, Name):
        return _Measure(
            {"pi": math.pi, "e": math.e}.get(node.name), 1, 0 if node.name in CONSTANTS else 1
        )
    if isinstance(node, FunctionCall):
        inner = _measure(node.argument)
        return _Measure(_apply(node.function, inner.value), inner.size, inner.degree)
    left, right = _measure(node.left), _measure(node.right)
    if node.operator == "^":
        return _measure_power(left, right)
    degree = max(left.degree, right.degree) if node.operator in "+-" else left.degree + right.degree
    value = (
        None
        if left.value is None or right.value is None
        else _join(node.operator, left.value, right.value)
    )
    return _bounded(_Measure(value, left.size + right.size, degree))


def _measure_power(base: _Measure, exponent: _Measure) -> _Measure:
    if exponent.value is None:
        return _bounded(_Measure(None, base.size + exponent.size, base.degree + exponent.degree))
    if not abs(exponent.value) <= MAX_EXPONENT:  # written so that what is not a number is refused
        raise _BeyondError(f"an exponent is beyond {MAX_EXPONENT}")
    times = max(1.0, math.ceil(abs(exponent.value)))
    value = None if base.value is None else _join("^", base.value, exponent.value)
    return _bounded(_Measure(value, base.size * times, base.degree * times))


def _bounded(measure: _Measure) -> _Measure:
    if measure.degree > MAX_EXPONENT:
        raise _BeyondError(f"powers of powers go beyond the exponent {MAX_EXPONENT}")
    if measure.value is not None and measure.size > MAX_SIZE:
        raise _BeyondError(f"a constant may have more than {MAX_SIZE} digits")
    return measure


def _join(operator: str, left: float, right: float) -> float:
    try:
        result = {"+": left + right, "-": left - right, "*": left * right}.get(operator)
        if result is None:
            result = left / right if operator == "/" else left**right
    except (ArithmeticError, ValueError):
        return math.nan
    return math.nan if isinstance(result, complex) else result


def _apply(function: str, argument: float | None) -> float | None:
    if argument is None:
        return None
    if function in ("-", "abs"):
        return -argument if function == "-" else abs(argument)
    try:
        return getattr(math, function)(argument)
    except (ArithmeticError, ValueError):
        return math.nan
