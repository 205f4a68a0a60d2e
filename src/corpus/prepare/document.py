"""A document of text, and the protocol of everything that documents come from."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from corpus.prepare.digests import Mark

TextSplit = Literal["train", "validation"]

Advance = Callable[[int], None]
"""Called with the amount read since the last call, in the unit of `TextInput.size`."""


PIECE = 1_000_000
"""Characters of a text whose words are in memory at a time."""

_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Document:
    """One text and its source."""

    source: str
    text: str

    @property
    def is_empty(self) -> bool:
        """True for a text of white space and NUL characters only."""
        start = self.text[:1000].replace("\0", " ").isspace()
        return not self.text or (start and not self.text.replace("\0", " ").strip())


class TextInput(Protocol):
    """Documents of one or more sources, the same in the same order every time they are read."""

    def describe(self) -> list[str]:
        """Return lines for the user that say what is here, before anything is read."""
        ...

    def inputs(self, mark: Mark) -> dict[str, str]:
        """Return name → mark of everything that is read; a mark changes when the content does.

        `mark` returns that of a file.
        """
        ...

    def size(self, split: TextSplit) -> int:
        """Return how much there is to read, in the unit of `advance`."""
        ...

    def documents(self, split: TextSplit, advance: Advance) -> Iterator[Document]:
        """Yield the documents of a split. Raises `DataError` with file, line, value and fix."""
        ...

    def notes(self) -> list[str]:
        """Return lines for the user after reading, such as parts that were missing."""
        ...


def fingerprint(text: str) -> int:
    """Return a 64-bit hash that is equal for texts equal except for case and white space."""
    digest, space = hashlib.blake2b(digest_size=8), b""
    for piece in _pieces(text):
        if folded := " ".join(piece.lower().split()).encode("utf-8", "surrogatepass"):
            digest.update(space + folded)
            space = b" "
    return int.from_bytes(digest.digest(), "big")


def _pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces that end before white space; words take much memory."""
    start = 0
    while len(text) - start > PIECE and (space := _SPACE.search(text, start + PIECE)):
        yield text[start : space.start()]
        start = space.start()
    yield text[start:]


def format_size(num_bytes: float) -> str:
    """Write bytes for people: `17.2 MB`."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if num_bytes >= limit:
            return f"{num_bytes / limit:.1f} {unit}"
    return f"{num_bytes:.0f} bytes"
