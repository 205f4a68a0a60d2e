"""The one reader of arithmetic: options, written solutions, expressions and templates' formulas.

    sum: product {(+ | -) product}
    product: signed {(* | /) signed | power beside it}
    signed: [+ | -] signed | power
    power: scaled [^ signed]
    scaled: atom {% | ! | million}
    atom: number | name | root atom | function [^ number] argument | ( sum )

A `Notation` says which of these a kind of text has, and how it spells them. Powers are
right-associative, everything else is left-associative. A product without a sign binds as strongly
as `*`: `1/2x` is half of x. Nothing is evaluated.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from corpus.program.tree import Call, Node

PRODUCTS = {"*": "multiply", "/": "divide"}
_SUMS = {"+": "add", "-": "subtract"}


class ReadingError(ValueError):
    """A text is not in the notation; the message says why.

    A model may have written the text, so this is no `CorpusError`.
    """


class LimitError(ReadingError):
    """A text exceeds a limit, so the reader tries no shorter reading of it."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token and where it stands in its text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Notation:
    """How one kind of text writes arithmetic."""

    token: re.Pattern[str]
    """Cuts a text into numbers, words and signs."""
    number: Callable[[str], Fraction]
    """Returns the value of a token that begins like a number, or raises `ReadingError`."""
    spellings: Mapping[str, str] = field(default_factory=dict)
    """Tokens and what replaces them: each character becomes a token."""
    products: Mapping[str, str] = field(default_factory=PRODUCTS.copy)
    """Signs between factors, and their operations."""
    has_powers: bool = False
    has_mixed_numbers: bool = False
    """`2 1 / 2` is two and a half."""
    endings: Mapping[str, str] = field(default_factory=dict)
    """Signs after a value, and their operations: `5 !`."""
    scales: Mapping[str, Fraction] = field(default_factory=dict)
    """Words after a number that multiply it: `3 million`."""
    name: Callable[[str], str | None] = lambda text: None
    """The name of a variable or constant that a token stands for."""
    roots: Mapping[str, str] = field(default_factory=dict)
    """Operations on the atom that follows: `√ 2`."""
    functions: Mapping[str, str] = field(default_factory=dict)
    """Operations on what follows, with or without parentheses: `sin(x)`, `sin 2x`."""
    has_calls: bool = False
    """A name before a parenthesis is an operation; commas separate its arguments."""
    beside: Callable[[str], bool] = lambda text: text == "("
    """True for a token that may follow a factor without a sign between them, as in `2 (3 + 4)`."""
    unknown: Callable[[str], str] = lambda text: f"{text!r} stands where a value should"
    """The message about a token that no value begins with."""
    max_depth: int = 40
    """How deep parentheses, functions, signs and exponents may be nested."""


def tokenize(text: str, notation: Notation) -> list[Token]:
    """Return the tokens of any text, arithmetic or not."""
    found = []
    for match in notation.token.finditer(text):
        spelled = notation.spellings.get(match[0])
        for piece in (match[0],) if spelled is None else spelled:
            found.append(Token(piece, match.start(), match.end()))
    return found


def read(text: str, notation: Notation) -> Node:
    """Read the whole of `text`. Raises `ReadingError` where it is not in the notation."""
    reader = Reader(tokenize(text, notation), notation)
    node = reader.read_sum()
    reader.expect_end(text)
    return node


