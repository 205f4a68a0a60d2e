"""A document on its way in, and what every place that documents come from can do."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Split = Literal["train", "validation"]

Advance = Callable[[int], None]
"""Told how much of a source's size has been read since the last call."""


@dataclass(frozen=True, slots=True)
class Document:
    """One text and the source it belongs to."""

    source: str
    text: str


class TextInput(Protocol):
    """A place that documents come from. Reading twice gives the same documents in the same order."""

    def describe(self) -> list[str]:
        """Return what was found here, for people, before any of it is read."""
        ...

    def inputs(self) -> dict[str, str]:
        """Return a mark for each thing read, which changes when the thing does."""
        ...

    def size(self, split: Split) -> int:
        """Return how much there is to read, in the unit that `advance` is told."""
        ...

    def documents(self, split: Split, advance: Advance) -> Iterator[Document]:
        """Yield the documents of a split. Raises `DataError` naming file, line, value and the fix."""
        ...

    def notes(self) -> list[str]:
        """Return what a person should know after reading, such as parts that were missing."""
        ...


def fingerprint(text: str) -> int:
    """Return 64 bits of hash that are equal for texts equal but for case and white space."""
    folded = " ".join(text.lower().split()).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(folded, digest_size=8).digest(), "big")


def mark_of(path: Path) -> str:
    """Return size and time of change of a file: the mark that decides whether it has to be read again."""
    status = path.stat()
    return f"{status.st_size} bytes, changed {status.st_mtime_ns}"


def format_size(num_bytes: float) -> str:
    """Write bytes for people: `17.2 MB`."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if num_bytes >= limit:
            return f"{num_bytes / limit:.1f} {unit}"
    return f"{num_bytes:.0f} bytes"
