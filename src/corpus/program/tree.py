"""Arithmetic and expressions as a tree: what every reader returns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Call:
    """One operation applied to nodes, such as `add` or `sin`."""

    operation: str
    arguments: tuple["Node", ...]


Node = Call | str | Fraction
"""A call, a name (of a variable, a quantity or a constant), or a number, which is exact."""


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all nodes below it, an operation before its arguments."""
    yield node
    if isinstance(node, Call):
        for argument in node.arguments:
            yield from walk(argument)


def names_in(node: Node) -> set[str]:
    """Return the names of a tree, without constants such as `const_100`."""
    return {each for each in walk(node) if isinstance(each, str) and not each.startswith("const_")}


def operations_in(node: Node) -> list[str]:
    """Return the operations of a tree, each as often as it occurs."""
    return [each.operation for each in walk(node) if isinstance(each, Call)]


def substitute(node: Node, nodes: Mapping[str, Node]) -> Node:
    """Return a tree with names replaced by other names or by trees."""
    if isinstance(node, Call):
        return Call(node.operation, tuple(substitute(each, nodes) for each in node.arguments))
    return nodes.get(node, node) if isinstance(node, str) else node
