"""Read files of JSON records: JSON lines, plain or compressed (gzip, zstd), and Parquet.

Every fault (truncated, empty, not JSON, not text) is a `DataError` with file, line and fix.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpus.base.compressed import DAMAGE, decompressed, first_bytes
from corpus.base.encodings import to_utf8
from corpus.base.errors import DataError
from corpus.base.files import storage_error
from corpus.base.json_values import parse_json
from corpus.prepare.document import Advance

_LINES = (".jsonl", ".ndjson")
ENDINGS = (*(line + packed for line in _LINES for packed in ("", ".zst", ".gz")), ".parquet")
"""Endings of files of records. Files with other endings are recognised by their content."""

_START = 1 << 20
"""Bytes of such a file that are read to recognise it."""

_PARQUET = b"PAR1"
_ROWS = 256

Record = tuple[int, Any]
"""Line or row in the file, from 1, and its value."""


class EmptyFileError(DataError):
    """A file has no record."""


def is_record_file(path: Path) -> bool:
    """True for a name with an ending of records."""
    return path.name.lower().endswith(ENDINGS)


def holds_records(path: Path) -> bool:
    """True for a file of any name with JSON lines or Parquet rows that have a `text`."""
    try:
        if is_parquet(path):
            return "text" in parquet_columns(path)
        start = b"".join(to_utf8([first_bytes(path, _START)]))
    except (*DAMAGE, DataError, OSError, ValueError):
        return False
    line, newline, _ = start.lstrip().partition(b"\n")
    if not line.startswith(b"{"):
        return False
    if not newline and len(start) >= _START:
        return b'"text"' in line  # the first record is longer than the bytes that were read
    try:
        record = parse_json(line)
    except (ValueError, RecursionError):
        return False
    return "text" in record


def read_records(
    path: Path, advance: Advance = lambda amount: None, *, fields: Sequence[str] | None = None
) -> Iterator[Record]:
    """Yield every record with its line or row, in order.

    Args:
        path: the file.
        advance: called with the bytes of the file read since the last call.
        fields: the fields that are needed, `a.b` for one within another. The others may be left
            out, or damaged. None reads all.

    Raises:
        EmptyFileError: the file has no record.
        DataError: the file is missing or truncated, or a line is not UTF-8 or not JSON.
    """
    number = 0
    with _readable(path):
        read = _rows if is_parquet(path) else _lines
        for number, value in read(path, advance, fields):
            yield number, value
    if number == 0:
        raise EmptyFileError(
            f"{path} holds no records. Fetch it again, or remove it from the folder."
        )


def parquet_columns(path: Path) -> list[str]:
    """Return the names of the columns. Raises `DataError` if the file is damaged."""
    import pyarrow.parquet  # heavy, and most folders have no Parquet

    with _readable(path):
        return list(pyarrow.parquet.read_schema(path).names)


def is_parquet(path: Path) -> bool:
    """True for the name or the first bytes of a Parquet file."""
    if path.name.lower().endswith(".parquet"):
        return True
    with open(path, "rb") as file:
        return file.read(len(_PARQUET)) == _PARQUET


def _lines(path: Path, advance: Advance, fields: Sequence[str] | None) -> Iterator[Record]:
    lines = split_lines(to_utf8(decompressed(path, advance)))
    for number, line in enumerate(lines, 1):
        if line and not line.isspace():
            yield number, _parse(line, path, number, is_exact=fields is None)


def split_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield every line without its end; the time is linear in the size of a line."""
    parts: list[bytes] = []
    for chunk in chunks:
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = b"".join((*parts, lines[0]))
            parts = []
            yield from lines
        parts.append(rest)
    yield b"".join(parts)


