"""The pool: every document on disk once, as text by source, so that validation, sample and tokens can be chosen from the whole.

It lives beside the artifact in the making and goes when that is done. Its memory grows by sixteen bytes a document; dividing it into train and validation takes some 260 more.
"""

import mmap
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from corpus.base.unicode import whole_text
from corpus.prepare.document import Split


class Texts:
    """The documents of one source and split: text in a file, places and fingerprints in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = open(path, "w+b")  # noqa: SIM115 - open as long as the pool is
        self._map: mmap.mmap | None = None
        self._ends, self._marks = array("q", [0]), array("Q")

    def add(self, text: str, mark: int) -> int:
        """Append a document with its fingerprint; return its bytes of UTF-8."""
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
        if self._map is None:
            assert self._file is not None
            self._file.flush()
            self._map = (
                mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
                if self.num_bytes
                else None
            )
        return (
            self._map[self._ends[index] : self._ends[index + 1]] if self._map is not None else b""
        )

    def close(self) -> None:
        """Close and delete the file."""
        if self._map is not None:
            self._map.close()
        if self._file is not None:
            self._file.close()
            self._file = None
            self._path.unlink(missing_ok=True)


class Pool:
    """The documents of all sources, by split; the folder goes when the `with` block ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts: dict[tuple[Split, str], Texts] = {}
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

    def texts(self, split: Split, source: str) -> Texts:
        """Return the documents of a source and split, perhaps none."""
        if (split, source) not in self._texts:
            self._texts[split, source] = Texts(self._folder / f"{source}.{split}.text")
        return self._texts[split, source]

    def marks(self, split: Split) -> set[int]:
        """Return the fingerprints of a split, of all sources."""
        return {
            int(mark)
            for (of, _), texts in self._texts.items()
            if of == split
            for mark in texts.marks
        }


def encode(text: str) -> bytes:
    """Return `text` as UTF-8, without halves of surrogate pairs."""
    return whole_text(text).encode()


def by_mark(texts: Texts) -> Sequence[int]:
    """Return document indices in the order of their fingerprints: random, the same every time, whatever order they came in."""
    return [int(index) for index in np.lexsort((np.arange(len(texts)), texts.marks))]
