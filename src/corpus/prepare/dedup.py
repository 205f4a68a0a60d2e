"""Duplicates: documents equal but for case and white space, and documents that share most of their word 5-grams.

Near-duplicates are found with a bottom-k sketch: the k smallest hashes of a document's word 5-grams are a random sample of them,
and the share of equal hashes among the k smallest of both estimates the share of equal 5-grams (Jaccard).
Reference: Broder 1997, On the resemblance and containment of documents; Lee et al. 2022, arXiv:2107.06499.
"""

from collections import Counter
from typing import Literal

import numpy as np

from corpus.prepare.document import fingerprint
from corpus.prepare.pool import encode

SHINGLE = 5
"""Words in a shingle."""

SKETCH = 64
"""Hashes kept of a document: the estimate is right to about 0.05 near the threshold."""

LOOKED_UP = 12
"""Of those, the smallest ones that documents are looked up by."""

SHARED = 3
"""Of the looked-up ones, those that a candidate shares at least. Two documents at the threshold share nine of twelve on average and
practically never fewer than three, while a licence at the head of both is rarely enough."""

COMMON = 1000
"""Documents that hold a hash, from which on it says nothing, as those of a licence at the head of every file; it is not looked up then."""

THRESHOLD = 0.7
"""Estimated share of equal 5-grams from which two documents are duplicates."""

_PRIME = np.uint64(0x100000001B3)
_LETTERS = np.zeros(256, dtype=bool)
_LETTERS[[*range(48, 58), *range(97, 123), *range(128, 256)]] = True
_LETTERS.setflags(write=False)


class Duplicates:
    """Remembers the documents it was shown and says whether the next one is new.

    Args:
        mode: `exact` compares fingerprints; `near` compares sketches as well.
    """

    def __init__(self, mode: Literal["exact", "near"]) -> None:
        self._mode = mode
        self._marks: set[int] = set()
        self._sketches: list[np.ndarray] = []
        self._holders: dict[int, list[int]] = {}

    def kind(self, text: str, mark: int | None = None) -> Literal["exact", "near"] | None:
        """Return how `text` repeats an earlier document, or None and remember it. `mark` is its fingerprint."""
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
    """Return the `SKETCH` smallest distinct hashes of the text's shingles, sorted: [≤ SKETCH] uint64; none for a few words."""
    words = _word_hashes(text)
    if len(words) < SHINGLE:
        return np.empty(0, dtype=np.uint64)
    shingles = np.zeros(len(words) - SHINGLE + 1, dtype=np.uint64)
    for place in range(SHINGLE):
        shingles = shingles * _PRIME + words[place : place + len(shingles)]
    return np.unique(_mix(shingles))[:SKETCH]


def _word_hashes(text: str) -> np.ndarray:
    """Hash every run of letters and digits, lower-cased: [words] uint64, without a Python loop."""
    data = np.frombuffer(encode(text.lower()), dtype=np.uint8)
    inside = np.concatenate([[False], _LETTERS[data], [False]])
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    starts, ends = edges[::2], edges[1::2]
    if len(starts) == 0:
        return np.empty(0, dtype=np.uint64)
    place = np.arange(len(data)) - np.repeat(
        np.concatenate([[0], starts]), np.diff(np.concatenate([[0], starts, [len(data)]]))
    )
    values = (
        (data.astype(np.uint64) + np.uint64(1))
        * _POWERS[np.minimum(place, len(_POWERS) - 1)]
        * inside[1:-1]
    )
    return _mix(np.add.reduceat(values, starts) + (ends - starts).astype(np.uint64))


def _mix(values: np.ndarray) -> np.ndarray:
    """Scramble 64-bit values so that their order is random (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_POWERS = _mix(np.arange(1, 65, dtype=np.uint64))
