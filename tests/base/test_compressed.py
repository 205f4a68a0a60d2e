"""Compressed files are known by name or content, and read whatever their window is."""

import gzip
from pathlib import Path

import pytest
import zstandard

from corpus.base.compressed import DAMAGE, compression_of, decompressed, first_bytes
from corpus.base.errors import DataError

DATA = b"words of a text\n" * 5000


def pack(kind: str) -> bytes:
    return {"": DATA, "gz": gzip.compress(DATA), "zst": zstandard.compress(DATA)}[kind]


@pytest.mark.parametrize("kind", ["", "gz", "zst"])
@pytest.mark.parametrize("name", ["a", "a.json"])
def test_content_decides_where_the_name_says_nothing(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(pack(kind))
    told: list[int] = []
    assert b"".join(decompressed(path, told.append)) == DATA
    assert sum(told) == path.stat().st_size
    assert first_bytes(path, 20) == DATA[:20]
    assert compression_of(path) == kind


def test_a_name_that_promises_another_format_is_damage(tmp_path: Path) -> None:
    for name in ("a.gz", "a.zst"):
        (tmp_path / name).write_bytes(DATA)
        with pytest.raises(DAMAGE):
            first_bytes(tmp_path / name, 20)


def with_window(log: int) -> bytes:
    """Return a frame whose header asks for a window of 2^log bytes."""
    compressor = zstandard.ZstdCompressor().compressobj()
    frame = bytearray(compressor.compress(DATA) + compressor.flush())
    assert not frame[4] & 0x20, "the header has a window"
    frame[5] = (log - 10) << 3
    return bytes(frame)


def test_a_long_window_is_read_and_an_impossible_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.zst").write_bytes(with_window(28))
    assert b"".join(decompressed(tmp_path / "a.zst")) == DATA
    (tmp_path / "a.zst").write_bytes(with_window(31))
    assert b"".join(decompressed(tmp_path / "a.zst")) == DATA
    (tmp_path / "a.zst").write_bytes(with_window(40))
    with pytest.raises(DataError, match=r"a\.zst is compressed with a window over 2,048 MiB"):
        list(decompressed(tmp_path / "a.zst"))
