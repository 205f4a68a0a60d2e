"""Programs of written solutions: each number of an expression is traced to its source.

    48 friends, half as many …   48/2=24, 48+24=72   →   divide(n0,const_2)|add(n0,#0)

A number comes from an earlier result, from the question, or from the constants of the language.
Sources not used yet are preferred, because a solution mostly needs each number once: first the
latest result, then the first number of the question. If there is no source, extra steps compute the
number from a percentage or a fraction of the question (`25%` written as .25), or, if everybody
knows it, from constants (7 = 3 + 4), as in MathQA's own programs.
"""

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

from corpus.program.arithmetic.interpreter import execute
from corpus.program.arithmetic.values import parse_arithmetic
from corpus.program.domains import ARITHMETIC
from corpus.program.language import CONSTANTS, MAX_NUMBERS, Program, Step
from corpus.program.reader import ReadingError
from corpus.program.tree import Call, Node

SAME = 1e-9
"""Relative difference up to which a written number is a number of the question."""

ROUNDED = 0.005
"""The same for an earlier result that has more decimals than the written number: 3.33 is 10 / 3."""

_HINTS = {
    2.0: re.compile(r"\b(?:half|halves|halved|twice|doubl|pairs?\b|couple|both)"),
    3.0: re.compile(r"\b(?:third|thrice|tripl|three times)"),
    4.0: re.compile(r"\b(?:quarter|fourth|quadrupl)"),
    12.0: re.compile(r"\b(?:dozen|years?\b|months?\b|annual)"),
    60.0: re.compile(r"\b(?:hours?\b|minutes?\b|seconds?\b)"),
    100.0: re.compile(r"%|percent|cents?\b|meters?\b"),
}
"""Words that suggest a constant. It is preferred to numbers and results that are used already."""


class NoSourceError(ValueError):
    """A number of a written solution has no source, or a step has no value."""


@dataclass
class _Result:
    """One step: its value, and the value that the solution wrote for it where it wrote one."""

    step: Step
    value: float
    stated: float | None = None
    is_used: bool = False


