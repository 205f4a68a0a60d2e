"""Files of records, one JSON object each: `.jsonl`, `.jsonl.zst`, `.jsonl.gz` and Parquet.

Whatever is wrong with a file (truncated, empty, not JSON, not UTF-8) is a `DataError` naming the file, the line and the fix.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from corpus.base.errors import DataError
from corpus.prepare.document import Advance

ENDINGS = (".jsonl", ".jsonl.zst", ".jsonl.gz", ".parquet")

_CHUNK = 1 << 20
_ROWS = 256

Record = tuple[int, Any]
"""The place in the file (line or row, from 1) and the value there."""


def is_record_file(path: Path) -> bool:
    """True where the name ends as files of records do."""
    return path.name.lower().endswith(ENDINGS)


def read_records(path: Path, advance: Advance = lambda amount: None) -> Iterator[Record]:
    """Yield every record with its line (or row), in order; `advance` is told bytes of the file as they are read.

    Raises:
        DataError: the file is missing, empty, truncated, or a line is not UTF-8 or not JSON.
    """
    number = 0
    with _readable(path):
        for number, value in (
            _rows(path, advance)
            if path.name.lower().endswith(".parquet")
            else _lines(path, advance)
        ):
            yield number, value
    if number == 0:
        raise DataError(f"{path} holds no records. Fetch it again, or remove it from the folder.")


def _lines(path: Path, advance: Advance) -> Iterator[Record]:
    rest, number = b"", 0
    with open(path, "rb") as file:
        for chunk in _decompressed(path, file, advance):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                number += 1
                if line.strip():
                    yield number, _parse(line, path, number)
    if rest.strip():
        yield number + 1, _parse(rest, path, number + 1)


def _parse(line: bytes, path: Path, number: int) -> Any:
    try:
        return json.loads(line)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} line {number} is not UTF-8 (byte {error.start} is {line[error.start]:#04x}). "
            "Save the file as UTF-8, or remove it."
        ) from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(
            f"{path} line {number} is not JSON ({error}): {_shown(line)}. "
            "Every line must be one whole JSON object; mend or remove the line."
        ) from None


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return repr(text if len(text) <= 80 else f"{text[:50]} … {text[-25:]}")


def _decompressed(path: Path, file: BinaryIO, advance: Advance) -> Iterator[bytes]:
    name = path.name.lower()
    if name.endswith(".zst"):
        yield from _zstandard(path, file, advance)
        return
    reader = gzip.GzipFile(fileobj=file) if name.endswith(".gz") else file
    before = 0
    while chunk := reader.read(_CHUNK):
        advance(file.tell() - before)
        before = file.tell()
        yield chunk


def _zstandard(path: Path, file: BinaryIO, advance: Advance) -> Iterator[bytes]:
    """Decompress frame after frame by hand: the library's own reader takes a truncated file for a short one."""
    frame = None
    while data := file.read(_CHUNK // 8):
        advance(len(data))
        while data:
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            yield frame.decompress(data)
            data = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame is not None:
        raise EOFError("the last zstd frame has no end")


def _rows(path: Path, advance: Advance) -> Iterator[Record]:
    import pyarrow.parquet  # heavy, and most folders have no Parquet

    number, size = 0, path.stat().st_size
    with pyarrow.parquet.ParquetFile(path) as file:
        total, told = max(1, file.metadata.num_rows), 0
        for batch in file.iter_batches(batch_size=_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield number, row
            advance(size * number // total - told)
            told = size * number // total


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what the libraries raise for a missing or damaged file into a `DataError`."""
    fix = "The download or copy is incomplete; fetch the file again, or remove it from the folder."
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty (0 bytes). {fix}")
        yield
    except FileNotFoundError:
        raise DataError(f"{path} does not exist. Check the path.") from None
    except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise DataError(f"{path} is truncated or damaged ({error}). {fix}") from None
    except (PermissionError, IsADirectoryError) as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}. Check its permissions."
        ) from None
    except (
        ValueError,
        OSError,
    ) as error:  # pyarrow's ArrowInvalid is a ValueError, its ArrowIOError an OSError
        if not path.name.lower().endswith(".parquet"):
            raise
        raise DataError(
            f"{path} is not a whole Parquet file ({str(error).splitlines()[0]}). {fix}"
        ) from None
