"""Every known problem set, recognised by the content of its files.

A new set is one new file and one entry here. Sets that are recognised only are listed as well, so
that their files are never taken for text.
"""

import contextlib
import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.base.compressed import DAMAGE, first_bytes
from corpus.base.encodings import to_utf8
from corpus.base.errors import ConfigError, DataError, did_you_mean
from corpus.base.json_values import integer_or_digits
from corpus.problems.aqua_rat import load_aqua_rat
from corpus.problems.asdiv import COLUMNS as ASDIV
from corpus.problems.asdiv import is_xml, load_asdiv
from corpus.problems.gsm8k import load_gsm8k
from corpus.problems.mathqa import COLUMNS as MATHQA
from corpus.problems.mathqa import load_mathqa
from corpus.problems.mawps import COLUMNS as MAWPS
from corpus.problems.mawps import load_mawps
from corpus.problems.mawps_asdiv import COLUMNS as MAWPS_ASDIV
from corpus.problems.mawps_asdiv import load_mawps_asdiv
from corpus.problems.problem import Problem
from corpus.problems.records import is_csv
from corpus.problems.svamp import load_svamp

FIRST_BYTES = 1 << 20
"""Bytes of a file that are read: enough for the first record of any problem set."""


@dataclass(frozen=True, kw_only=True)
class ProblemSet:
    """A problem set: the fields that its records have, and how a file of it is read."""

    name: str
    fields: frozenset[str]
    """Fields of a record that together tell this set from others."""
    load: Callable[[Path, str], list[Problem]] | None
    """Reads a file as a split; None where the set is recognised only."""
    is_one: Callable[[dict[str, Any]], bool] = lambda record: True
    """A further check of a record that has the fields."""
    only_if_named: bool = False
    """It is trained on only where `problems.sets` names it."""
    makes_programs: bool = False
    """Its gold programs are made from written solutions, and kept if they give the gold answer."""
    source_of: frozenset[str] = frozenset()
    """Sets that were made from it. Beside one of them it is trained on without every problem that
    equals an evaluation problem but for its numbers, and it is never text."""
    may_be_csv: bool = False
    """Its fields are all texts, and its files may be CSV."""
    has_words_as_digits: bool = False
    """Numbers in words become digits, in its problems and in questions to a run trained on it."""


@dataclass(frozen=True, kw_only=True)
class ProblemFile:
    """A file that holds problems of a known set."""

    path: Path
    set_name: str
    split: str | None
    """`train`, `dev` or `test` by the file's name (or its folder's), None where it does not say."""

    @property
    def is_loadable(self) -> bool:
        """True where the set can be read."""
        return PROBLEM_SETS[self.set_name].load is not None


PREPARED = "prepared"
"""A run's own copies of problems; each names the set that it belongs to."""


def _has_final_answer(record: dict[str, Any]) -> bool:
    return isinstance(record["answer"], str) and "####" in record["answer"]


_SETS = (
    ProblemSet(name="mathqa", fields=frozenset(MATHQA), load=load_mathqa),
    ProblemSet(
        name="gsm8k",
        fields=frozenset({"question", "answer"}),
        load=load_gsm8k,
        is_one=_has_final_answer,
        makes_programs=True,
        has_words_as_digits=True,
    ),
    ProblemSet(
        name="mawps_asdiv",
        fields=frozenset(MAWPS_ASDIV),  # SVAMP's own fields may be there too
        load=load_mawps_asdiv,
        may_be_csv=True,
        makes_programs=True,
        has_words_as_digits=True,
    ),
    ProblemSet(
        name="svamp",
        fields=frozenset({"Body", "Question", "Equation", "Answer"}),
        load=load_svamp,
        makes_programs=True,
        has_words_as_digits=True,
    ),
    ProblemSet(
        name="aqua_rat",
        fields=frozenset({"question", "options", "rationale", "correct"}),
        load=load_aqua_rat,
        only_if_named=True,
        makes_programs=True,
        source_of=frozenset({"mathqa"}),
    ),
    ProblemSet(
        name="asdiv",
        fields=frozenset(ASDIV),
        load=load_asdiv,
        makes_programs=True,
        has_words_as_digits=True,
    ),
    ProblemSet(
        name="mawps",
        fields=frozenset(MAWPS),
        load=load_mawps,
        makes_programs=True,
        has_words_as_digits=True,
    ),
    # What Corpus itself wrote into a run folder.
    ProblemSet(
        name="outcomes", fields=frozenset({"id", "text", "options", "gold", "predicted"}), load=None
    ),
    ProblemSet(
        name=PREPARED,
        fields=frozenset({"set_name", "split", "index", "text", "options", "program"}),
        load=None,
    ),
)
PROBLEM_SETS: dict[str, ProblemSet] = {each.name: each for each in _SETS}
"""Every known set by its name."""

