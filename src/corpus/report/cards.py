"""Problems from text to answer: numbers, each operation with its value, the option that was nearest."""

import hashlib
from collections.abc import Sequence

from corpus.program.interpreter import execute
from corpus.program.language import CONSTANTS, Program, ProgramError, Step, parse
from corpus.report.formats import ABSENT, short
from corpus.report.page import Block, Card, Cards, Choice, Paragraph, Section, StepLine
from corpus.report.read import Option, Outcome, Run

NUM_SHOWN = 3
"""Solved problems shown of each set, and as many failed ones."""


def cards_section(run: Run) -> Section:
    """Three solved and three failed problems of each set."""
    blocks: list[Block] = []
    for name, outcomes in run.outcomes.items():
        for word, right in (("solved", True), ("failed", False)):
            drawn = draw([each for each in outcomes if each.right == right])
            title = f"{name}: {len(drawn)} {word}"
            cards = tuple(map(make_card, drawn))
            nothing = Paragraph(text=f"{name}: no problem was {word}.")
            blocks.append(Cards(title=title, cards=cards) if drawn else nothing)
    text = (
        "The problems are drawn by a hash of their ids, not picked by hand."
        if blocks
        else "No outcomes to show so far: the run has not been scored on problems."
    )
    return Section(
        title="Problems step by step",
        blocks=(Paragraph(text=text, quiet=True), *blocks),
        summary="solved and failed problems with their programs",
    )


def draw(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return `NUM_SHOWN` outcomes by a hash of their ids: the same each time, whatever they hold."""

    def key(outcome: Outcome) -> str:
        return hashlib.sha256(outcome.id.encode("utf-8", "replace")).hexdigest()

    return sorted(outcomes, key=key)[:NUM_SHOWN]


def make_card(outcome: Outcome) -> Card:
    """Lay one problem out for reading."""
    program = read_program(outcome.predicted)
    template = "template seen in training" if outcome.seen else "template not seen"
    return Card(
        title=f"{outcome.id} · {template}",
        right=outcome.right,
        text=outcome.text,
        numbers=tuple((f"n{index}", short(value)) for index, value in enumerate(outcome.numbers)),
        steps=step_lines(program, outcome) if program else (),
        program=spaced(outcome.predicted),
        outcome=_result(outcome),
        choices=tuple(_choice(option, outcome) for option in outcome.options),
        gold=_gold(outcome),
    )


def _choice(option: Option, outcome: Outcome) -> Choice:
    marks = [
        word
        for word, letter in (("chosen", outcome.chosen), ("gold answer", outcome.correct))
        if letter == option.letter
    ]
    return Choice(letter=option.letter, text=option.text, marks=" and ".join(marks))


def read_program(text: str | None) -> Program | None:
    """Parse a program as the model wrote it; None where it is not one (it is then shown as it is)."""
    try:
        return parse(text) if text else None
    except ProgramError:
        return None


def step_lines(program: Program, outcome: Outcome) -> tuple[StepLine, ...]:
    """Return each operation with the values of its arguments and its result, as far as it came."""
    results = [*map(short, outcome.results), "fails", *["not reached"] * len(program.steps)]
    return tuple(
        StepLine(written=str(step), substituted=_substitute(step, outcome), result=result)
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
    """The gold program with its value; empty where the model wrote the same one, or there is none."""
    if outcome.gold == outcome.predicted:
        return ""
    program = read_program(outcome.gold)
    if program is None:
        return spaced(outcome.gold)
    result = execute(program, outcome.numbers)
    value = result.expression if result.expression is not None else result.value
    end = "(does not execute)" if value is None else f"= {short(value)}"
    return f"{spaced(outcome.gold)} {end}"


def spaced(program: str | None) -> str:
    """A program's text with room between its steps, so that a long one breaks there."""
    return " | ".join(step.strip() for step in (program or "").split("|"))
