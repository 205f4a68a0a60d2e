"""Many programs on the same numbers: steps that programs begin with alike are executed once."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from corpus.program.arithmetic.operations import OPERATIONS
from corpus.program.language import CONSTANTS, MAX_RESULTS, Program, Step

_ELEMENTWISE = frozenset(("add", "subtract", "multiply", "divide"))
"""Operations that compute the same on whole arrays. They are nine tenths of MathQA's steps."""


@dataclass
class _Node:
    """The programs that begin with the same steps."""

    following: "dict[Step, _Node]" = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)
    """The programs that end here."""


@dataclass(frozen=True, slots=True)
class _Edge:
    """A step, at its place in the walk through all steps."""

    operation: str
    arguments: tuple[str, ...]
    result: str
    """The name of its result, such as `#0`."""
    before: str | None
    """The name of the result of the step before it."""
    num_numbers: int
    """How many numbers there must be for its arguments."""
    ends: tuple[int, ...]
    """The programs that it is the last step of."""
    skip: int
    """The place of the next step that does not follow this one in a program."""


class ProgramTrie:
    """Programs that are executed together.

    Left out are those with operations that numbers do not have, and those with more steps than
    results have symbols.
    """

    def __init__(self, programs: Sequence[Program]) -> None:
        root = _Node()
        for index, program in enumerate(programs):
            if 0 < len(program.steps) <= MAX_RESULTS and all(
                step.operation in OPERATIONS for step in program.steps
            ):
                node = root
                for step in program.steps:
                    node = node.following.setdefault(step, _Node())
                node.ends.append(index)
        self._edges = _edges(root, depth=0, place=0)

    def find(
        self,
        numbers: Float64[np.ndarray, "rows numbers"],
        low: Float64[np.ndarray, " rows"],
        high: Float64[np.ndarray, " rows"],
    ) -> list[tuple[int, int]]:
        """Return each program whose value on a row of numbers is within that row's bounds, by its
        place, with the row.

        The values are those of `interpreter.execute`. A program that does not execute has none.
        """
        rows, num_numbers = numbers.shape
        known = {name: np.full(rows, value) for name, value in CONSTANTS.items()}
        known |= {f"n{index}": numbers[:, index] for index in range(num_numbers)}
        found: list[tuple[int, int]] = []
        edges, place = self._edges, 0
        with np.errstate(all="ignore"):
            while place < len(edges):
                edge = edges[place]
                if edge.num_numbers > num_numbers:
                    place = edge.skip
                    continue
                value = _apply(edge.operation, [known[name] for name in edge.arguments])
                if edge.before:  # a program ends at its first step without a value
                    value = np.where(np.isnan(known[edge.before]), np.nan, value)
                if np.isnan(value).all():
                    place = edge.skip
                    continue
                if edge.ends:
                    (hits,) = np.nonzero((low <= value) & (value <= high))
                    found += [(end, row) for row in hits.tolist() for end in edge.ends]
                known[edge.result] = value
                place += 1
        return found


def _apply(operation: str, arguments: Sequence[np.ndarray]) -> np.ndarray:
    """Return an operation's value for each row, NaN where it has none."""
    apply = OPERATIONS[operation].apply
    if operation in _ELEMENTWISE:
        value = apply(*arguments)
        return np.where(np.isfinite(value), value, np.nan)
    return np.array([_at(apply, row) for row in zip(*(each.tolist() for each in arguments))])


def _at(apply: Callable[..., float], arguments: Sequence[float]) -> float:
    if not all(map(math.isfinite, arguments)):
        return math.nan
    try:
        value = float(apply(*arguments))
    except (ValueError, ArithmeticError):
        return math.nan
    return value if math.isfinite(value) else math.nan


def _edges(node: _Node, *, depth: int, place: int) -> list[_Edge]:
    """Return the steps below a node, each before those that follow it; the first is at `place`."""
    edges: list[_Edge] = []
    for step, child in node.following.items():
        here = place + len(edges)
        below = _edges(child, depth=depth + 1, place=here + 1)
        numbers = [int(name[1:]) for name in step.arguments if name.startswith("n")]
        edges.append(
            _Edge(
                operation=step.operation,
                arguments=step.arguments,
                result=f"#{depth}",
                before=f"#{depth - 1}" if depth else None,
                num_numbers=max(numbers, default=-1) + 1,
                ends=tuple(child.ends),
                skip=here + 1 + len(below),
            )
        )
        edges += below
    return edges
