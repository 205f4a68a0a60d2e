"""A template's formula: from a written expression over named numbers to a program, and to the mistakes people make with it."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpus.program.language import ARITIES, Program, Step

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
    """Read `price * (100 - percent) / 100` or `rectangle_area(length, width) * rate`; digits and `pi` are constants.

    Raises `ValueError` on anything but the arithmetic operators, operations by name, names and whole numbers.
    """
    return _read(ast.parse(text, mode="eval").body, text)


def _read(node: ast.expr, text: str) -> Node:
    if isinstance(node, ast.BinOp) and type(node.op) in _INFIX:
        return Call(_INFIX[type(node.op)], (_read(node.left, text), _read(node.right, text)))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ARITIES:
        return Call(node.func.id, tuple(_read(argument, text) for argument in node.args))
    if isinstance(node, ast.Name):
        return "const_pi" if node.id == "pi" else node.id
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return f"const_{node.value}"
    raise ValueError(f"formula {text!r}: cannot read {ast.unparse(node)!r}")


def names_in(node: Node) -> set[str]:
    """Return the names of the numbers that a formula uses."""
    if isinstance(node, str):
        return set() if node.startswith("const_") else {node}
    return set().union(*map(names_in, node.arguments))


def linearize(node: Node, order: Sequence[str]) -> Program:
    """Write a formula as a program; `order` names the numbers as they stand in the text (n0 first).

    One form for one formula: arguments of add and multiply stand results first, then numbers as in the text, then constants;
    a result needed twice is computed once. A formula that is a single number or constant has no program: `ValueError`.
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
    """Return a program with every number written `n`: what it computes, whatever order the text gives the numbers in."""
    return "|".join(
        f"{step.operation}({','.join('n' if argument.startswith('n') else argument for argument in step.arguments)})"
        for step in program.steps
    )


def mistakes(node: Node) -> list[Call]:
    """Return the formulas of natural mistakes: a step missed, operands swapped, the wrong operation, two numbers exchanged."""
    found = [*_parts(node), *_slips(node)]
    names = sorted(names_in(node))
    found += [
        _exchange(node, one, other) for i, one in enumerate(names) for other in names[i + 1 :]
    ]
    return [wrong for wrong in dict.fromkeys(found) if isinstance(wrong, Call) and wrong != node]


def _parts(node: Node) -> Iterator[Node]:
    """Yield every intermediate result: the answer of somebody who stops early."""
    if isinstance(node, Call):
        for argument in node.arguments:
            if isinstance(argument, Call):
                yield argument
                yield from _parts(argument)


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


def _exchange(node: Node, one: str, other: str) -> Node:
    if isinstance(node, str):
        return {one: other, other: one}.get(node, node)
    return Call(
        node.operation, tuple(_exchange(argument, one, other) for argument in node.arguments)
    )
