"""MathQA: 37 thousand word problems with options and programs.

Reference: Amini et al. 2019, arXiv:1905.13319.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from corpus.base.errors import DataError
from corpus.base.plain import short
from corpus.problems.problem import Problem
from corpus.problems.records import MEND, read_rows, text_field
from corpus.program.arithmetic.options import LETTERS, parse_options
from corpus.program.domain import AnswerOption
from corpus.program.language import ProgramError, parse

NAME = "mathqa"
COLUMNS = ("Problem", "options", "correct", "linear_formula", "category")
"""The fields that are read; others, such as `Rationale`, are not."""

CUT = "options_truncated"
"""A field of reconstructed files: the letters of options whose text is cut off. The official files
do not have it. What is left of an option is not its value: `$ 1` was `$ 1 , 200`."""


def load_mathqa(path: Path, split: str) -> list[Problem]:
    """Read a MathQA file: a JSON list, JSON lines or Parquet, told apart by content.

    A row whose formula is empty or not in the language keeps its place, without a program. Raises
    `DataError` naming file, row and value where a row is malformed.
    """
    rows = read_rows(path, COLUMNS, set_title="MathQA", optional=(CUT,))
    return [_problem(row, split, index, f"{path}, row {index}") for index, row in enumerate(rows)]


def _problem(row: dict[str, Any], split: str, index: int, where: str) -> Problem:
    text, options, correct = (
        text_field(row, name, where) for name in ("Problem", "options", "correct")
    )
    if correct.strip().lower() not in tuple(LETTERS):
        raise DataError(
            f"{where}: correct is {correct!r}; expected one of {', '.join(LETTERS)}. {MEND}"
        )
    formula = row.get("linear_formula")
    if formula is not None and not isinstance(formula, str):
        raise DataError(
            f"{where}: linear_formula is {short(formula)}; expected a text such as "
            f"'divide(n0,n1)|', or null. {MEND}"
        )
    return Problem(
        set_name=NAME,
        split=split,
        index=index,
        text=text,
        options=_without_cut_values(parse_options(options), row.get(CUT), where),
        correct=correct.strip().lower(),
        program=_program(formula),
        category=str(row.get("category") or ""),
    )


def _without_cut_values(
    options: tuple[AnswerOption, ...], cut: Any, where: str
) -> tuple[AnswerOption, ...]:
    """Return the options; those that are cut off have no value."""
    if cut is None:
        return options
    if not isinstance(cut, str):
        raise DataError(
            f"{where}: {CUT} is {short(cut)}; expected letters of options, such as 'ae'. {MEND}"
        )
    return tuple(
        replace(option, value=None) if option.letter in cut.lower() else option
        for option in options
    )


def _program(formula: str | None) -> str | None:
    try:
        return str(parse(formula)) if formula else None
    except ProgramError:
        return None
