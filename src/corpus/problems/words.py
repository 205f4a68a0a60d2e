"""The words of a text as 64-bit hashes, for the search for contamination.

The words are those of `corpus.program.spelling.normalize` without the signs: lower-case runs of
letters, and runs of digits (`2.5` is two words, `1,000` one). So case, white space and punctuation
do not matter. Numbers matter, in digits or in words: `three` is `3`, and `twenty - five`, `250
thousand` and `two hundred and six` are one word each, as their digits are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from corpus.program.number_words import VALUES, digits_for_words
from corpus.program.numbers import SCALES
from corpus.text.ngrams import RollingHash, mix

_SIGN, _FRACTION = re.compile(r"[^\x00-\x7f\w]"), re.compile("[²³¹½¼¾]")
_LETTER, _DIGIT, _APART = 1, 2, 3
_KINDS = np.zeros(256, dtype=np.uint8)
_KINDS[[*range(97, 123), *range(128, 256)]] = _LETTER
_KINDS[48:58] = _DIGIT
_KINDS.setflags(write=False)
_JOINTS = ("hundred", *SCALES)
_LINKS = ("and", "a")
"""Words that join other number words to one number, and words that may stand inside or before."""
_HYPHEN = re.compile(r"\s*-\s*")
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
    words, data, spans = _as_written(texts)
    words = _with_joined_numbers(words, data, spans)
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
    spelled = _hashes(" ".join(values))
    digits = _hashes(" ".join(map(str, values.values())))
    order = np.argsort(spelled)
    return spelled[order], digits[order]


def _hashes(text: str) -> np.ndarray:
    return _as_written([text])[0].hashes


@cache
def _parts() -> tuple[np.ndarray, ...]:
    """Return the hashes of tens, of units, of words that join, and of links."""
    tens = [word for word, value in VALUES.items() if value >= 20]
    units = [word for word, value in VALUES.items() if value < 10]
    return tuple(
        np.sort(_hashes(" ".join(group))) for group in (tens, units, list(VALUES), _JOINTS, _LINKS)
    )


def _with_joined_numbers(words: Words, data: np.ndarray, spans: np.ndarray) -> Words:
    """Replace each number of several words by the words of its digits.

    Only runs of number words in which one joins the others are looked at, so the cost is small.
    """
    tens, units, spelled, joints, links = _parts()
    if not np.isin(words.hashes, np.concatenate([tens, joints])).any():
        return words
    tens, units, spelled, joints, links = (np.isin(words.hashes, part) for part in _parts())
    same = words.texts[:-1] == words.texts[1:]
    begins_pair = np.append(tens[:-1] & units[1:] & same, False)
    if not (begins_pair.any() or joints.any()):
        return words
    part = spelled | joints | links | words.numbers
    new_run = np.append(True, ~(part[1:] & part[:-1] & same))
    run = np.cumsum(new_run) - 1
    wanted = np.unique(run[begins_pair | joints])
    firsts = np.append(np.flatnonzero(new_run), len(part))
    places = [(firsts[each], firsts[each + 1]) for each in wanted.tolist()]
    texts = [
        bytes(data[spans[0, first] : spans[1, last - 1]]).decode("utf-8", "replace")
        for first, last in places
    ]
    plain = (" ".join(_HYPHEN.sub("-", text).split()) for text in texts)
    written, _, _ = _as_written([digits_for_words(text) for text in plain])
    bounds = written.bounds(len(texts)).tolist()
    hashes, numbers, owners, end = [], [], [], 0
    for (first, last), (begin, stop) in zip(places, pairwise(bounds)):
        hashes += [words.hashes[end:first], written.hashes[begin:stop]]
        numbers += [words.numbers[end:first], written.numbers[begin:stop]]
        owners += [words.texts[end:first], np.full(stop - begin, words.texts[first])]
        end = last
    return Words(
        np.concatenate([*hashes, words.hashes[end:]]),
        np.concatenate([*numbers, words.numbers[end:]]),
        np.concatenate([*owners, words.texts[end:]]),
    )


def _as_written(texts: Sequence[str]) -> tuple[Words, np.ndarray, np.ndarray]:
    """Return the words, the bytes they were read from, and where each begins and ends there."""
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
    words = Words(hashes, data[starts] <= _ZERO + 9, which)
    return words, data, np.stack([starts, ends])


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
