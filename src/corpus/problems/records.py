"""Files of a problem set as records: a JSON list, JSON lines, CSV (these may be compressed) or
Parquet. They are told apart by content, CSV by its name."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from corpus.base.compressed import DAMAGE, decompressed
from corpus.base.encodings import to_utf8
from corpus.base.errors import DataError
from corpus.base.json_values import parse_json
from corpus.base.plain import short
from corpus.base.unicode import whole_texts

MEND = "Mend the record, or leave it out."

_PARQUET_MAGIC = b"PAR1"


def read_rows(
    path: Path, columns: Sequence[str], *, set_title: str, optional: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return the records of a file.

    From Parquet, only `columns`, which must exist, and the existing ones of `optional` are read.
    Raises `DataError` if the file cannot be read or has no record, or a record is no object.
    """
    if _starts_with(path, _PARQUET_MAGIC, set_title):
        rows = list(_parquet_rows(path, columns, optional, set_title))
    else:
        rows = list((_csv_rows if is_csv(path) else _json_rows)(path, set_title))
    if not rows:
        raise DataError(
            f"{path} holds no problem; expected a list of {set_title} records. "
            "Give a complete file."
        )
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise DataError(
                f"{path}, row {index} is {short(row)}; expected an object with "
                f"{', '.join(columns)}. {MEND}"
            )
    return rows


MAX_CHARACTERS = 100_000
"""Of a text in a record. What is longer is no problem, and takes long to read."""


def text_field(row: dict[str, Any], name: str, where: str) -> str:
    """Return a field that must be a text and not be empty.

    Raises `DataError` naming `where` and the value.
    """
    value = row.get(name)
    if isinstance(value, str) and len(value) > MAX_CHARACTERS:
        raise DataError(
            f"{where}: {name} has {len(value):,} characters; at most {MAX_CHARACTERS:,} are read. "
            f"{MEND}"
        )
    if not isinstance(value, str) or not value.strip():
        found = f"is {short(value)}" if name in row else "is missing"
        raise DataError(f"{where}: {name} {found}; expected a text. {MEND}")
    return value


def _starts_with(path: Path, magic: bytes, set_title: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(magic)) == magic
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror}. Give a {set_title} file such as train.json."
        ) from None


def _json_rows(path: Path, set_title: str) -> Iterator[Any]:
    """Yield the records of a JSON list, or of JSON lines where the file begins with a record."""
    try:
        data = _content(path)
        if data.lstrip().startswith(b"{"):
            rows: Any = list(_json_lines(data, path))
        else:
            rows = parse_json(data)
        if b"\\ud" in data.lower():  # an escape that may be half a surrogate pair
            rows = whole_texts(rows)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}). Get it again."
        ) from None
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path} line {error.lineno} is not JSON ({error.msg}); the file may be cut off. "
            "Get it again."
        ) from None
    except RecursionError:
        raise DataError(
            f"{path} is nested too deeply to be a list of {set_title} records. Get it again."
        ) from None
    if not isinstance(rows, list):
        raise DataError(
            f"{path} holds {short(rows)}; expected a JSON list of {set_title} records. "
            "Give a file such as train.json."
        )
    yield from rows


def is_csv(path: Path) -> bool:
    """True for the name of a CSV file, which may be compressed."""
    return re.search(r"\.csv(\.gz|\.zst)?$", path.name.lower()) is not None


def _csv_rows(path: Path, set_title: str) -> Iterator[Any]:
    """Yield the rows of a CSV file by the names in its first row; a missing field is None."""
    try:
        text = _content(path).decode("utf-8-sig")
        yield from csv.DictReader(io.StringIO(text, newline=""), strict=True)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path} is not a readable CSV file of {set_title} ({error}). Get it again."
        ) from None


def _content(path: Path) -> bytes:
    """Return what a file holds, decompressed, as UTF-8."""
    try:
        return b"".join(to_utf8(decompressed(path)))
    except DAMAGE as error:
        raise DataError(f"{path} is truncated or damaged ({error}). Get it again.") from None


def _json_lines(data: bytes, path: Path) -> Iterator[Any]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                yield parse_json(line)
            except json.JSONDecodeError as error:
                raise DataError(
                    f"{path} line {number} is not JSON ({error.msg}); the file may be cut off. "
                    "Get it again."
                ) from None


def _parquet_rows(
    path: Path, columns: Sequence[str], optional: Sequence[str], set_title: str
) -> Iterator[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            missing = [name for name in columns if name not in file.schema_arrow.names]
            if missing:
                found = ", ".join(file.schema_arrow.names)
                raise DataError(
                    f"{path} has no column {', '.join(missing)}; found {found}. "
                    f"Give a {set_title} file."
                )
            read = [*columns, *(name for name in optional if name in file.schema_arrow.names)]
            for batch in file.iter_batches(columns=read):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise DataError(f"{path} is not a readable Parquet file ({error}). Get it again.") from None
