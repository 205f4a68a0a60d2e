"""AQuA-RAT: a hundred thousand word problems with five options and solutions in words.

The arithmetic of a solution becomes a program where it gives the gold answer, which is seldom;
similar problems give programs to others (`repair.py`). MathQA was made from AQuA-RAT: hundreds of
MathQA's held-out problems have a twin here. A run that knows them leaves these out.

Reference: Ling et al. 2017, arXiv:1705.04146.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from corpus.base.errors import DataError
from corpus.problems.check import gives_gold
from corpus.problems.gsm8k import program_of
from corpus.problems.problem import Problem
from corpus.problems.records import MEND, read_rows, short, text_field
from corpus.program.arithmetic.options import LETTERS, option_value
from corpus.program.domain import AnswerOption
from corpus.program.language import parse

NAME = "aqua_rat"
COLUMNS = ("question", "options", "correct")
RATIONALE = "rationale"
"""The solution in words. A file without it has no programs."""

_OPTION = re.compile(r"\s*\(?([A-Ea-e])\s*[).:]\s*(.*)", re.DOTALL)


def load_aqua_rat(path: Path, split: str) -> list[Problem]:
    """Read an AQuA-RAT file: JSON lines (also if named `.json`), a JSON list or Parquet.

    Raises `DataError` naming file, row and value where a row is malformed.
    """
    rows = read_rows(path, COLUMNS, set_title="AQuA-RAT", optional=(RATIONALE,))
    return [_problem(row, split, index, f"{path}, row {index}") for index, row in enumerate(rows)]


def _problem(row: dict[str, Any], split: str, index: int, where: str) -> Problem:
    text, correct = (text_field(row, name, where) for name in ("question", "correct"))
    options = _options(row.get("options"), where)
    letter = correct.strip().lower()
    if letter not in {option.letter for option in options}:
        letters = ", ".join(option.letter.upper() for option in options)
        raise DataError(
            f"{where}: correct is {correct!r}; expected the letter of an option, {letters}. {MEND}"
        )
    problem = Problem(
        set_name=NAME,
        split=split,
        index=index,
        text=text,
        options=options,
        correct=letter,
        program=None,
        category="",
    )
    return replace(problem, program=_program(problem, row.get(RATIONALE)))


def _program(problem: Problem, rationale: Any) -> str | None:
    """Return the program of a solution, None where it does not give the gold answer."""
    gold = next(option.value for option in problem.options if option.letter == problem.correct)
    if gold is None or not isinstance(rationale, str):
        return None
    program = program_of(problem.text, rationale, gold)
    return program if program and gives_gold(problem, parse(program)) else None


def _options(given: Any, where: str) -> tuple[AnswerOption, ...]:
    if not isinstance(given, list) or not given:
        raise DataError(
            f"{where}: options is {short(given)}; expected a list such as ['A)21', 'B)21.5']. "
            f"{MEND}"
        )
    options = []
    for letter, text in zip(LETTERS, given):
        match = _OPTION.fullmatch(text) if isinstance(text, str) else None
        if match is None or match[1].lower() != letter:
            raise DataError(
                f"{where}: options has {short(text)}; expected {letter.upper()}) and an answer. "
                f"{MEND}"
            )
        options.append(AnswerOption(letter, match[2].strip(), option_value(match[2])))
    return tuple(options)
