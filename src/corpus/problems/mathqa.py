"""MathQA: 37 thousand word problems with options and programs, as the official archive's JSON lists or as Parquet copies of them.

Reference: Amini et al. 2019, arXiv:1905.13319.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.base.errors import DataError
from corpus.problems.problem import Problem
from corpus.program.answer import LETTERS, is_near, nearest_option, parse_options
from corpus.program.interpreter import execute
from corpus.program.language import ProgramError, parse

NAME = "mathqa"
COLUMNS = ("Problem", "options", "correct", "linear_formula", "category")
"""The fields that are read; others, such as `Rationale`, are not."""

_PARQUET_MAGIC = b"PAR1"
_MEND = "Mend the record, or leave it out."


def load_mathqa(path: Path, split: str) -> list[Problem]:
    """Read a MathQA file: a JSON list, JSON lines or Parquet, told apart by content.

    A row whose formula is empty or not in the language keeps its place, with no program. Raises `DataError` naming file, row and
    value where a row is malformed.
    """
    rows = _parquet_rows(path) if _starts_with(path, _PARQUET_MAGIC) else _json_rows(path)
    problems = [_problem(row, split, index, f"{path}, row {index}") for index, row in enumerate(rows)]
    if not problems:
        raise DataError(f"{path} holds no problem; expected a list of MathQA records. Give a complete file.")
    return problems


def is_checked(problem: Problem) -> bool:
    """True where the program reproduces the key: it executes, lands nearest to the keyed option and within 1 % of it.

    A problem over expressions was checked when it was made: its answer is what its program gives.
    """
    if problem.expression is not None:
        return problem.program is not None
    if problem.program is None or problem.correct is None:
        return False
    value = execute(parse(problem.program), problem.numbers).value
    if value is None or nearest_option(value, problem.options) != problem.correct:
        return False
    return is_near(value, next(option for option in problem.options if option.letter == problem.correct))


def _problem(row: Any, split: str, index: int, where: str) -> Problem:
    if not isinstance(row, dict):
        raise DataError(f"{where} is {_short(row)}; expected an object with {', '.join(COLUMNS)}. {_MEND}")
    text, options, correct = (_text(row, name, where) for name in ("Problem", "options", "correct"))
    if correct.strip().lower() not in LETTERS:
        raise DataError(f"{where}: correct is {correct!r}; expected one of {', '.join(LETTERS)}. {_MEND}")
    formula = row.get("linear_formula")
    if formula is not None and not isinstance(formula, str):
        raise DataError(f"{where}: linear_formula is {_short(formula)}; expected a text such as 'divide(n0,n1)|', or null. {_MEND}")
    return Problem(
        set_name=NAME,
        split=split,
        index=index,
        text=text,
        options=parse_options(options),
        correct=correct.strip().lower(),
        program=_program(formula),
        category=str(row.get("category") or ""),
    )


def _text(row: dict[str, Any], name: str, where: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        found = f"is {_short(value)}" if name in row else "is missing"
        raise DataError(f"{where}: {name} {found}; expected a text. {_MEND}")
    return value


def _program(formula: str | None) -> str | None:
    try:
        return str(parse(formula)) if formula else None
    except ProgramError:
        return None


def _starts_with(path: Path, magic: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(magic)) == magic
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}. Give a MathQA file such as train.json.") from None


def _json_rows(path: Path) -> Iterator[Any]:
    """Yield the records of a JSON list, or of JSON lines where the file begins with a record."""
    try:
        data = Path(path).read_bytes()
        if data.lstrip().startswith(b"{"):
            data = b"[" + b",".join(line for line in data.splitlines() if line.strip()) + b"]"
        rows = json.loads(data)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error.reason} at byte {error.start}). Get it again.") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{path} line {error.lineno} is not JSON ({error.msg}); the file may be cut off. Get it again.") from None
    except RecursionError:
        raise DataError(f"{path} is nested too deeply to be a list of MathQA records. Get it again.") from None
    if not isinstance(rows, list):
        raise DataError(f"{path} holds {_short(rows)}; expected a JSON list of MathQA records. Give a file such as train.json.")
    yield from rows


def _parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            missing = [name for name in COLUMNS if name not in file.schema_arrow.names]
            if missing:
                raise DataError(
                    f"{path} has no column {', '.join(missing)}; found {', '.join(file.schema_arrow.names)}. Give a MathQA file."
                )
            for batch in file.iter_batches(columns=list(COLUMNS)):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is not a readable Parquet file ({error}). Get it again.") from None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