@dataclass
class ProgramWriter:
    """Writes the program of one problem, expression by expression."""

    text: str
    """The question."""
    _results: list[_Result] = field(default_factory=list)
    _used: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._spans = ARITHMETIC.find(self.text)[:MAX_NUMBERS]
        self._lower = self.text.lower()
        self._values = [span.value for span in self._spans]

    def add(
        self,
        expression: Node,
        stated: float | None = None,
        *,
        known: Mapping[float, str] = MappingProxyType({}),
    ) -> None:
        """Append the steps of one expression; `stated` is the value the solution gives it.

        `known` has the arguments that some of its numbers stand for; others are looked for. A
        number alone adds nothing. Raises `NoSourceError`, with the steps so far kept, where a
        number has no source or a step no value.
        """
        if isinstance(expression, Call):
            name = self._write(expression, known.get)
            self._results[int(name[1:])].stated = stated

    def program(self, answer: float) -> Program | None:
        """Return the steps that lead to `answer`, or else to the last value.

        None where there are no steps, or where they use no number of the question. Where the last
        value becomes the answer by rounding, or in cents or percent, that step is added.
        """
        if not self._results:
            return None
        last = len(self._results) - 1
        arrived = [
            index
            for index, result in enumerate(self._results)
            if math.isclose(result.value, answer, rel_tol=1e-6)
        ]
        if not arrived and (name := self._finish(last, answer)) is not None:
            arrived = [int(name[1:])]
        program = self._only_needed(arrived[-1] if arrived else last)
        return (
            program
            if any(each.startswith("n") for step in program.steps for each in step.arguments)
            else None
        )

    def _finish(self, last: int, answer: float) -> str | None:
        value, name = self._results[last].value, f"#{last}"
        if math.isclose(100 * value, answer, rel_tol=1e-6) and _HINTS[100.0].search(self._lower):
            return self._step("multiply", name, "const_100")
        if answer == math.floor(value + 0.5) and re.search(r"\bround|nearest", self._lower):
            return self._step("floor", self._step("add", name, "const_0_5"))
        if answer == math.floor(value):
            return self._step("floor", name)
        if answer == math.ceil(value):
            return self._step("negate", self._step("floor", self._step("negate", name)))
        return None

    def _only_needed(self, last: int) -> Program:
        needed = {last}
        for index in range(last, -1, -1):
            if index in needed:
                needed |= {
                    int(each[1:])
                    for each in self._results[index].step.arguments
                    if each.startswith("#")
                }
        places = {f"#{old}": f"#{new}" for new, old in enumerate(sorted(needed))}
        steps = (self._results[index].step for index in sorted(needed))
        return Program(
            tuple(
                Step(step.operation, tuple(places.get(each, each) for each in step.arguments))
                for step in steps
            )
        )

    def _write(self, node: Node, find: Callable[[float], str | None] | None = None) -> str:
        """Append the steps of a tree and return the argument that stands for its value.

        `find` returns the argument of a number, by default `_source`.
        """
        if not isinstance(node, Call):
            value = _number(node)
            return (find or self._source)(value) or self._source(value)
        if (
            node.operation == "negate"
            and isinstance(node.arguments[0], Fraction)
            and (known := self._used_result(-_number(node.arguments[0])))
        ):
            return known
        arguments = [self._write(each, find) for each in node.arguments]
        for argument in arguments:
            self._use(argument)
        if node.operation == "percent":
            return self._step("divide", arguments[0], "const_100")
        return self._step(node.operation, *arguments)

    def _step(self, operation: str, *arguments: str) -> str:
        step = Step(operation, arguments)
        for index, result in enumerate(self._results):
            if result.step == step:
                return f"#{index}"
        outcome = execute(Program((*(result.step for result in self._results), step)), self._values)
        if outcome.value is None:
            raise NoSourceError(outcome.error)
        self._results.append(_Result(step, outcome.value))
        return f"#{len(self._results) - 1}"

    def _source(self, value: float) -> str:
        """Return the argument that a written number stands for; add the steps that it needs."""
        for find in (
            self._unused,
            self._constant_by_hint,
            self._used_number,
            self._used_result,
            self._share,
            self._constant,
            self._fact,
            self._rounded,
        ):
            if (name := find(value)) is not None:
                self._use(name)
                return name
        raise NoSourceError(f"{value:g} is neither in the question nor computed")

    def _use(self, name: str) -> None:
        if name.startswith("#"):
            self._results[int(name[1:])].is_used = True
        elif name.startswith("n"):
            self._used.add(int(name[1:]))

    def _unused(self, value: float) -> str | None:
        for index in range(len(self._results) - 1, -1, -1):
            if not self._results[index].is_used and self._is_result(index, value):
                return f"#{index}"
        return self._number(value, lambda index: index not in self._used)

    def _used_number(self, value: float) -> str | None:
        return self._number(value, lambda index: True)

    def _number(self, value: float, may: Callable[[int], bool]) -> str | None:
        for index, known in enumerate(self._values):
            if may(index) and math.isclose(known, value, rel_tol=SAME):
                return f"n{index}"
        return None

    def _used_result(self, value: float) -> str | None:
        return next(
            (
                f"#{index}"
                for index in range(len(self._results) - 1, -1, -1)
                if self._is_result(index, value)
            ),
            None,
        )

    def _is_result(self, index: int, value: float) -> bool:
        result = self._results[index]
        return math.isclose(result.value, value, rel_tol=SAME) or result.stated == value

    def _rounded(self, value: float) -> str | None:
        if value == round(value):
            return None
        near = [
            i
            for i, result in enumerate(self._results)
            if math.isclose(result.value, value, rel_tol=ROUNDED)
        ]
        return f"#{near[-1]}" if near else None

    def _constant_by_hint(self, value: float) -> str | None:
        hint = _HINTS.get(value)
        return self._constant(value) if hint and hint.search(self._lower) else None

    def _constant(self, value: float) -> str | None:
        return next(
            (name for name, known in CONSTANTS.items() if math.isclose(known, value, rel_tol=SAME)),
            None,
        )

    def _share(self, value: float) -> str | None:
        """Find a percentage or fraction of the question: .25, 1.25, .75 and 75 come from `25 %`."""
        for index, first, second in self._fractions():
            if math.isclose(first / second, value, rel_tol=SAME):
                return self._step(
                    "divide",
                    f"n{index}",
                    "const_100" if index in self._percents() else f"n{index + 1}",
                )
        for index in self._percents():
            share = self._values[index] / 100
            for operation, target in (("add", 1 + share), ("subtract", 1 - share)):
                if math.isclose(target, value, rel_tol=SAME):
                    return self._step(
                        operation, "const_1", self._step("divide", f"n{index}", "const_100")
                    )
            for operation, target in (("add", 100 + 100 * share), ("subtract", 100 - 100 * share)):
                if math.isclose(target, value, rel_tol=SAME):
                    return self._step(operation, "const_100", f"n{index}")
        return None

    def _fact(self, value: float) -> str | None:
        return self._write(_FACTS[value], self._constant) if value in _FACTS else None

    def _fractions(self) -> Iterator[tuple[int, float, float]]:
        """Yield place, numerator and denominator of percentages and fractions of the question."""
        for index in self._percents():
            yield index, self._values[index], 100.0
        for index, (first, second) in enumerate(itertools.pairwise(self._spans)):
            if self.text[first.end : second.start].strip() == "/" and second.value:
                yield index, first.value, second.value

    def _percents(self) -> list[int]:
        return [
            i
            for i, span in enumerate(self._spans)
            if re.match(r"\s*(?:%|percent|cent)", self._lower[span.end :])
        ]


