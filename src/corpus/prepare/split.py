"""The validation split: which documents are held out, and how many.

Documents are chosen by their fingerprint, so the choice depends on the text alone. Their number is
decided once the tokenizer is known. No source trains on text that another source holds out.

Tokens of one document are alike, so a loss is only as certain as the number of documents lets it
be. Therefore long documents give a part each, and the rest of them stays in training.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from corpus.config.prepare import SMALLEST_PART, VALIDATION_DOCUMENTS, PrepareConfig
from corpus.prepare.collect import Dropped
from corpus.prepare.pool import Piece, Pool, Texts, TextSelection, by_mark, whole
from corpus.prepare.tokenize import has_tokens, num_tokens
from corpus.text.tokenizer import Tokenizer

COMPLETING_SHARE = 0.1
"""Most of a source's training text that completes a given validation split of few documents."""

BYTES_PER_TOKEN_GUESS = 3
"""A first guess of the bytes to hold out; more are held out if they give too few tokens."""


@dataclass(frozen=True)
class Division:
    """One source, divided into training and held-out text."""

    train: TextSelection
    given: TextSelection
    """The validation split of the data, if it has one."""
    split_off: TextSelection
    """Training documents that are held out too, because `given` has too few tokens."""

    @property
    def held_out(self) -> list[TextSelection]:
        """All held-out text."""
        return [self.given, self.split_off]


def first_division(pool: Pool, source: str, config: PrepareConfig) -> Division:
    """Divide a source before there is a tokenizer."""
    return _divide(pool, source, config.validation_tokens * BYTES_PER_TOKEN_GUESS, config)


def hold_out_enough(
    guesses: Mapping[str, Division], pool: Pool, tokenizer: Tokenizer, config: PrepareConfig
) -> tuple[dict[str, Division], dict[str, str]]:
    """Hold out `validation_tokens` of each source, and keep at least as many for training.

    Returns the divisions, and source → why it is left out for the others.
    """
    wanted = config.validation_tokens
    divisions, left_out = {}, {}
    for source, guess in guesses.items():
        division, tokens = _hold_out(guess, pool, source, tokenizer, config)
        if tokens < wanted or not has_tokens(division.train, tokenizer, wanted):
            total = tokens + num_tokens(division.train, tokenizer)
            left_out[source] = (
                f"has {total:,} tokens, {tokens:,} of them held out: too few to hold out "
                f"prepare.validation_tokens ({wanted:,}) and train on at least as many. Give it "
                "more text, or lower prepare.validation_tokens."
            )
        else:
            divisions[source] = division
    return divisions, left_out


def drop_held_out_elsewhere(
    divisions: Mapping[str, Division], dropped: Dropped
) -> dict[str, Division]:
    """Remove from each source's training text what another source holds out: documents can be in
    several sources."""
    marks = {
        source: {mark for part in division.held_out for mark in _marks(part)}
        for source, division in divisions.items()
    }
    holders = Counter(mark for held_out in marks.values() for mark in held_out)
    result = {}
    for source, division in divisions.items():
        train, own = division.train, marks[source]
        kept = [
            piece
            for piece, mark in zip(train.pieces, _marks(train), strict=True)
            if holders[mark] <= (mark in own)
        ]
        for _ in range(len(train.pieces) - len(kept)):
            dropped.add("held out", source)
        result[source] = replace(division, train=replace(train, pieces=kept))
    return result


