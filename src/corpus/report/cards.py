"""Problems from text to answer: each operation with its values, the option that was nearest."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from corpus.program.domains import execute
from corpus.program.language import CONSTANTS, Program, ProgramError, Step, parse
from corpus.report.formats import ABSENT, short
from corpus.report.read import Outcome

NUM_SHOWN = 3
"""Solved problems shown of each set, and as many failed ones."""


@dataclass(frozen=True, kw_only=True)
class ProblemCard:
    """One problem laid out for reading; `steps` are (as written, with values, result)."""

    outcome: Outcome
    numbers: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, str, str], ...]
    program: str
    result: str
    choices: tuple[tuple[str, str, str], ...]
    gold: str

    @property
    def verdict(self) -> str:
        """Solved or failed, in a sign and a word."""
        return "✓ solved" if self.outcome.right else "✗ failed"

    @property
    def title(self) -> str:
        """Which problem it is."""
        template = "template seen in training" if self.outcome.seen else "template not seen"
        return f"{self.outcome.id} · {template}"


def draw(outcomes: Sequence[Outcome], right: bool) -> list[ProblemCard]:
    """Return `NUM_SHOWN` solved or failed problems by a hash of their ids: always the same ones."""

    def key(outcome: Outcome) -> str:
        return hashlib.sha256(outcome.id.encode("utf-8", "replace")).hexdigest()

    fitting = (outcome for outcome in outcomes if outcome.right == right)
    return [make_card(outcome) for outcome in sorted(fitting, key=key)[:NUM_SHOWN]]


def make_card(outcome: Outcome) -> ProblemCard:
    """Lay one problem out for reading."""
    program = _program(outcome.predicted)
    return ProblemCard(
        outcome=outcome,
        numbers=tuple((f"n{index}", short(value)) for index, value in enumerate(outcome.numbers)),
        steps=_steps(program, outcome) if program else (),
        program=_spaced(outcome.predicted),
        result=_result(outcome),
        choices=tuple(
            (each.letter, each.text, _marks(each.letter, outcome)) for each in outcome.options
        ),
        gold=_gold(outcome),
    )


def _marks(letter: str, outcome: Outcome) -> str:
    marks = (("chosen", outcome.chosen), ("gold answer", outcome.correct))
    return " and ".join(word for word, marked in marks if marked == letter)


def _program(text: str | None) -> Program | None:
    """Parse a program as the model wrote it; None if it is not one."""
    try:
        return parse(text) if text else None
    except ProgramError:
        return None


def _steps(program: Program, outcome: Outcome) -> tuple[tuple[str, str, str], ...]:
    results = [*map(short, outcome.results), "fails", *["not reached"] * len(program.steps)]
    return tuple(
        (str(step), _substitute(step, outcome), result)
        for step, result in zip(program.steps, results)
    )


def _substitute(step: Step, outcome: Outcome) -> str:
    values = ", ".join(_value(argument, outcome) for argument in step.arguments)
    return f"{step.operation}({values})"


def _value(argument: str, outcome: Outcome) -> str:
    if argument in CONSTANTS:
        return short(CONSTANTS[argument])
    values = outcome.numbers if argument.startswith("n") else outcome.results
    index = int(argument[1:])
    return short(values[index]) if index < len(values) else f"{argument}?"


def _result(outcome: Outcome) -> str:
    if outcome.error is not None:
        return f"No value: {outcome.error}. It counts as wrong."
    if outcome.value is None:
        return "No value."
    value = f"Value {short(outcome.value)}"
    same = " The program is the gold program." if outcome.gold == outcome.predicted else ""
    if outcome.answer is not None:
        return f"{value}, gold answer {short(outcome.answer)}.{same}"
    near = f"nearest option {outcome.chosen}" if outcome.chosen else "no option is a number"
    return f"{value}, {near}, gold answer {outcome.correct or ABSENT}.{same}"


def _gold(outcome: Outcome) -> str:
    """The gold program with its value; empty if the model wrote it too, or there is none."""
    if outcome.gold == outcome.predicted:
        return ""
    program = _program(outcome.gold)
    if program is None:
        return _spaced(outcome.gold)
    result = execute(program, outcome.numbers)
    end = "(does not execute)" if result.value is None else f"= {short(result.value)}"
    return f"{_spaced(outcome.gold)} {end}"


def _spaced(program: str | None) -> str:
    """A program's text with room between its steps, so that a long one breaks there."""
    return " | ".join(step.strip() for step in (program or "").split("|"))
