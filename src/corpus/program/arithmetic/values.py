"""The value of arithmetic as it is written in options, answers and solutions.

A text is read into a tree, and the tree runs as a program: only the interpreter evaluates.
"""

import re
from fractions import Fraction

from corpus.program import numbers
from corpus.program.arithmetic.interpreter import execute
from corpus.program.language import CONSTANTS, Program, Step
from corpus.program.reader import Notation, ReadingError, read
from corpus.program.tree import Call, Node

MAX_TOKENS = 200
"""Numbers and signs of a written solution's expression; solutions have a dozen."""

_TOKEN = re.compile(rf"{numbers.NUMBER}|[a-z]+|\S")

SOLUTION = Notation(
    token=_TOKEN,
    number=numbers.read_number,
    spellings={"x": "*"},
    endings={"%": "percent"},
)
"""Arithmetic as solutions write it: `(48/2) + 3`, `$1,200 * 20%`, `.5 x 60`."""


def parse_arithmetic(text: str) -> Node:
    """Read a whole text as the arithmetic of a solution.

    Currency signs, and the point of `48.`, are ignored. The operations are `add`, `subtract`,
    `multiply`, `divide`, `negate` and `percent`. Raises `ReadingError` for any other text.
    """
    clean = re.sub(r"[$€£]|(?<=\d)\.(?!\d)", " ", numbers.plain_signs(text.lower())).strip()
    if len(clean) > 20 * MAX_TOKENS:
        raise ReadingError(f"{len(clean):,} characters are more than {20 * MAX_TOKENS:,}")
    return read(clean, SOLUTION)


def parse_value(text: str) -> float | None:
    """Return the number that a text such as `$1,200`, `-3.5` or `3/4` is; None for other texts."""
    try:
        node = parse_arithmetic(text)
    except ReadingError:
        return None
    parts = node.arguments if isinstance(node, Call) else (node,)
    is_number = not isinstance(node, Call) or node.operation in ("negate", "divide")
    return (
        value_of(node) if is_number and not any(isinstance(each, Call) for each in parts) else None
    )


def value_of(node: Node) -> float | None:
    """Return the value of a tree; None where it has none, such as a division by zero.

    Its numbers become the quantities of a program, which the interpreter runs.
    """
    quantities: list[float] = []
    steps: list[Step] = []
    try:
        name = _emit(node, quantities, steps)
    except OverflowError:  # a number beyond the largest float
        return None
    if steps:
        return execute(Program(tuple(steps)), quantities).value
    return CONSTANTS[name] if name in CONSTANTS else quantities[0]


def _emit(node: Node, quantities: list[float], steps: list[Step]) -> str:
    """Append the numbers and steps of a tree; return the argument that stands for its value."""
    if isinstance(node, str):
        return node
    if isinstance(node, Fraction):
        quantities.append(float(node))
        return f"n{len(quantities) - 1}"
    arguments = tuple(_emit(each, quantities, steps) for each in node.arguments)
    if node.operation == "percent":
        steps.append(Step("divide", (*arguments, "const_100")))
    else:
        steps.append(Step(node.operation, arguments))
    return f"#{len(steps) - 1}"
