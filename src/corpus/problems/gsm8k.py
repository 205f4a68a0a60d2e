"""GSM8K: 8.5 thousand word problems with solutions in words.

They have calculator annotations such as `<<48/2=24>>`, and end with `#### 72`. The annotations, and
equations without one, become a program. Numbers such as `two` and `¾` become digits. Reference:
Cobbe et al. 2021, arXiv:2110.14168.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.base.errors import DataError
from corpus.problems.problem import Problem
from corpus.problems.records import MEND, read_rows, text_field
from corpus.problems.written import NoSourceError, ProgramWriter
from corpus.program.arithmetic.values import parse_arithmetic, parse_value, value_of
from corpus.program.numbers import NUMBER
from corpus.program.plain_numbers import plain_numbers
from corpus.program.reader import ReadingError
from corpus.program.tree import Call, Node

NAME = "gsm8k"
COLUMNS = ("question", "answer")

FINAL = "####"
LONGEST = 300
"""Characters before an annotation that are searched for an equation."""

_EQUATION = re.compile(
    r"<<(?P<mark>[^<>]*)>>"
    rf"|(?P<left>[\d.$(][^=<>\n#]{{0,300}})=\s*[$€£]?(?P<right>{NUMBER})"
)
_BEFORE = re.compile(r"[\d.$(][^=<>\n]*(?==\s*[$€£]?\s*$)")
_WORDS = re.compile(
    r"/\s*[A-Za-z'’]+|[A-Za-z'’]{2,}|(?<![\d\s] )(?<![\d ])[xX]|[A-WYZa-wyz]\b|[,.;:](?=\s|$)"
)
_START = re.compile(r"(?<![\d.,])[-$(]*[\d.]")


def load_gsm8k(path: Path, split: str) -> list[Problem]:
    """Read a GSM8K file: JSON lines, a JSON list or Parquet.

    A problem whose solution cannot be traced to the question keeps its place, without a program.
    Raises `DataError` naming file, row and value where a row is malformed.
    """
    rows = read_rows(path, COLUMNS, set_title="GSM8K")
    return [_problem(row, split, index, f"{path}, row {index}") for index, row in enumerate(rows)]


def _problem(row: dict[str, Any], split: str, index: int, where: str) -> Problem:
    question, solution = (text_field(row, name, where) for name in COLUMNS)
    steps, mark, final = solution.rpartition(FINAL)
    answer = parse_value(final.strip())
    if not mark or answer is None:
        raise DataError(
            f"{where}: answer ends with {solution[-30:]!r}; expected a number after {FINAL}, "
            f"such as '#### 72'. {MEND}"
        )
    text = plain_numbers(question, words=True).text
    return Problem(
        set_name=NAME,
        split=split,
        index=index,
        text=text,
        options=(),
        correct=None,
        program=program_of(text, steps, answer),
        category="",
        answer=answer,
    )


def program_of(text: str, solution: str, answer: float) -> str | None:
    """Return the program of a written solution to `text`, in canonical form.

    None where one of its numbers has no source.
    """
    writer = ProgramWriter(text)
    try:
        for expression, stated in equations(solution):
            writer.add(expression, stated)
    except NoSourceError:
        return None
    program = writer.program(answer)
    return None if program is None else str(program)


def equations(solution: str) -> Iterator[tuple[Node, float | None]]:
    """Yield each expression of a solution with the value that is written for it, in order.

    An equation without an annotation, or with one that has only the result (`36 - 8 =
    <<28=28>>28`), counts if its arithmetic, without its words, has the value that is written.
    """
    for match in _EQUATION.finditer(solution):
        if match["mark"] is None:
            yield from _unmarked(match["left"], match["right"])
            continue
        left, _, right = match["mark"].partition("=")
        stated = parse_value(right.split("=")[-1])
        expression = _read(left)
        if isinstance(expression, Call):
            yield expression, stated
        elif before := _BEFORE.search(solution, max(0, match.start() - LONGEST), match.start()):
            yield from _unmarked(before[0], right)


def _unmarked(left: str, right: str) -> Iterator[tuple[Node, float | None]]:
    """Yield the longest arithmetic at the end of `left` that has the value `right`.

    `100%` may stand for 100.
    """
    clean, stated = _WORDS.sub(" ", left).strip(), parse_value(right)
    if stated is None:
        return
    for text in (clean, clean.replace("%", " ")):
        for start in _START.finditer(text):
            expression = _read(text[start.start() :])
            if isinstance(expression, Call) and is_close(value_of(expression), stated):
                yield expression, stated
                return


def is_close(value: float | None, stated: float) -> bool:
    """True where a value is what a solution states, which may be rounded."""
    return value is not None and math.isclose(value, stated, rel_tol=1e-3)


def _read(text: str) -> Node | None:
    try:
        return parse_arithmetic(text)
    except ReadingError:
        return None
