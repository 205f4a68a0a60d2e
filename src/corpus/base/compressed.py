"""Read files that may be compressed: gzip and zstd, recognised by name or by content."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

from corpus.base.errors import DataError

DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)
"""What is raised for a truncated or damaged file."""

LARGEST_WINDOW = 1 << 31
"""The largest window that zstd has, `--long=31`. Memory is used as the text fills it."""

_CHUNK = 1 << 20


def compression_of(path: Path) -> str:
    """Return `gz`, `zst` or "": by the ending of a name, else by the first bytes."""
    for ending in ("gz", "zst"):
        if path.name.lower().endswith(f".{ending}"):
            return ending
    with open(path, "rb") as file:
        start = file.read(4)
    if start.startswith(b"\x1f\x8b"):
        return "gz"
    return "zst" if start == b"\x28\xb5\x2f\xfd" else ""


def decompressed(
    path: Path, advance: Callable[[int], None] = lambda amount: None
) -> Iterator[bytes]:
    """Yield the content of a file in chunks.

    Args:
        path: the file.
        advance: called with the bytes of the file read since the last call.

    Raises:
        DataError: a zstd window is larger than `LARGEST_WINDOW`.
        OSError or one of `DAMAGE`: the file cannot be read.
    """
    compression = compression_of(path)
    with open(path, "rb") as file:
        if compression == "zst":
            yield from _zstandard(path, file, advance)
            return
        reader = gzip.GzipFile(fileobj=file) if compression == "gz" else file
        before = 0
        while chunk := reader.read(_CHUNK):
            advance(file.tell() - before)
            before = file.tell()
            yield chunk


def first_bytes(path: Path, size: int) -> bytes:
    """Return the first `size` bytes of the content, or all of a shorter one. Raises as
    `decompressed` does."""
    start = b""
    for chunk in decompressed(path):
        start += chunk
        if len(start) >= size:
            break
    return start[:size]


def _zstandard(path: Path, file: BinaryIO, advance: Callable[[int], None]) -> Iterator[bytes]:
    """Decompress frame by frame: the library's reader takes a truncated file for a short one."""
    frame = None
    while data := file.read(_CHUNK // 8):
        advance(len(data))
        while data:
            if frame is None:
                decompressor = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW)
                frame = decompressor.decompressobj()
            try:
                yield frame.decompress(data)
            except zstandard.ZstdError as error:
                if "too much memory" not in str(error):
                    raise
                raise DataError(
                    f"{path} is compressed with a window over {LARGEST_WINDOW >> 20:,} MiB, which "
                    "is more than zstd allows. Compress it again with a smaller window (zstd "
                    "--long=27), or remove it."
                ) from None
            data = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame is not None:
        raise EOFError("the last zstd frame has no end")