def _parse(line: bytes, path: Path, number: int, *, is_exact: bool) -> Any:
    if b"\0" in line[:4]:
        raise DataError(
            f"{path} line {number} is not UTF-8: it begins with {line[:4]!r}, as UTF-16 does. "
            "Convert the file with `iconv -f utf-16le -t utf-8`, or remove it."
        )
    try:
        return json.loads(line) if is_exact else parse_json(line)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} line {number} is not UTF-8 (byte {error.start} is {line[error.start]:#04x}). "
            "Save the file as UTF-8, or remove it."
        ) from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(
            f"{path} line {number} is not JSON ({error}): {_shown(line)}. "
            "Every line must be one complete JSON object; correct or remove the line."
        ) from None
    except ValueError as error:
        first = str(error).partition(";")[0]
        raise DataError(
            f"{path} line {number} cannot be read ({first}): {_shown(line)}. Shorten the number, "
            "write it as a string, or remove the line."
        ) from None


def _shown(line: bytes) -> str:
    start, end = line[:400].decode("utf-8", "replace"), line[-400:].decode("utf-8", "replace")
    text = start.strip()
    return repr(text if len(line) <= 80 else f"{text[:50]} … {end.strip()[-25:]}")


def _rows(path: Path, advance: Advance, fields: Sequence[str] | None) -> Iterator[Record]:
    import pyarrow.parquet  # heavy, and most folders have no Parquet

    number, size = 0, path.stat().st_size
    with pyarrow.parquet.ParquetFile(path) as file:
        columns = _columns(file.schema_arrow, fields)
        total, told = max(1, file.metadata.num_rows), 0
        for batch in file.iter_batches(batch_size=_ROWS, columns=columns):
            for row in _values(batch, path, number):
                number += 1
                yield number, row
            advance(size * number // total - told)
            told = size * number // total


def _columns(schema: Any, fields: Sequence[str] | None) -> list[str] | None:
    """Return the columns to read: those of `fields` that are there, and of a group of columns
    those within it."""
    import pyarrow

    if fields is None:
        return None
    columns = []
    for field in fields:
        column, _, inner = field.partition(".")
        if column not in schema.names:
            continue
        kind = schema.field(column).type
        if not inner or not pyarrow.types.is_struct(kind):
            columns.append(column)
        elif inner in [kind.field(index).name for index in range(kind.num_fields)]:
            columns.append(field)
    return list(dict.fromkeys(columns))


def _values(batch: Any, path: Path, before: int) -> list[dict[str, Any]]:
    """Return the rows of a batch. Raises `DataError` with the row and column of a bad value."""
    try:
        return batch.to_pylist()
    except (ValueError, OverflowError, TypeError):
        pass
    for column, values in zip(batch.schema.names, batch.columns, strict=True):
        for index, value in enumerate(values):
            try:
                value.as_py()
            except (ValueError, OverflowError, TypeError) as error:
                raise DataError(
                    f"{path} row {before + index + 1}, column {column!r} cannot be read "
                    f"({str(error).splitlines()[0]}). Correct or remove the row."
                ) from None
    raise DataError(f"{path} cannot be read from row {before + 1} on. Remove it from the folder.")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn the libraries' errors for a missing or damaged file into a `DataError`."""
    fix = "The download or copy is incomplete; fetch the file again, or remove it from the folder."
    try:
        if path.stat().st_size == 0:
            raise EmptyFileError(f"{path} is empty (0 bytes). {fix}")
        yield
    except FileNotFoundError:
        raise DataError(f"{path} does not exist. Check the path.") from None
    except DAMAGE as error:
        raise DataError(f"{path} is truncated or damaged ({error}). {fix}") from None
    except (PermissionError, IsADirectoryError) as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}. Check its permissions."
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} begins like {error.encoding} but is not valid ({error.reason}). Save the file "
            "as UTF-8, or remove it."
        ) from None
    except (ValueError, OSError) as error:  # pyarrow's errors are of both
        if storage_error(error) is not None or not is_parquet(path):
            raise
        first = str(error).splitlines()[0]
        raise DataError(f"{path} is not a complete Parquet file ({first}). {fix}") from None
