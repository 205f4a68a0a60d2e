"""Normal form: programs that compute the same value, written in the same way.

`speed(n0,n1)`, `divide(n0,n1)` and `inverse(n1)|multiply(n0,#0)` are three programs and one value.
People write any of them. A model that has few programs to learn from learns more if each value is
always written in the same way, also where it is a part of another program.

Values are compared at random points, as in tests for equal polynomials (Schwartz 1980, "Fast
probabilistic algorithms for verification of polynomial identities"). Of all ways to compute a value
in the given programs, the cheapest is kept; the cost of a symbol is its code length in nats. This
is the extraction step of an e-graph (Willsey et al. 2021, arXiv:2004.03082, sec. 2), with points in
place of rewriting rules.
"""

import heapq
import itertools
import math
import random
from collections import ChainMap, Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from corpus.program.arithmetic.operations import OPERATIONS
from corpus.program.language import CONSTANTS, MAX_NUMBERS, MAX_RESULTS, Program, Step

Value = tuple[float | None, ...]
"""The value of an expression at each point, rounded; None where it is undefined."""

Way = tuple[str, tuple[Value, ...]]
"""A way to compute a value: an operation and its arguments, sorted if their order is free."""

NUM_POINTS = 12
"""Half of them have fractions, half have whole numbers, which some operations need."""

LEAST_DEFINED = 3
"""A value that is defined at fewer points counts as not known."""

DIGITS = 9
"""Two values are the same if they agree in this many significant digits."""

MOST_STEPS = 4 * MAX_RESULTS
"""Programs with more steps are left alone: they rarely get short enough for the symbols."""

ZERO = 1e-9
"""Smaller values are rounding errors."""


def _points() -> Iterator[tuple[float, ...]]:
    """Yield the values that n0, n1, … have at each point."""
    draw = random.Random(0)
    for point in range(NUM_POINTS):
        yield tuple(
            float(draw.randint(2, 40)) if point % 2 else draw.uniform(2, 40)
            for _ in range(MAX_NUMBERS)
        )


def _rounded(values: Iterable[float | None]) -> Value:
    return tuple(
        None if value is None else 0.0 if abs(value) < ZERO else float(f"{value:.{DIGITS - 1}e}")
        for value in values
    )


def _at(apply: Callable[..., float], arguments: Iterable[float | None]) -> float | None:
    """Apply an operation at one point; None where it or an argument is undefined there."""
    known = [argument for argument in arguments if argument is not None]
    try:
        value = float(apply(*known))
    except (TypeError, ValueError, ArithmeticError):  # TypeError: an argument was undefined
        return None
    return value if math.isfinite(value) else None


EXACT: dict[str, tuple[float, ...]] = {
    **{f"n{index}": values for index, values in enumerate(zip(*_points()))},
    **{name: (value,) * NUM_POINTS for name, value in CONSTANTS.items()},
}
"""The numbers of a problem and the constants at each point, not rounded."""

LEAVES = {name: _rounded(values) for name, values in EXACT.items()}
"""The same, rounded."""


def _is_symmetric(apply: Callable[..., float], arity: int) -> bool:
    points = zip(*(EXACT[f"n{index}"] for index in range(arity)))
    return all(
        len({_rounded([_at(apply, row)]) for row in itertools.permutations(point)}) == 1
        for point in points
    )


SYMMETRIC = frozenset(
    name
    for name, each in OPERATIONS.items()
    if each.arity > 1 and _is_symmetric(each.apply, each.arity)
)
"""Operations whose result does not depend on the order of the arguments."""


