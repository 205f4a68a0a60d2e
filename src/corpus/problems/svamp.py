"""SVAMP: a thousand short word problems with equations, varied so that shallow patterns fail.

Reference: Patel et al. 2021, arXiv:2103.07191.
"""

from pathlib import Path
from typing import Any

from corpus.base.errors import DataError
from corpus.base.plain import short
from corpus.problems.families import story_words
from corpus.problems.problem import Problem
from corpus.problems.records import MEND, read_rows, text_field
from corpus.problems.written import NoSourceError, ProgramWriter
from corpus.program.arithmetic.values import parse_arithmetic, parse_value
from corpus.program.plain_numbers import plain_numbers
from corpus.program.reader import ReadingError

NAME = "svamp"
COLUMNS = ("Body", "Question", "Equation", "Answer")


def load_svamp(path: Path, split: str) -> list[Problem]:
    """Read a SVAMP file: a JSON list, JSON lines or Parquet; `Type` becomes the category.

    A problem whose equation cannot be traced to the text keeps its place, without a program.
    The family of a problem is the words of its story, until `families.join_families`. Raises
    `DataError` naming file, row and value where a row is malformed.
    """
    rows = read_rows(path, COLUMNS, set_title="SVAMP", optional=("Type",))
    return [_problem(row, split, index, f"{path}, row {index}") for index, row in enumerate(rows)]


def _problem(row: dict[str, Any], split: str, index: int, where: str) -> Problem:
    body, question, equation = (text_field(row, name, where).strip() for name in COLUMNS[:3])
    answer = parse_value(str(row.get("Answer")))
    if answer is None:
        raise DataError(
            f"{where}: Answer is {short(row.get('Answer'))}; expected a number such as 4.0. {MEND}"
        )
    joined = f"{body}{'' if body.endswith(('.', '?', '!', ',')) else ' ,'} {question}"
    text = plain_numbers(joined, words=True).text
    return Problem(
        set_name=NAME,
        split=split,
        index=index,
        text=text,
        options=(),
        correct=None,
        program=_program(text, equation, answer),
        category=str(row.get("Type") or ""),
        answer=answer,
        family=story_words(body),
    )


def _program(text: str, equation: str, answer: float) -> str | None:
    writer = ProgramWriter(text)
    try:
        writer.add(parse_arithmetic(equation))
    except (ReadingError, NoSourceError):
        return None
    program = writer.program(answer)
    return None if program is None else str(program)
