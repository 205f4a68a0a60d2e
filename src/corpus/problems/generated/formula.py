"""A template's formula: read from text, written as a program, or changed by a common mistake."""

import itertools
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from corpus.base.errors import did_you_mean
from corpus.program.language import ARITIES, CONSTANTS, Program, Step
from corpus.program.reader import Notation, ReadingError, read
from corpus.program.tree import Call, Node, names_in, substitute, walk

_COMMUTATIVE = frozenset({"add", "multiply"})
_CONFUSED = {
    "add": ("subtract", "multiply"),
    "subtract": ("add",),
    "multiply": ("divide", "add"),
    "divide": ("multiply",),
}


FORMULA = Notation(
    token=re.compile(r"\d+(?:\.\d+)?|[A-Za-z_]\w*|\*\*|\S"),
    spellings={"**": "^"},
    number=Fraction,
    has_powers=True,
    name=lambda text: text if text.isidentifier() else None,
    has_calls=True,
    beside=lambda text: False,
)
"""Arithmetic as templates write it."""


def parse_formula(text: str) -> Node:
    """Read `price * (100 - percent) / 100` or `rectangle_area(length, width) * rate`.

    Whole numbers and `pi` are constants. Raises `ReadingError` on anything but these, names, the
    arithmetic operators and operations of the program language.
    """
    try:
        node = read(text, FORMULA)
    except ReadingError as error:
        raise ReadingError(
            f"it is no formula: {error}; write names, whole numbers, + - * / ** ( ) and operations"
        ) from None
    return _checked(node)


def _checked(node: Node) -> Node:
    """Return a formula with checked operations, and constants for its numbers."""
    if isinstance(node, Call):
        arity, given = ARITIES.get(node.operation), len(node.arguments)
        if arity is None:
            near = did_you_mean(node.operation, ARITIES)
            raise ReadingError(f"there is no operation {node.operation!r}.{near}")
        if given != arity:
            raise ReadingError(f"{node.operation} has {given} arguments, expected {arity}")
        return Call(node.operation, tuple(map(_checked, node.arguments)))
    if isinstance(node, str):
        return "const_pi" if node == "pi" else node
    if (constant := f"const_{node}") in CONSTANTS:
        return constant
    raise ReadingError(
        f"there is no constant {node}; write names, numbers such as 2, 60 or 100, + - * / ** "
        "and operations of the program language"
    )


def linearize(node: Node, order: Sequence[str]) -> Program:
    """Write a formula as a program; `order` names the numbers as they stand in the text (n0 first).

    A formula has one form: arguments of add and multiply are sorted (results, then numbers as in
    the text, then constants), and a result needed twice is computed once. Raises `ValueError` for a
    formula that is a single number or constant.
    """
    if not isinstance(node, Call):
        raise ValueError(f"{node!r} alone is not a program")
    steps: list[Step] = []
    _emit(node, {name: index for index, name in enumerate(order)}, steps)
    return Program(tuple(steps))


def _emit(node: Node, index: dict[str, int], steps: list[Step]) -> str:
    if not isinstance(node, Call):
        name = str(node)
        return name if name.startswith("const_") else f"n{index[name]}"
    arguments = node.arguments
    if node.operation in _COMMUTATIVE:
        arguments = tuple(sorted(arguments, key=lambda argument: _place(argument, index)))
    step = Step(node.operation, tuple(_emit(argument, index, steps) for argument in arguments))
    if step not in steps:
        steps.append(step)
    return f"#{steps.index(step)}"


def _place(node: Node, index: dict[str, int]) -> tuple[int, int]:
    """Return the sort key of an argument: results by first number, then numbers, constants."""
    if isinstance(node, Call):
        return 0, min((index[name] for name in names_in(node)), default=len(index))
    name = str(node)
    return (2, 0) if name.startswith("const_") else (1, index[name])


def shape(program: Program) -> str:
    """Return a program with every number written `n`: the order of the numbers is left out."""
    return re.sub(r"\bn\d+", "n", str(program))


def mistakes(node: Node) -> list[Call]:
    """Return the formulas of natural mistakes: steps missed, operations or numbers confused."""
    exchanges = itertools.combinations(sorted(names_in(node)), 2)
    found = [
        *walk(node),
        *_slips(node),
        *(substitute(node, {one: other, other: one}) for one, other in exchanges),
    ]
    return [wrong for wrong in dict.fromkeys(found) if isinstance(wrong, Call) and wrong != node]


def _slips(node: Node) -> Iterator[Node]:
    """Yield the formula with one slip in one place."""
    if not isinstance(node, Call):
        return
    yield from node.arguments
    if len(node.arguments) == 2 and node.operation not in _COMMUTATIVE:
        yield Call(node.operation, node.arguments[::-1])
    for other in _CONFUSED.get(node.operation, ()):
        yield Call(other, node.arguments)
    for place, argument in enumerate(node.arguments):
        for wrong in _slips(argument):
            yield Call(
                node.operation, (*node.arguments[:place], wrong, *node.arguments[place + 1 :])
            )
