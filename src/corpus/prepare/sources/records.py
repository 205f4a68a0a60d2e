"""Read files of JSON records: `.jsonl`, `.jsonl.zst`, `.jsonl.gz` and Parquet.

Every fault (truncated, empty, not JSON, not UTF-8) is a `DataError` with file, line and fix.
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
"""Line or row in the file, from 1, and its value."""


def is_record_file(path: Path) -> bool:
    """True for the ending of a file of records."""
    return path.name.lower().endswith(ENDINGS)


def read_records(path: Path, advance: Advance = lambda amount: None) -> Iterator[Record]:
    """Yield every record with its line or row, in order.

    Args:
        path: the file.
        advance: called with the bytes of the file read since the last call.

    Raises:
        DataError: the file is missing, empty or truncated, or a line is not UTF-8 or not JSON.
    """
    number, read = 0, _rows if path.name.lower().endswith(".parquet") else _lines
    with _readable(path):
        for number, value in read(path, advance):
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
            "Every line must be one complete JSON object; correct or remove the line."
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
    """Decompress frame by frame: the library's reader takes a truncated file for a short one."""
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
    """Turn the libraries' errors for a missing or damaged file into a `DataError`."""
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
    except (ValueError, OSError) as error:  # pyarrow's errors are of both
        if not path.name.lower().endswith(".parquet"):
            raise
        first = str(error).splitlines()[0]
        raise DataError(f"{path} is not a complete Parquet file ({first}). {fix}") from None