def split_off(
    texts: Texts, num_bytes: int, *, part: int = 0, fewest: int = 0, most: float = math.inf
) -> tuple[list[Piece], list[Piece]]:
    """Hold out at least `num_bytes`, of the documents with the smallest fingerprints.

    Returns what is left and what is held out. Of a document longer than its part only the end is
    held out, from the start of a paragraph or line. Equal documents are always on the same side. A
    document that equals a cut one only except for case and white space is held out whole.

    Args:
        texts: the documents of one source.
        num_bytes: what is wanted; less only if there is less.
        part: most bytes of a document, paragraphs completed; 0 chooses it by `num_bytes`.
        fewest: documents to hold out at least, where there are so many; 0 likewise.
        most: bytes at which no document beyond `num_bytes` is added.
    """
    sizes, marks, taken = texts.sizes, texts.marks, 0
    part = part or _part(sizes, num_bytes)
    fewest = fewest or min(VALIDATION_DOCUMENTS, num_bytes // SMALLEST_PART)
    held_out: dict[int, int] = {}  # document → where its held-out part starts
    last = -1
    for index in by_mark(texts):
        size, start = int(sizes[index]), 0
        if last >= 0 and marks[index] == marks[last]:
            if held_out[last] and texts.data(index) == texts.data(last):
                start = held_out[last]
        elif taken >= num_bytes and (len(held_out) >= fewest or taken >= most):
            break
        elif size > part:
            start = _paragraph_before(texts.data(index), size - part, part)
        held_out[index], last = start, index
        taken += size - start
    left = [Piece(index, 0, held_out.get(index, int(size))) for index, size in enumerate(sizes)]
    ends = [Piece(index, held_out[index], int(sizes[index])) for index in sorted(held_out)]
    left, ends = ([piece for piece in part if piece.num_bytes] for part in (left, ends))
    return left, ends


def _part(sizes: np.ndarray, num_bytes: int) -> int:
    """Return the most bytes to hold out of a document, so that all together can give `num_bytes`.

    It is `num_bytes` / `VALIDATION_DOCUMENTS`, or the smallest one that is enough.
    """
    part = max(SMALLEST_PART, -(-num_bytes // VALIDATION_DOCUMENTS))
    if np.minimum(sizes, part).sum() >= num_bytes:
        return part
    left, ordered = num_bytes, np.sort(sizes)
    for position, size in enumerate(ordered):
        share = -(-left // (len(ordered) - position))
        if size >= share:
            return max(part, share)
        left -= int(size)
    return max(part, int(ordered[-1])) if len(ordered) else part


def _divide(pool: Pool, source: str, num_bytes: int, config: PrepareConfig) -> Division:
    """Divide a source, with about `num_bytes` held out and never more than half of it.

    A given split of few documents is completed with parts of training documents.
    """
    train, validation = pool.texts("train", source), pool.texts("validation", source)
    most = config.max_validation_tokens * BYTES_PER_TOKEN_GUESS
    given_bytes = min(validation.num_bytes, most)
    sizes = np.concatenate([validation.sizes, train.sizes])
    part = max(_part(sizes, num_bytes), -(-given_bytes // VALIDATION_DOCUMENTS))
    given = split_off(validation, given_bytes, part=part)[1]
    taken = sum(piece.num_bytes for piece in given)
    wanted = max(0, min(num_bytes - taken, train.num_bytes // 2))
    room = max(0, min(int(COMPLETING_SHARE * train.num_bytes), most - taken))
    missing = VALIDATION_DOCUMENTS - len(validation) if len(validation) else 0
    missing = max(0, min(missing, room // SMALLEST_PART))
    left, held_out = whole(train), []
    if wanted or missing:
        left, held_out = split_off(train, wanted, part=part, fewest=missing, most=room)
    return Division(
        train=TextSelection(train, left),
        given=TextSelection(validation, given, config.max_validation_tokens),
        split_off=TextSelection(train, held_out),
    )


def _hold_out(
    division: Division, pool: Pool, source: str, tokenizer: Tokenizer, config: PrepareConfig
) -> tuple[Division, int]:
    """Hold out more until there are enough tokens or half is held out; return them with it."""
    half = pool.texts("train", source).num_bytes // 2
    while True:
        tokens = sum(num_tokens(part, tokenizer) for part in division.held_out)
        if tokens >= config.validation_tokens or division.split_off.num_bytes >= half:
            return division, tokens
        num_bytes = sum(part.num_bytes for part in division.held_out)
        more = int(num_bytes * 1.1 * config.validation_tokens / max(tokens, 1)) + 1000
        division = _divide(pool, source, more, config)


def _marks(selection: TextSelection) -> Iterator[int]:
    marks = selection.texts.marks
    return (int(marks[piece.index]) for piece in selection.pieces)


def _paragraph_before(data: bytes, place: int, most: int) -> int:
    """Return the last start of a paragraph within `most` bytes before `place`, else of a line, a
    word or a character."""
    place = max(0, place)
    for mark in (b"\n\n", b"\n", b" "):
        found = data.rfind(mark, 0, place)
        if found > max(place // 2, place - most):
            return found + len(mark)
    while place > 0 and data[place] & 0xC0 == 0x80:
        place -= 1
    return place