class Reader:
    """A recursive-descent reader, which stops before the first token that does not fit.

    A method returns what it read, or raises `ReadingError` if nothing of its kind begins here. A
    sign with no valid operand after it is left unread, with everything after it.
    """

    def __init__(self, tokens: Sequence[Token], notation: Notation, at: int = 0) -> None:
        self._tokens, self._notation, self.at, self._depth = tokens, notation, at, 0

    def peek(self, ahead: int = 0) -> str:
        """Return the text of the next token, or of one after it; empty at the end."""
        place = self.at + ahead
        return self._tokens[place].text if place < len(self._tokens) else ""

    def take(self) -> str:
        """Return the text of the next token and move past it."""
        self.at += 1
        return self._tokens[self.at - 1].text

    def expect(self, sign: str) -> None:
        """Move past `sign`. Raises `ReadingError` for another token."""
        if self.peek() != sign:
            raise ReadingError(f"expected {sign!r}, found {self.peek() or 'the end'!r}")
        self.take()

    def expect_end(self, text: str) -> None:
        """Raise `ReadingError` where tokens of `text` are left."""
        if self.peek():
            before = text[: self._tokens[self.at].start].strip()
            raise ReadingError(f"{self.peek()!r} does not fit after {before!r}")

    def read_sum(self) -> Node:
        """Read terms with + and - between them, from left to right."""
        return self._joined(_SUMS, self._product)

    def _product(self) -> Node:
        return self._joined(self._notation.products, self._signed, beside=self._power)

    def _joined(
        self,
        signs: Mapping[str, str],
        operand: Callable[[], Node],
        *,
        beside: Callable[[], Node] | None = None,
    ) -> Node:
        """Read operands from left to right, with `signs` between them, or with none (`beside`)."""
        node = operand()
        while True:
            before = self.at
            if self.peek() in signs:
                operation, part = signs[self.take()], operand
            elif beside is not None and self._notation.beside(self.peek()):
                operation, part = "multiply", beside
            else:
                return node
            right = self._attempt(part, before)
            if right is None:
                return node
            node = Call(operation, (node, right))

    def _attempt(self, part: Callable[[], Node], before: int) -> Node | None:
        """Return what `part` reads, or None, back at token `before`, if it does not fit."""
        depth = self._depth
        try:
            return part()
        except LimitError:
            raise
        except ReadingError:
            self.at, self._depth = before, depth
            return None

    def _signed(self) -> Node:
        if self.peek() not in _SUMS:
            return self._power()
        sign = self.take()
        argument = self._deeper(self._signed)
        return Call("negate", (argument,)) if sign == "-" else argument

    def _power(self) -> Node:
        base = self._scaled()
        if self.peek() != "^" or not self._notation.has_powers:
            return base
        before = self.at
        self.take()
        exponent = self._attempt(lambda: self._deeper(self._signed), before)
        return base if exponent is None else Call("power", (base, exponent))

    def _scaled(self) -> Node:
        node = self._atom()
        while True:
            if self.peek() in self._notation.endings:
                node = Call(self._notation.endings[self.take()], (node,))
            elif isinstance(node, Fraction) and self.peek() in self._notation.scales:
                node *= self._notation.scales[self.take()]
            else:
                return node

    def _atom(self) -> Node:
        text, notation = self.peek(), self._notation
        if _is_number(text):
            return self._number()
        if text == "(":
            self.take()
            inside = self._deeper(self.read_sum)
            self.expect(")")
            return inside
        if text in notation.roots:
            self.take()
            return Call(notation.roots[text], (self._deeper(self._atom),))
        if text in notation.functions:
            return self._function(notation.functions[self.take()])
        if (name := notation.name(text)) is not None:
            self.take()
            return self._call(name) if notation.has_calls and self.peek() == "(" else name
        raise ReadingError(notation.unknown(text) if text else "it ends too early")

    def _number(self) -> Fraction:
        value = self._notation.number(self.peek())
        self.take()
        return value + self._fraction() if self._notation.has_mixed_numbers else value

    def _fraction(self) -> Fraction:
        """Read the fraction of a mixed number, `1 / 2` or `( 1 / 2 )`; 0 where there is none."""
        shift = 1 if self.peek() == "(" else 0
        top, sign, bottom = (self.peek(shift + place) for place in range(3))
        if sign != "/" or not (_is_number(top) and _is_number(bottom)):
            return Fraction(0)
        divisor = self._notation.number(bottom)
        if divisor == 0 or (shift and self.peek(4) != ")"):
            return Fraction(0)
        self.at += 3 + 2 * shift
        return self._notation.number(top) / divisor

    def _function(self, operation: str) -> Node:
        """Read a function's argument; `sin^2(x)` is the square of `sin(x)`."""
        exponent = None
        if self.peek() == "^" and self.peek(1).isdecimal():
            self.take()
            exponent = self._number()
        applied = Call(operation, (self._deeper(self._argument),))
        return applied if exponent is None else Call("power", (applied, exponent))

    def _argument(self) -> Node:
        """Read what a function is applied to: without parentheses, a product of letters."""
        if self.peek() == "(":
            self.take()
            inside = self.read_sum()
            self.expect(")")
            return inside
        if self.peek() in self._notation.functions or self.peek() in _SUMS:
            raise ReadingError("a function of a function, or of a negative, needs parentheses")
        node = self._power()
        while self._notation.name(self.peek()) is not None:
            node = Call("multiply", (node, self._power()))
        return node

    def _call(self, operation: str) -> Node:
        self.take()
        arguments = [self._deeper(self.read_sum)]
        while self.peek() == ",":
            self.take()
            arguments.append(self._deeper(self.read_sum))
        self.expect(")")
        return Call(operation, tuple(arguments))

    def _deeper(self, part: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > self._notation.max_depth:
            raise LimitError(f"it is nested more than {self._notation.max_depth} deep")
        node = part()
        self._depth -= 1
        return node


def _is_number(text: str) -> bool:
    return text[:1].isdecimal() or (text[:1] == "." and text[1:2].isdecimal())