class NormalForms:
    """The one way to write each value that given programs compute."""

    def __init__(self, programs: Iterable[Program]) -> None:
        """Gather the ways in `programs`; a program that is given k times counts k times."""
        self._exact: dict[Value, tuple[float | None, ...]] = {}
        self._names: dict[Value, str] = {}
        self._ways: dict[Value, dict[Way, None]] = defaultdict(dict)
        self._best: dict[Value, Way] = {}
        self._first: dict[Value, int] = {}
        counted = Counter(programs)
        symbols: Counter[str] = Counter()
        for program, count in counted.items():
            for symbol in (
                each for step in program.steps for each in (step.operation, *step.arguments)
            ):
                symbols["#" if symbol.startswith("#") else symbol] += count
        self._total, self._symbols = symbols.total(), symbols
        self.num_programs = len(counted)
        """How many different programs were given."""
        for name, value in LEAVES.items():
            self._exact[value], self._names[value] = EXACT[name], name
        for program in counted:
            for value, way in self._read(program) or ():
                self._ways[value].setdefault(way)
        self._choose(self._costs())

    def of(self, program: Program) -> Program:
        """Return the normal form of a program, or `program` itself where its value is not known.

        It has the same value at random points; a caller that has the numbers of a problem should
        check them too. If no given program computes the value, the last operations stay, and their
        arguments are in normal form.
        """
        steps = self._read(program)
        if not steps:
            return program
        own = dict(reversed(steps))  # the first of two ways to a value: it does not use the value
        written = _Writing(self._names, ChainMap(self._best, own), self._place).program(
            steps[-1][0]
        )
        return program if len(written.steps) > MAX_RESULTS else written

    def _read(self, program: Program) -> list[tuple[Value, Way]] | None:
        """Return the value of each step and the way to it; None where one of them is not known."""
        if len(program.steps) > MOST_STEPS:
            return None
        results: list[tuple[Value, Way]] = []
        for step in program.steps:
            arguments = tuple(self._argument(name, results) for name in step.arguments)
            known = tuple(argument for argument in arguments if argument is not None)
            exact = self._apply(step.operation, known) if len(known) == len(arguments) else None
            if exact is None:
                return None
            value = _rounded(exact)
            self._exact.setdefault(value, exact)
            ordered = tuple(sorted(known, key=repr)) if step.operation in SYMMETRIC else known
            results.append((value, (step.operation, ordered)))
        return results

    def _argument(self, name: str, results: list[tuple[Value, Way]]) -> Value | None:
        if name.startswith("#"):
            return results[int(name[1:])][0]
        return LEAVES.get(name)

    def _apply(self, name: str, arguments: tuple[Value, ...]) -> tuple[float | None, ...] | None:
        operation = OPERATIONS.get(name)
        if operation is None:
            return None
        rows = zip(*(self._exact[argument] for argument in arguments))
        values = tuple(_at(operation.apply, row) for row in rows)
        return values if sum(value is not None for value in values) >= LEAST_DEFINED else None

    def _code(self, symbol: str) -> float:
        """What a symbol costs, in nats; all results are one symbol, `#`."""
        return math.log((self._total + len(self._symbols) + 1) / (self._symbols[symbol] + 1))

    def _cost(self, way: Way, costs: dict[Value, float]) -> float:
        operation, arguments = way
        return self._code(operation) + sum(
            costs[each] + (0.0 if each in self._names else self._code("#")) for each in arguments
        )

    def _costs(self) -> dict[Value, float]:
        """Return the lowest cost of each value (Knuth 1977, "A generalization of Dijkstra's
        algorithm").
        """
        users: dict[Value, list[tuple[Value, Way]]] = defaultdict(list)
        for value, ways in self._ways.items():
            for way in ways:
                for argument in set(way[1]):
                    users[argument].append((value, way))
        number = itertools.count()
        heap = [(self._code(name), next(number), value) for value, name in self._names.items()]
        heapq.heapify(heap)
        costs: dict[Value, float] = {}
        while heap:
            cost, _, value = heapq.heappop(heap)
            if value in costs:
                continue
            costs[value] = cost
            for target, way in users[value]:
                if target not in costs and all(argument in costs for argument in way[1]):
                    heapq.heappush(heap, (self._cost(way, costs), next(number), target))
        return costs

    def _choose(self, costs: dict[Value, float]) -> None:
        """Choose each value's cheapest way; cheap values first, since others are made of them."""
        for value, name in self._names.items():
            self._first[value] = int(name[1:]) if name.startswith("n") else MAX_NUMBERS
        for value in sorted(self._ways, key=lambda value: costs[value]):
            if value not in self._names:
                cheapest = [
                    way
                    for way in self._ways[value]
                    if self._cost(way, costs) <= costs[value] + ZERO
                ]
                way = min(cheapest, key=self._preference)
                self._best[value] = way
                self._first[value] = min(self._first[each] for each in way[1])

    def _preference(self, way: Way) -> tuple[object, ...]:
        """Return the sort key of ways that cost the same.

        `a · b · c` is written from left to right, in the order of the text.
        """
        operation, arguments = way
        results = sorted(self._first[each] for each in arguments if each not in self._names)
        leaves = sorted(-self._first[each] for each in arguments if each in self._names)
        return operation, results, leaves

    def _place(self, value: Value) -> tuple[int, float]:
        """Return the sort key of a symmetric argument: numbers first, then results, constants."""
        name = self._names.get(value)
        if name is None:
            return 1, self._first.get(value, MAX_NUMBERS)
        return (0, self._first[value]) if name.startswith("n") else (2, CONSTANTS[name])


class _Writing:
    """Writes one program: a step comes right after the steps that it needs, and nothing is
    computed twice.
    """

    def __init__(
        self,
        names: Mapping[Value, str],
        ways: Mapping[Value, Way],
        place: Callable[[Value], tuple[int, float]],
    ) -> None:
        self._names, self._ways, self._place = names, ways, place
        self._steps: list[Step] = []
        self._written: dict[Value, str] = {}

    def program(self, value: Value) -> Program:
        """Return the program that computes `value`."""
        name = self._argument(value)
        if not self._steps:  # a number as it stands: a program has at least one step
            self._steps.append(Step("multiply", (name, "const_1")))
        return Program(tuple(self._steps))

    def _argument(self, value: Value) -> str:
        if value in self._names:
            return self._names[value]
        if value not in self._written:
            operation, arguments = self._ways[value]
            ordered = sorted(arguments, key=self._place) if operation in SYMMETRIC else arguments
            names = tuple(self._argument(each) for each in ordered)
            self._written[value] = f"#{len(self._steps)}"
            self._steps.append(Step(operation, names))
        return self._written[value]