_SPLITS = {
    "train": "train",
    "dev": "dev",
    "valid": "dev",
    "val": "dev",
    "validation": "dev",
    "test": "test",
}


def recognise(path: Path) -> ProblemFile | None:
    """Return the problem set of a file by its first record; None for any other file.

    Reads 1 MiB at most.
    """
    path = Path(path)
    record = _first_record(path)
    if record is None:
        return None
    for known in PROBLEM_SETS.values():
        if is_csv(path) and not known.may_be_csv:
            continue
        if known.fields <= record.keys() and known.is_one(record):
            return ProblemFile(path=path, set_name=known.name, split=split_of(path))
    return None


def is_cut_off(path: Path) -> bool:
    """True for a file `train.json`, `dev.json` or `test.json` that ends within its first record.

    It is most likely an incomplete copy of a problem set; without it, training would use other
    data.
    """
    if (
        path.suffix.lower() != ".json"
        or path.stem.lower() not in _SPLITS
        or path.stat().st_size > FIRST_BYTES
    ):
        return False
    text = path.read_bytes().decode("utf-8-sig", errors="replace").strip()
    try:
        json.JSONDecoder().raw_decode(text.removeprefix("[").lstrip())
    except (json.JSONDecodeError, RecursionError):
        return not text or text.startswith(("{", "["))
    return False


def split_of(path: Path) -> str | None:
    """Return `train`, `dev` (also for validation), `test` or None, by file or else folder name."""
    for name in (path.stem, path.parent.name):
        splits = [_SPLITS[word] for word in re.split(r"[^a-z]+", name.lower()) if word in _SPLITS]
        if splits:
            return splits[-1]
    return None


def load_problems(set_name: str, path: Path, split: str) -> list[Problem]:
    """Read a file of the set `set_name` as its split `split`.

    Raises `ConfigError` for a set that is not known and `DataError` for one that is recognised
    only, or a malformed file.
    """
    known = PROBLEM_SETS.get(set_name)
    readable = "It reads: " + ", ".join(name for name, each in PROBLEM_SETS.items() if each.load)
    if known is None:
        raise ConfigError(
            f"{set_name!r} is not a problem set.{did_you_mean(set_name, PROBLEM_SETS)} {readable}"
        )
    if known.load is None:
        raise DataError(
            f"{path} is of the set {set_name}, which this version of Corpus recognises but cannot "
            f"use. {readable}"
        )
    return known.load(Path(path), split)


def _first_record(path: Path) -> dict[str, Any] | None:
    try:
        start = first_bytes(path, FIRST_BYTES)
        if start.startswith(b"PAR1"):
            return _parquet_columns(path)
        if is_xml(path):
            return dict.fromkeys(ASDIV)
        start = b"".join(to_utf8([start]))
    except (*DAMAGE, DataError, OSError, UnicodeDecodeError):
        return None
    text = start.decode(errors="replace").lstrip("\ufeff").lstrip()
    if is_csv(path):
        return _first_csv_row(text)
    if not text.startswith(("{", "[")):
        return None
    decoder = json.JSONDecoder(parse_int=integer_or_digits)
    try:
        record, _ = decoder.raw_decode(text.removeprefix("[").lstrip())
    except (json.JSONDecodeError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _first_csv_row(text: str) -> dict[str, Any] | None:
    try:
        return next(csv.DictReader(io.StringIO(text, newline="")), None)
    except csv.Error:
        return None


def _parquet_columns(path: Path) -> dict[str, Any] | None:
    """Return the first row; a value that Python cannot hold is None."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            first = next(file.iter_batches(batch_size=1), None)
    except (pyarrow.ArrowException, OSError):
        return None
    if first is None or not first.num_rows:
        return None
    row: dict[str, Any] = {}
    for name, values in zip(first.schema.names, first.columns, strict=True):
        row[name] = None
        with contextlib.suppress(ValueError, OverflowError, TypeError):
            row[name] = values[0].as_py()
    return row
