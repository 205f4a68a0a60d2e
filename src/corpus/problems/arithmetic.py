"""Arithmetic as solutions write it, `(48/2) + 3`, `$1,200 * 20%`, `.5 x 60`, read into a tree.

sum: product {(+ | -) product} · product: factor {(* | x | × | / | ÷) factor | ( sum ) } ·
factor: [+ | -] atom {%} · atom: number | ( sum )
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_DEPTH = 40
"""Brackets and signs inside one another; solutions have two or three."""

MAX_TOKENS = 200
"""Numbers and signs of an expression; solutions have a dozen."""

_TOKEN = re.compile(r"\s*(\d[\d,]*(?:\.\d*)?|\.\d+|[-+*/()%]|\S)")
_SAME = str.maketrans(
    {
        "×": "*",
        "x": "*",
        "X": "*",
        "÷": "/",
        "−": "-",
        "–": "-",
        "[": "(",
        "]": ")",
        "{": "(",
        "}": ")",
        "$": " ",
        "€": " ",
        "£": " ",
    }
)
_OPERATIONS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}


class ArithmeticTextError(ValueError):
    """A text is not arithmetic; the message says where reading stopped."""


@dataclass(frozen=True, slots=True)
class Apply:
    """`add`, `subtract`, `multiply`, `divide`, `negate` or `percent` and its arguments."""

    operation: str
    arguments: tuple["Node", ...]


Node = Apply | float
"""Arithmetic as a tree: operations, and numbers as they are written."""


def parse_arithmetic(text: str) -> Node:
    """Read a whole text as arithmetic.

    Currency signs are passed over. Raises `ArithmeticTextError` for anything else than arithmetic.
    """
    tokens = _TOKEN.findall(text.translate(_SAME).strip())
    if len(tokens) > MAX_TOKENS:
        raise ArithmeticTextError(f"{len(tokens):,} numbers and signs are more than {MAX_TOKENS}")
    reader = _Reader(tokens)
    node = reader.read_sum(0)
    if reader.peek():
        raise ArithmeticTextError(f"{reader.peek()!r} is no arithmetic")
    return node


def parse_value(text: str) -> float | None:
    """Return the number that a text such as `$1,200` or `-3.5` is; None for any other text."""
    digits = text.translate(_SAME).replace(",", "").replace(" ", "").rstrip(".")
    return float(digits) if re.fullmatch(r"[-+]?(\d{1,300}(\.\d*)?|\.\d+)", digits) else None


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._at = tokens, 0

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def read_sum(self, depth: int) -> Node:
        node = self._read_product(depth)
        while self.peek() in ("+", "-"):
            node = Apply(_OPERATIONS[self._take()], (node, self._read_product(depth)))
        return node

    def _read_product(self, depth: int) -> Node:
        node = self._read_factor(depth)
        while self.peek() in ("*", "/", "("):
            operation = "multiply" if self.peek() == "(" else _OPERATIONS[self._take()]
            node = Apply(operation, (node, self._read_factor(depth)))
        return node

    def _read_factor(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise ArithmeticTextError("brackets or signs are nested too deeply")
        if self.peek() == "+":
            self._take()
            return self._read_factor(depth + 1)
        if self.peek() == "-":
            self._take()
            return Apply("negate", (self._read_factor(depth + 1),))
        node = self._read_atom(depth)
        while self.peek() == "%":
            self._take()
            node = Apply("percent", (node,))
        return node

    def _read_atom(self, depth: int) -> Node:
        token = self.peek()
        if token == "(":
            self._take()
            node = self.read_sum(depth + 1)
            if self.peek() != ")":
                raise ArithmeticTextError("a bracket is not closed")
            self._take()
            return node
        value = parse_value(token)
        if value is None:
            raise ArithmeticTextError(f"{token or 'the end'!r} stands where a number should")
        self._take()
        return value


def evaluate(node: Node) -> float | None:
    """Return the value of a tree; None where there is none, such as of a division by zero."""
    if not isinstance(node, Apply):
        return node
    values = [evaluate(each) for each in node.arguments]
    if any(value is None for value in values):
        return None
    try:
        return _COMPUTE[node.operation](*values)
    except (ZeroDivisionError, OverflowError):
        return None


_COMPUTE: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negate": lambda a: -a,
    "percent": lambda a: a / 100,
}
