"""The pool: every document on disk once, by source, so that later steps can choose from all text.

It is a temporary folder. Memory grows by 16 bytes a document, and by some 260 more while the
validation split is chosen.
"""

import mmap
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from corpus.base.unicode import whole_text
from corpus.prepare.document import TextSplit


class Texts:
    """The documents of one source and split: text in a file, offsets and fingerprints in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = open(path, "w+b")  # noqa: SIM115 - open as long as the pool
        self._map: mmap.mmap | None = None
        self._ends, self._marks = array("q", [0]), array("Q")

    def add(self, text: str, mark: int) -> int:
        """Append a document with its fingerprint; return its size in bytes of UTF-8."""
        assert self._file is not None, "the pool is closed"
        assert self._map is None, "texts are added before they are read"
        data = encode(text)
        self._file.write(data)
        self._ends.append(self._ends[-1] + len(data))
        self._marks.append(mark)
        return len(data)

    def __len__(self) -> int:
        return len(self._marks)

    @property
    def num_bytes(self) -> int:
        return self._ends[-1]

    @property
    def sizes(self) -> np.ndarray:
        """Bytes of each document: [len] int64."""
        return np.diff(np.frombuffer(self._ends, dtype=np.int64))

    @property
    def marks(self) -> np.ndarray:
        """Fingerprint of each document: [len] uint64."""
        return np.frombuffer(self._marks, dtype=np.uint64)

    def data(self, index: int) -> bytes:
        """Return one document as UTF-8."""
        if self.num_bytes == 0:
            return b""
        if self._map is None:
            assert self._file is not None
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map[self._ends[index] : self._ends[index + 1]]

    def close(self) -> None:
        """Close and delete the file."""
        if self._map is not None:
            self._map.close()
        if self._file is not None:
            self._file.close()
            self._file = None
            self._path.unlink(missing_ok=True)


class Pool:
    """The documents of all sources, by split; the folder is deleted when the `with` block ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts: dict[tuple[TextSplit, str], Texts] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *error: object) -> None:
        for texts in self._texts.values():
            texts.close()
        self._folder.rmdir()

    @property
    def sources(self) -> list[str]:
        """Sources with at least one document, in alphabetical order."""
        return sorted({source for _, source in self._texts})

    def texts(self, split: TextSplit, source: str) -> Texts:
        """Return the documents of a source and split, perhaps none."""
        if (split, source) not in self._texts:
            self._texts[split, source] = Texts(self._folder / f"{source}.{split}.text")
        return self._texts[split, source]

    def marks(self, split: TextSplit) -> set[int]:
        """Return the fingerprints of a split, of all sources."""
        return {
            int(mark)
            for (of, _), texts in self._texts.items()
            if of == split
            for mark in texts.marks
        }


@dataclass(frozen=True)
class Piece:
    """A document or a part of one: bytes `start` to `end` of document `index`."""

    index: int
    start: int
    end: int

    @property
    def num_bytes(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class TextSelection:
    """Pieces of the texts of one source, in order."""

    texts: Texts
    pieces: Sequence[Piece]
    limit: int | None = None
    """Most tokens to write, `<|eos|>` included; None for all."""

    @property
    def num_bytes(self) -> int:
        return sum(piece.num_bytes for piece in self.pieces)

    def text(self, piece: Piece) -> str:
        """Return the text of one of the pieces."""
        return self.texts.data(piece.index)[piece.start : piece.end].decode()


def whole(texts: Texts) -> list[Piece]:
    """Return every document as a piece."""
    return [Piece(index, 0, int(size)) for index, size in enumerate(texts.sizes)]


def by_mark(texts: Texts) -> Sequence[int]:
    """Return document indices ordered by fingerprint: random, but the same for the same texts."""
    return [int(index) for index in np.lexsort((np.arange(len(texts)), texts.marks))]


def encode(text: str) -> bytes:
    """Return `text` as UTF-8, without halves of surrogate pairs."""
    return whole_text(text).encode()
