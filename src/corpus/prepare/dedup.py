"""Deduplication: exact duplicates (except for case and white space) and near-duplicates.

Near-duplicates share most of their word 5-grams. They are found with a bottom-k sketch (MinHash
with one hash function): the k smallest hashes of a document's 5-grams are a random sample of them.
The share of equal hashes among the k smallest of two documents estimates their Jaccard similarity.

References: Broder 1997, On the resemblance and containment of documents; Lee et al. 2022,
arXiv:2107.06499.
"""

from collections import Counter
from typing import Literal

import numpy as np

from corpus.prepare.document import fingerprint
from corpus.prepare.pool import encode
from corpus.text.ngrams import RollingHash, mix

SHINGLE = 5
"""Words in a shingle."""

SKETCH = 64
"""Hashes kept of a document: the estimate is right to about 0.05 near the threshold."""

LOOKED_UP = 12
"""How many of those, the smallest ones, are used to look up similar documents."""

SHARED = 3
"""The fewest looked-up hashes that a candidate shares. Two documents at the threshold share nine of
twelve on average and hardly ever fewer than three; a licence at the head of both is rarely enough.
"""

COMMON = 1000
"""A hash in this many documents is no longer looked up: it is common text, such as a licence at the
head of every file.
"""

THRESHOLD = 0.7
"""Estimated share of equal 5-grams from which two documents are duplicates."""

_LETTERS = np.zeros(256, dtype=bool)
_LETTERS[[*range(48, 58), *range(97, 123), *range(128, 256)]] = True
_LETTERS.setflags(write=False)
_VALUES = np.where(_LETTERS, np.arange(1, 257), 0).astype(np.uint64)
_VALUES.setflags(write=False)


class Duplicates:
    """Remembers the documents it has seen and tells whether the next one is new.

    Args:
        mode: `exact` compares fingerprints; `near` compares sketches as well.
    """

    def __init__(self, mode: Literal["exact", "near"]) -> None:
        self._mode = mode
        self._marks: set[int] = set()
        self._sketches: list[np.ndarray] = []
        self._holders: dict[int, list[int]] = {}

    def kind(self, text: str, mark: int | None = None) -> Literal["exact", "near"] | None:
        """Return how `text` repeats an earlier document, or remember it and return None.

        `mark` is the fingerprint of `text`, if known.
        """
        mark = fingerprint(text) if mark is None else mark
        if mark in self._marks:
            return "exact"
        if self._mode == "near":
            sketch = sketch_of(text)
            if self._is_near(sketch):
                return "near"
            self._remember(sketch)
        self._marks.add(mark)
        return None

    def _is_near(self, sketch: np.ndarray) -> bool:
        keys = [
            key for key in sketch[:LOOKED_UP].tolist() if len(self._holders.get(key, ())) < COMMON
        ]
        candidates = Counter(holder for key in keys for holder in self._holders.get(key, ()))
        enough = min(SHARED, len(keys))
        return any(
            count >= enough and similarity(sketch, self._sketches[holder]) >= THRESHOLD
            for holder, count in candidates.items()
        )

    def _remember(self, sketch: np.ndarray) -> None:
        for key in sketch[:LOOKED_UP].tolist():
            holders = self._holders.setdefault(key, [])
            if len(holders) < COMMON:
                holders.append(len(self._sketches))
        self._sketches.append(sketch)


def similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Estimate the Jaccard similarity of two documents from their sketches, 0…1."""
    smallest = np.union1d(first, second)[:SKETCH]
    return (
        float((np.isin(smallest, first) & np.isin(smallest, second)).mean())
        if len(smallest)
        else 0.0
    )


def sketch_of(text: str) -> np.ndarray:
    """Return the `SKETCH` smallest distinct hashes of the text's shingles, sorted: uint64.

    There are fewer where the text has fewer shingles, none where it has fewer than `SHINGLE` words.
    """
    hashes = np.sort(mix(RollingHash(_word_hashes(text)).ngrams(SHINGLE)))
    is_new = np.diff(hashes, prepend=~hashes[:1]) != 0  # np.unique takes fifteen times as long
    return hashes[is_new][:SKETCH]


def _word_hashes(text: str) -> np.ndarray:
    """Hash every run of letters and digits, lower-cased: [words] uint64, without a Python loop."""
    data = np.frombuffer(encode(text.lower()), dtype=np.uint8)
    inside = np.concatenate([[False], _LETTERS[data], [False]])
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    starts, ends = edges[::2], edges[1::2]
    if len(starts) == 0:
        return np.empty(0, dtype=np.uint64)
    begins = np.concatenate([[0], starts])
    place = np.arange(len(data)) - np.repeat(begins, np.diff(begins, append=len(data)))
    np.minimum(place, len(_POWERS) - 1, out=place)
    values = _VALUES[data]
    values *= _POWERS[place]
    return mix(np.add.reduceat(values, starts) + (ends - starts).astype(np.uint64))


_POWERS = mix(np.arange(1, 65, dtype=np.uint64))
