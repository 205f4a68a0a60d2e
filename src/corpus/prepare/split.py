"""The validation split: documents chosen by their hash, so that the choice depends on nothing but the text itself."""

from dataclasses import dataclass

from corpus.prepare.pool import Texts, by_mark

LARGEST_SHARE = 0.2
"""A document is held out whole unless that would take more than this share of its source; then only its end is."""


@dataclass(frozen=True)
class Piece:
    """A document, or a part of one: bytes `start` to `end` of document `index`."""

    index: int
    start: int
    end: int

    @property
    def num_bytes(self) -> int:
        return self.end - self.start

    def text(self, texts: Texts) -> str:
        """Return the text of this piece."""
        return texts.data(self.index)[self.start : self.end].decode()


def whole(texts: Texts) -> list[Piece]:
    """Return every document as a piece."""
    return [Piece(index, 0, int(size)) for index, size in enumerate(texts.sizes)]


def split_off(texts: Texts, num_bytes: int) -> tuple[list[Piece], list[Piece]]:
    """Hold out at least `num_bytes` of the documents with the smallest fingerprints; return what is left and what is held out.

    Documents stay whole, except where the last one needed would take more than `LARGEST_SHARE` of the source: a source that is a
    handful of books gives the end of a book, from a paragraph's or line's begin. Equal documents always land on the same side; what is
    equal to a cut one but for case and white space has no place to cut at, and is held out whole.
    """
    sizes, marks, taken = texts.sizes, texts.marks, 0
    held_out: dict[int, int] = {}  # document → where its held-out part begins
    last = -1
    for index in by_mark(texts):
        size, start = int(sizes[index]), 0
        if last >= 0 and marks[index] == marks[last]:
            start = (
                held_out[last] if held_out[last] and texts.data(index) == texts.data(last) else 0
            )
        elif taken >= num_bytes:
            break
        elif taken + size > max(num_bytes, LARGEST_SHARE * texts.num_bytes):
            start = _paragraph_before(texts.data(index), size - (num_bytes - taken))
        held_out[index], last = start, index
        taken += size - start
    left = [Piece(index, 0, held_out.get(index, int(size))) for index, size in enumerate(sizes)]
    ends = [Piece(index, held_out[index], int(sizes[index])) for index in sorted(held_out)]
    return [piece for piece in left if piece.num_bytes], [
        piece for piece in ends if piece.num_bytes
    ]


def _paragraph_before(data: bytes, place: int) -> int:
    """Return the last begin of a paragraph at or before `place`, else of a line, else of a word, else of a character."""
    place = max(0, place)
    for mark in (b"\n\n", b"\n", b" "):
        found = data.rfind(mark, 0, place)
        if found > place // 2:
            return found + len(mark)
    while place > 0 and data[place] & 0xC0 == 0x80:
        place -= 1
    return place
