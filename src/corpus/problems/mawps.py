"""MAWPS: word problems with one equation, gathered from several collections.

Reference: Koncel-Kedziorski et al. 2016, "MAWPS: a math word problem repository", NAACL.
"""

from pathlib import Path
from typing import Any

from corpus.base.errors import DataError
from corpus.base.plain import short
from corpus.problems.problem import Problem
from corpus.problems.records import MEND, read_rows, text_field
from corpus.problems.written import program_of_equation
from corpus.program.arithmetic.values import parse_value
from corpus.program.plain_numbers import plain_numbers

NAME = "mawps"
COLUMNS = ("sQuestion", "lEquations", "lSolutions")


def load_mawps(path: Path, split: str) -> list[Problem]:
    """Read a MAWPS file with one equation and one solution a problem.

    A problem whose equation cannot be traced to its text keeps its place, without a program.
    Raises `DataError` naming file, row and value where a row is malformed.
    """
    rows = read_rows(path, COLUMNS, set_title="MAWPS")
    return [_problem(row, split, index, f"{path}, row {index}") for index, row in enumerate(rows)]


def _problem(row: dict[str, Any], split: str, index: int, where: str) -> Problem:
    text = plain_numbers(text_field(row, "sQuestion", where).strip(), words=True).text
    equation = _only(row, "lEquations", where)
    solution = _only(row, "lSolutions", where)
    answer = parse_value(str(solution))
    if not isinstance(equation, str):
        raise DataError(f"{where}: lEquations holds {short(equation)}; expected a text. {MEND}")
    if answer is None:
        raise DataError(f"{where}: lSolutions holds {short(solution)}; expected a number. {MEND}")
    return Problem(
        set_name=NAME,
        split=split,
        index=index,
        text=text,
        options=(),
        correct=None,
        program=program_of_equation(text, equation, answer),
        category="",
        answer=answer,
    )


def _only(row: dict[str, Any], name: str, where: str) -> Any:
    values = row.get(name)
    if not isinstance(values, list) or len(values) != 1:
        raise DataError(f"{where}: {name} is {short(values)}; expected a list of one. {MEND}")
    return values[0]
