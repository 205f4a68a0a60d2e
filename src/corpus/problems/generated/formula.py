"""A template's formula: read from text, written as a program, changed as people mistake it."""

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from corpus.base.errors import did_you_mean
from corpus.program.language import ARITIES, CONSTANTS, Program, Step

_INFIX = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
}
_COMMUTATIVE = frozenset({"add", "multiply"})
_CONFUSED = {
    "add": ("subtract", "multiply"),
    "subtract": ("add",),
    "multiply": ("divide", "add"),
    "divide": ("multiply",),
}


@dataclass(frozen=True)
class Call:
    """One operation applied to nodes."""

    operation: str
    arguments: tuple["Node", ...]


Node = Call | str
"""A call, the name of a number, or a constant (`const_100`)."""


def parse_formula(text: str) -> Node:
    """Read `price * (100 - percent) / 100` or `rectangle_area(length, width) * rate`.

    Whole numbers and `pi` are constants. Raises `ValueError` on anything but these, names, the
    arithmetic operators and operations of the program language.
    """
    try:
        return _read(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(
            "it is no formula; write names, whole numbers, + - * / ** ( ) and operations"
        ) from None


def _read(node: ast.expr) -> Node:
    if isinstance(node, ast.BinOp) and type(node.op) in _INFIX:
        return Call(_INFIX[type(node.op)], (_read(node.left), _read(node.right)))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _operation(node.func.id, tuple(map(_read, node.args)))
    if isinstance(node, ast.Name):
        return "const_pi" if node.id == "pi" else node.id
    if isinstance(node, ast.Constant) and (constant := f"const_{node.value}") in CONSTANTS:
        return constant
    raise ValueError(
        f"cannot read {ast.unparse(node)!r}; write names, numbers such as 2, 60 or 100, + - * / ** "
        "and operations of the program language"
    )


def _operation(name: str, arguments: tuple[Node, ...]) -> Node:
    if name not in ARITIES:
        raise ValueError(f"there is no operation {name!r}.{did_you_mean(name, ARITIES)}")
    if len(arguments) != ARITIES[name]:
        raise ValueError(f"{name} has {len(arguments)} arguments, expected {ARITIES[name]}")
    return Call(name, arguments)


def walk(node: Node) -> Iterator[Node]:
    """Yield a formula and all that it is made of, an operation before its arguments."""
    yield node
    if isinstance(node, Call):
        for argument in node.arguments:
            yield from walk(argument)


def names_in(node: Node) -> set[str]:
    """Return the names of the numbers that a formula uses."""
    return {each for each in walk(node) if isinstance(each, str) and not each.startswith("const_")}


def operations_in(node: Node) -> list[str]:
    """Return the operations of a formula, each as often as it occurs."""
    return [each.operation for each in walk(node) if isinstance(each, Call)]


def substitute(node: Node, nodes: Mapping[str, Node]) -> Node:
    """Return a formula with names replaced by other names or by formulas."""
    if isinstance(node, str):
        return nodes.get(node, node)
    return Call(node.operation, tuple(substitute(each, nodes) for each in node.arguments))


def linearize(node: Node, order: Sequence[str]) -> Program:
    """Write a formula as a program; `order` names the numbers as they stand in the text (n0 first).

    One form for one formula: arguments of add and multiply stand results first, then numbers as in
    the text, then constants; a result needed twice is computed once. Raises `ValueError` for a
    formula that is a single number or constant.
    """
    if isinstance(node, str):
        raise ValueError(f"{node!r} alone is not a program")
    steps: list[Step] = []
    _emit(node, {name: index for index, name in enumerate(order)}, steps)
    return Program(tuple(steps))


def _emit(node: Node, index: dict[str, int], steps: list[Step]) -> str:
    if isinstance(node, str):
        return node if node.startswith("const_") else f"n{index[node]}"
    arguments = node.arguments
    if node.operation in _COMMUTATIVE:
        arguments = tuple(sorted(arguments, key=lambda argument: _place(argument, index)))
    step = Step(node.operation, tuple(_emit(argument, index, steps) for argument in arguments))
    if step not in steps:
        steps.append(step)
    return f"#{steps.index(step)}"


def _place(node: Node, index: dict[str, int]) -> tuple[int, int]:
    """Rank arguments: results by their first number, then numbers, then constants."""
    if isinstance(node, Call):
        return 0, min((index[name] for name in names_in(node)), default=len(index))
    return (2, 0) if node.startswith("const_") else (1, index[node])


def shape(program: Program) -> str:
    """Return a program with every number written `n`: the same for numbers in any order."""
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
    if isinstance(node, str):
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