def program_of_equation(text: str, equation: str, answer: float) -> str | None:
    """Return the program of an equation such as `x=(33-17)/2` or `49/7=7`, in canonical form.

    One side is arithmetic, of two the first; the other is the unknown alone, or the result. None
    for other equations, or where a number has no source in the question `text`.
    """
    sides = [each.strip() for each in equation.lower().split("=")]
    trees = [_arithmetic(side) for side in sides]
    if len(sides) > 2 or any(
        tree is None and not re.fullmatch("[a-z]", side) for side, tree in zip(sides, trees)
    ):
        return None
    tree = next((tree for tree in trees if tree is not None), None)
    if tree is None:
        return None
    writer = ProgramWriter(text)
    try:
        writer.add(tree)
    except NoSourceError:
        return None
    program = writer.program(answer)
    return None if program is None else str(program)


def _arithmetic(text: str) -> Node | None:
    try:
        return parse_arithmetic(text)
    except ReadingError:
        return None


def _number(node: Node) -> float:
    if not isinstance(node, Fraction):
        raise NoSourceError(f"{node} is no number")
    try:
        return float(node)
    except OverflowError:
        raise NoSourceError("a number is beyond the largest float") from None


_FACTS = {
    value: parse_arithmetic(text)
    for value, text in {
        **{
            7.0: "3 + 4",
            8.0: "2 * 4",
            9.0: "3 * 3",
            11.0: "1 + 10",
            14.0: "2 * (3 + 4)",
            15.0: "3 * 5",
            16.0: "4 * 4",
            20.0: "2 * 10",
        },
        **{
            24.0: "2 * 12",
            25.0: "100 / 4",
            30.0: "60 / 2",
            40.0: "4 * 10",
            50.0: "100 / 2",
            365.0: "52 * (3 + 4) + 1",
        },
        **{
            0.01: "1 / 100",
            0.05: "5 / 100",
            0.1: "1 / 10",
            0.2: "1 / 5",
            0.75: "3 / 4",
            1.5: "3 / 2",
            2.5: "5 / 2",
        },
    }.items()
}
"""Numbers that everybody knows but that are no constants: days of a week, hours of a day, coins."""
