"""The SVAMP repository's files: MAWPS and ASDiv-A to train on, SVAMP to test, with `number0` in
place of the first number.

Reference: Patel et al. 2021, arXiv:2103.07191, sec. 4.
"""

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

from corpus.base.errors import DataError
from corpus.problems.problem import Problem
from corpus.problems.records import MEND, read_rows, short, text_field
from corpus.problems.written import NoSourceError, ProgramWriter
from corpus.program.arithmetic.values import MAX_TOKENS, parse_value
from corpus.program.domains import ARITHMETIC
from corpus.program.plain_numbers import plain_numbers
from corpus.program.tree import Call, Node

NAME = "mawps_asdiv"
COLUMNS = ("Question", "Numbers", "Equation", "Answer")

_PLACE = re.compile(r"number(\d{1,3})")
_DECIMAL = re.compile(r"\d{1,30}(\.\d{1,30})?", re.ASCII)
_OPERATIONS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
_STAND_IN = 91_827_364_500
"""`number0` is this number, `number1` the next, while their places in the text are looked for."""


def load_mawps_asdiv(path: Path, split: str) -> list[Problem]:
    """Read such a file, a CSV with an equation in prefix order: `- number0 number1`.

    A problem whose equation cannot be traced to its text keeps its place, without a program.
    Raises `DataError` naming file, row and value where a row is malformed.
    """
    rows = read_rows(path, COLUMNS, set_title="MAWPS and ASDiv-A", optional=("Type",))
    return [_problem(row, split, index, f"{path}, row {index}") for index, row in enumerate(rows)]


def _problem(row: dict[str, Any], split: str, index: int, where: str) -> Problem:
    question, equation = (text_field(row, name, where).strip() for name in ("Question", "Equation"))
    answer = parse_value(text_field(row, "Answer", where))
    if answer is None:
        raise DataError(
            f"{where}: Answer is {short(row['Answer'])}; expected a number such as 4.0. {MEND}"
        )
    numbers = [_number(each, where) for each in text_field(row, "Numbers", where).split()]
    wanted = {int(each) for each in _PLACE.findall(question)}
    if any(each >= len(numbers) for each in wanted):
        raise DataError(
            f"{where}: Question has number{max(wanted)}, but Numbers are {short(row['Numbers'])}. "
            f"{MEND}"
        )
    text = plain_numbers(_PLACE.sub(lambda each: numbers[int(each[1])], question), words=True).text
    return Problem(
        set_name=NAME,
        split=split,
        index=index,
        text=text,
        options=(),
        correct=None,
        program=_program(text, question, equation, answer),
        category=str(row.get("Type") or ""),
        answer=answer,
    )


def _number(written: str, where: str) -> str:
    value = parse_value(written)
    if value is None:
        raise DataError(f"{where}: Numbers has {short(written)}; expected numbers. {MEND}")
    return f"{value:.15g}" if value == round(value) and abs(value) < 1e15 else written


def _program(text: str, question: str, equation: str, answer: float) -> str | None:
    """Return the program of an equation. Each placeholder is the quantity at its own place."""
    stand_ins = plain_numbers(
        _PLACE.sub(lambda each: str(_STAND_IN + int(each[1])), question), words=True
    )
    places = [span.value for span in ARITHMETIC.find(stand_ins.text)]
    if len(places) != len(ARITHMETIC.find(text)):
        return None  # numbers and words join into other numbers, such as `3 million`
    known = {value: f"n{place}" for place, value in enumerate(places) if value >= _STAND_IN}
    writer = ProgramWriter(text)
    tree = _tree(equation.split())
    if tree is None:
        return None
    try:
        writer.add(tree, known=known)
    except NoSourceError:
        return None
    program = writer.program(answer)
    return None if program is None else str(program)


def _tree(tokens: list[str]) -> Node | None:
    """Read arithmetic in prefix order, None where it is not such arithmetic."""
    if len(tokens) > MAX_TOKENS:
        return None
    nodes: list[Node] = []
    for token in reversed(tokens):
        if token in _OPERATIONS:
            if len(nodes) < 2:
                return None
            nodes.append(Call(_OPERATIONS[token], (nodes.pop(), nodes.pop())))
        elif place := _PLACE.fullmatch(token):
            nodes.append(Fraction(_STAND_IN + int(place[1])))
        elif _DECIMAL.fullmatch(token):
            nodes.append(Fraction(token))
        else:
            return None
    return nodes[0] if len(nodes) == 1 else None
