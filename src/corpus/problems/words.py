"""The words of a text as 64-bit hashes, quickly: what overlap between texts is counted in.

The words are those of `corpus.problems.render.normalize` with the signs left out: lower-case runs of letters, and runs of digits (`2.5` is
two, `1,000` one). So case, white space and punctuation do not matter, and numbers do, whether in digits or in one word: `three` is `3`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from corpus.problems.number_words import VALUES

_SIGN, _FRACTION = re.compile(r"[^\x00-\x7f\w]"), re.compile("[²³¹½¼¾]")
_LETTER, _DIGIT, _APART = 1, 2, 3
_KINDS = np.zeros(256, dtype=np.uint8)
_KINDS[[*range(97, 123), *range(128, 256)]] = _LETTER
_KINDS[48:58] = _DIGIT
_KINDS.setflags(write=False)
_COMMA, _POINT, _N, _QUOTE, _T, _ZERO, _UNDERSCORE = (ord(sign) for sign in ",.n't0_")

PRIME = np.uint64(0x100000001B3)
"""What hashes of several things in a row are made with: `before * PRIME + next`."""

_INVERSE = np.uint64(pow(0x100000001B3, -1, 1 << 64))


@dataclass(frozen=True, slots=True)
class Words:
    """The words of some texts, one text after another."""

    hashes: np.ndarray
    """[words] uint64."""
    numbers: np.ndarray
    """[words] bool: whether the word is a number, in digits or as a word such as `three` (not `one`, which is mostly a pronoun)."""
    texts: np.ndarray
    """[words] int: the text that the word belongs to."""

    def bounds(self, num_texts: int) -> np.ndarray:
        """Return where the words of each text begin, and where the last ones end: [num_texts + 1] int."""
        return np.searchsorted(self.texts, np.arange(num_texts + 1))


def words_of(texts: Sequence[str]) -> Words:
    """Return the words of some texts; equal words have equal hashes in every process.

    Many short texts at once are much faster; it takes some fifty times the memory of what is given at once.
    """
    words = _as_written(texts)
    spelled, digits = _number_words()
    place = np.minimum(np.searchsorted(spelled, words.hashes), len(spelled) - 1)
    is_spelled = spelled[place] == words.hashes
    return Words(
        np.where(is_spelled, digits[place], words.hashes), words.numbers | is_spelled, words.texts
    )


@cache
def _number_words() -> tuple[np.ndarray, np.ndarray]:
    """Return the hashes of numbers written as words, in order, and those of the same numbers in digits."""
    values = {word: value for word, value in VALUES.items() if value != 1}
    spelled = _as_written([" ".join(values)]).hashes
    digits = _as_written([" ".join(map(str, values.values()))]).hashes
    order = np.argsort(spelled)
    return spelled[order], digits[order]


def _as_written(texts: Sequence[str]) -> Words:
    joined = "\0".join(text.replace("\0", " ") for text in texts).lower()
    if not joined.isascii():
        joined = _FRACTION.sub(
            "_", _SIGN.sub(" ", joined.replace("’", "'"))
        )  # neither letters nor digits, yet no ends of words
    data = np.frombuffer(joined.encode(), dtype=np.uint8)
    data, kinds = _with_whole_numbers(data, _KINDS[data])
    _split_not(data, kinds)
    edges = np.flatnonzero(np.diff(kinds, prepend=0, append=0))
    inside = kinds[edges[:-1]] > 0
    starts, ends = edges[:-1][inside], edges[1:][inside]
    which = np.searchsorted(np.flatnonzero(data == 0), starts)
    return Words(_hash(data, starts, ends), data[starts] <= _ZERO + 9, which)


def _with_whole_numbers(data: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop commas inside numbers, and begin numbers that begin with a point with a zero of its own."""
    if len(data) < 2:
        return data, kinds
    digits = kinds == _DIGIT
    points = np.flatnonzero((data[:-1] == _POINT) & digits[1:])
    points = points[(points == 0) | ((kinds[points - 1] == 0) & (data[points - 1] != _UNDERSCORE))]
    if len(points):
        data = data.copy()
        data[points], kinds[points] = _ZERO, _APART
    commas = 1 + np.flatnonzero((data[1:-1] == _COMMA) & digits[:-2] & digits[2:])
    return (np.delete(data, commas), np.delete(kinds, commas)) if len(commas) else (data, kinds)


def _split_not(data: np.ndarray, kinds: np.ndarray) -> None:
    """Cut the n of `doesn't` off from what it negates, as the data does."""
    if len(data) < 4:
        return
    places = 1 + np.flatnonzero(
        (data[2:-1] == _QUOTE)
        & (data[1:-2] == _N)
        & (data[3:] == _T)
        & (kinds[:-3] == _LETTER)
        & (data[:-3] < 128)
    )
    after = np.append(data, np.uint8(0))[places + 3]
    kinds[places[(_KINDS[after] == 0) & (after != _UNDERSCORE)]] = _APART


def _hash(data: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Hash stretches of bytes: differences of one running sum of bytes times powers, shifted to the same power, scrambled."""
    powers, inverses = _powers(len(data))
    sums = np.zeros(len(data) + 1, dtype=np.uint64)
    np.cumsum((data + np.uint64(1)) * powers[: len(data)], out=sums[1:])
    return mix((sums[ends] - sums[starts]) * inverses[starts])


def mix(values: np.ndarray) -> np.ndarray:
    """Scramble 64-bit values so that their order is random (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_TABLES: list[tuple[np.ndarray, np.ndarray]] = []


def _powers(length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return powers of the prime and of its inverse, at least `length` of each: [≥ length] uint64."""
    if not _TABLES or len(_TABLES[0][0]) < length:
        size = 1 << max(16, int(length).bit_length())
        both = []
        for base in (PRIME, _INVERSE):
            steps = np.full(size, base, dtype=np.uint64)
            steps[0] = 1
            both.append(np.cumprod(steps))
        _TABLES[:] = [(both[0], both[1])]
    return _TABLES[0]
