"""The section that shows problems from text to answer: numbers, each operation with its value, the option that was nearest."""

import hashlib
from collections.abc import Sequence

from corpus.program.domains import execute
from corpus.program.language import CONSTANTS, Program, ProgramError, Step, parse
from corpus.report.blocks import Block, Card, Cards, Choice, Paragraph, Section, StepLine
from corpus.report.formats import ABSENT, short
from corpus.report.read import Outcome, Run

NUM_SHOWN = 3
"""Solved problems shown of each set, and as many failed ones."""


def cards_section(run: Run) -> Section:
    """Three solved and three failed problems of each set, drawn by a hash of their id so that nobody picks them."""
    blocks: list[Block] = []
    for name, outcomes in run.outcomes.items():
        solved, failed = (
            draw([o for o in outcomes if o.right]),
            draw([o for o in outcomes if not o.right]),
        )
        for title, drawn in (("solved", solved), ("failed", failed)):
            if drawn:
                blocks.append(
                    Cards(title=f"{name}: {len(drawn)} {title}", cards=tuple(map(make_card, drawn)))
                )
            else:
                blocks.append(Paragraph(text=f"{name}: no problem was {title}."))
    if not blocks:
        blocks.append(
            Paragraph(text="No outcomes to show so far: the run has not been scored on problems.")
        )
    else:
        blocks.append(
            Paragraph(
                text="The problems are drawn by a hash of their ids, not picked by hand.",
                quiet=True,
            )
        )
    return Section(title="Problems step by step", blocks=tuple(blocks))


def draw(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return `NUM_SHOWN` outcomes in the order of a hash of their ids: the same for the same set, without regard to content."""
    return sorted(
        outcomes,
        key=lambda outcome: hashlib.sha256(outcome.id.encode("utf-8", "replace")).hexdigest(),
    )[:NUM_SHOWN]


def make_card(outcome: Outcome) -> Card:
    """Lay one problem out for reading."""
    program = read_program(outcome.predicted)
    return Card(
        title=f"{outcome.id} · {'template seen in training' if outcome.seen else 'template not seen'}",
        right=outcome.right,
        text=outcome.text,
        numbers=tuple((f"n{index}", short(value)) for index, value in enumerate(outcome.numbers)),
        steps=step_lines(program, outcome) if program else (),
        program=spaced(outcome.predicted),
        outcome=_result(outcome),
        choices=tuple(
            Choice(
                letter=option.letter,
                text=option.text,
                chosen=option.letter == outcome.chosen,
                correct=option.letter == outcome.correct,
            )
            for option in outcome.options
        ),
        gold=_gold(outcome),
    )


def read_program(text: str | None) -> Program | None:
    """Parse a program as the model wrote it; None where it is not one (it is then shown as it is)."""
    try:
        return parse(text) if text else None
    except ProgramError:
        return None


def step_lines(program: Program, outcome: Outcome) -> tuple[StepLine, ...]:
    """Return each operation with the values of its arguments and its result; steps that were not reached have none."""
    lines = []
    for index, step in enumerate(program.steps):
        reached = index < len(outcome.results)
        result = (
            short(outcome.results[index])
            if reached
            else ("fails" if index == len(outcome.results) else "not reached")
        )
        lines.append(
            StepLine(written=str(step), substituted=_substitute(step, outcome), result=result)
        )
    return tuple(lines)


def _substitute(step: Step, outcome: Outcome) -> str:
    return (
        f"{step.operation}({', '.join(_value(argument, outcome) for argument in step.arguments)})"
    )


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
    same = " The program is the gold one." if outcome.gold == outcome.predicted else ""
    if outcome.answer is not None:
        return f"Value {short(outcome.value)}, key {short(outcome.answer)}.{same}"
    nearest = (
        f"nearest option {outcome.chosen}"
        if outcome.chosen
        else "no option has a number to be near to"
    )
    return f"Value {short(outcome.value)}, {nearest}, key {outcome.correct or ABSENT}.{same}"


def _gold(outcome: Outcome) -> str:
    """The gold program with its value; empty where there is none, or where the model wrote the same one."""
    if outcome.gold == outcome.predicted:
        return ""
    program = read_program(outcome.gold)
    if program is None:
        return spaced(outcome.gold)
    result = execute(program, outcome.numbers)
    return (
        f"{spaced(outcome.gold)} = {short(result.value)}"
        if result.value is not None
        else f"{spaced(outcome.gold)} (does not execute)"
    )


def spaced(program: str | None) -> str:
    """A program's text with room between its steps, so that a long one breaks there."""
    return " | ".join(step.strip() for step in (program or "").split("|"))
