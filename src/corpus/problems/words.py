"""The words of a text as 64-bit hashes, for the search for contamination.

The words are those of `corpus.program.spelling.normalize` without the signs: lower-case runs of
letters, and runs of digits (`2.5` is two words, `1,000` one). So case, white space and punctuation
do not matter. Numbers matter, in digits or as one word: `three` is `3`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from corpus.program.number_words import VALUES
from corpus.text.ngrams import RollingHash, mix

_SIGN, _FRACTION = re.compile(r"[^\x00-\x7f\w]"), re.compile("[²³¹½¼¾]")
_LETTER, _DIGIT, _APART = 1, 2, 3
_KINDS = np.zeros(256, dtype=np.uint8)
_KINDS[[*range(97, 123), *range(128, 256)]] = _LETTER
_KINDS[48:58] = _DIGIT
_KINDS.setflags(write=False)
_COMMA, _POINT, _N, _QUOTE, _T, _ZERO, _UNDERSCORE = (ord(sign) for sign in ",.n't0_")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of some texts, in order."""

    hashes: np.ndarray
    """[words] uint64."""
    numbers: np.ndarray
    """[words] bool: whether it is a number, in digits or as a word such as `three` (not `one`,
    which is mostly a pronoun)."""
    texts: np.ndarray
    """[words] int: the text that the word belongs to."""

    def bounds(self, num_texts: int) -> np.ndarray:
        """Return where the words of each text begin, and the end: [num_texts + 1] int."""
        return np.searchsorted(self.texts, np.arange(num_texts + 1))


def words_of(texts: Sequence[str]) -> Words:
    """Return the words of some texts; equal words have equal hashes in every process.

    One call with many short texts is much faster than a call for each. A call takes some fifty
    times the memory of its texts.
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
    """Return the hashes of number words, sorted, and those of the same numbers in digits."""
    values = {word: value for word, value in VALUES.items() if value != 1}
    spelled = _as_written([" ".join(values)]).hashes
    digits = _as_written([" ".join(map(str, values.values()))]).hashes
    order = np.argsort(spelled)
    return spelled[order], digits[order]


def _as_written(texts: Sequence[str]) -> Words:
    joined = "\0".join(text.replace("\0", " ") for text in texts).lower()
    if not joined.isascii():
        # A fraction such as ½ is neither a letter nor a digit, yet does not end a word.
        joined = _FRACTION.sub("_", _SIGN.sub(" ", joined.replace("’", "'")))
    data = np.frombuffer(joined.encode(), dtype=np.uint8)
    data, kinds = _with_whole_numbers(data, _KINDS[data])
    _split_not(data, kinds)
    edges = np.flatnonzero(np.diff(kinds, prepend=0, append=0))
    inside = kinds[edges[:-1]] > 0
    starts, ends = edges[:-1][inside], edges[1:][inside]
    which = np.searchsorted(np.flatnonzero(data == 0), starts)
    hashes = mix(RollingHash(data + np.uint64(1)).slices(starts, ends))
    return Words(hashes, data[starts] <= _ZERO + 9, which)


def _with_whole_numbers(data: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop commas inside numbers; the point of `.5` becomes a zero, a word of its own."""
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
    """Split the n of `doesn't` off what it negates, as the data does."""
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
