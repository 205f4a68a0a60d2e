"""Contamination: an index of problems' word n-grams that finds which problems a text contains.

A text *contains* a problem where word n-grams that both share, near each other in the text, cover
at least `share` of the problem's words. A problem with fewer than `ngram` words must be in it as a
whole. If some numbers in the text differ from the problem's, the text has the problem *with other
numbers*: a twin, not the problem. `three` and `3` are equal.

References: Brown et al. 2020, arXiv:2005.14165, appendix C (n-grams of 8 to 13 words); Lambert et
al. 2024, arXiv:2411.15124, sec. 3.2 (more than half of a test problem's tokens are in 8-grams that
also occur in training data).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from corpus.problems.words import Words, words_of
from corpus.program.plain_numbers import plain_numbers
from corpus.text.ngrams import RollingHash

NGRAM = 8
"""Words in an n-gram."""

SHARE = 0.5
"""The share of a problem's words that shared n-grams must cover."""

SHORTEST = 4
"""Problems of fewer words are found only where they are the whole text: three words in a row prove
nothing."""

_SPACE = re.compile(r"\s")
_BATCH_CHARACTERS = 1 << 17

_PIECE_CHARACTERS = 1 << 20
"""Longer texts are read in pieces that overlap by the length of two problems."""


@dataclass(frozen=True, slots=True)
class Match:
    """A problem that a text contains."""

    problem: int
    """Its place among the problems of the index."""
    share: float
    """The share of its words that the text contains, 0…1."""
    other_numbers: bool
    """True where the text has other numbers in the place of some of the problem's."""
    place: int
    """The word of the text at which the problem begins, from 0."""
    is_equal: bool = False
    """True where the text has the words of the problem and no others."""


class OverlapIndex:
    """An index of problems' texts that finds which of them other texts contain.

    Building takes time in proportion to the words of the problems, a query to those of the text,
    however many problems there are.

    Args:
        texts: the problems.
        ngram: see `NGRAM`.
        share: see `SHARE`.
    """

    def __init__(self, texts: Iterable[str], *, ngram: int = NGRAM, share: float = SHARE) -> None:
        texts = list(texts)
        words = words_of(texts)
        bounds = words.bounds(len(texts)).tolist()
        self._longest = 2 * max(map(len, texts), default=0)
        self._ngram, self._share, self._sizes = (
            ngram,
            share,
            [end - begin for begin, end in pairwise(bounds)],
        )
        self._lengths = sorted(
            {self._length(problem) for problem, size in enumerate(self._sizes) if size >= SHORTEST}
        )
        self._numbers = [_numbers(words, begin, end) for begin, end in pairwise(bounds)]
        self._wholes: dict[bytes, list[int]] = {}
        for problem, (begin, end) in enumerate(pairwise(bounds)):
            self._wholes.setdefault(words.hashes[begin:end].tobytes(), []).append(problem)
        lengths = np.array(
            [
                self._length(problem) if size >= SHORTEST else 0
                for problem, size in enumerate(self._sizes)
            ],
            dtype=int,
        )
        self._tables = {}
        for length, grams in _grams(words, self._lengths):
            starts = np.flatnonzero(words.texts[: len(grams)] == words.texts[length - 1 :])
            starts = starts[lengths[words.texts[starts]] == length]
            owners = words.texts[starts]
            self._tables[length] = _Table(grams[starts], owners, starts - np.array(bounds)[owners])

    def __len__(self) -> int:
        """The number of problems."""
        return len(self._sizes)

    def _length(self, problem: int) -> int:
        return min(self._ngram, self._sizes[problem])

    def find(self, text: str) -> list[Match]:
        """Return the problems that `text` contains, equal ones first, other numbers last.

        A long text is read in pieces.
        """
        best: dict[int, Match] = {}
        for piece, first_word in _pieces(text, overlap=self._longest):
            for match in self._find([piece])[0]:
                match = replace(
                    match,
                    place=match.place + first_word,
                    is_equal=match.is_equal and len(piece) == len(text),
                )
                if match.problem not in best or _order(match) < _order(best[match.problem]):
                    best[match.problem] = match
        return sorted(best.values(), key=_order)

    def find_each(self, texts: Iterable[str]) -> Iterator[list[Match]]:
        """Yield `find` of each text, much faster where there are many short texts."""
        batch, size = [], 0
        for text in texts:
            if len(text) > _PIECE_CHARACTERS:
                yield from self._find(batch)
                batch, size = [], 0
                yield self.find(text)
                continue
            batch.append(text)
            size += len(text)
            if size >= _BATCH_CHARACTERS:
                yield from self._find(batch)
                batch, size = [], 0
        yield from self._find(batch)

    def _find(self, texts: Sequence[str]) -> list[list[Match]]:
        words = words_of(texts)
        bounds = words.bounds(len(texts)).tolist()
        found: list[list[Match]] = []
        for begin, end in pairwise(bounds):
            equal = self._wholes.get(words.hashes[begin:end].tobytes(), ()) if end > begin else ()
            found.append([Match(problem, 1.0, False, 0, is_equal=True) for problem in equal])
        for (text, problem), (places, positions) in self._shared(words).items():
            if len(places) * self._length(problem) < self._share * self._sizes[problem]:
                continue
            match = self._match(problem, places, positions, words, bounds[text], bounds[text + 1])
            if match is not None and all(match.problem != other.problem for other in found[text]):
                found[text].append(match)
        return [
            sorted(self._reread(matches, text), key=_order) for matches, text in zip(found, texts)
        ]

    def _reread(self, matches: list[Match], text: str) -> list[Match]:
        """Search again, with number words as digits, a text that seems to have other numbers.

        The problem's own number words may have become digits when it was read.
        """
        if (
            not any(match.other_numbers for match in matches)
            or (plain := plain_numbers(text, words=True).text) == text
        ):
            return matches
        same = {match.problem for match in self._find([plain])[0] if not match.other_numbers}
        return [
            replace(match, other_numbers=match.other_numbers and match.problem not in same)
            for match in matches
        ]

    def _shared(self, words: Words) -> dict[tuple[int, int], tuple[list[int], list[int]]]:
        """Return the n-grams that a text and a problem share, by text and problem.

        Each is given by its place in the problem and its position in `words`.
        """
        found: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
        for length, grams in _grams(words, self._lengths):
            at, owners, begins = self._tables[length].look_up(grams)
            inside = words.texts[at] == words.texts[at + length - 1]
            columns = (words.texts[at][inside], owners[inside], begins[inside], at[inside])
            for text, problem, place, position in zip(*(column.tolist() for column in columns)):
                places, positions = found.setdefault((text, problem), ([], []))
                places.append(place)
                positions.append(position)
        return found

    def _match(
        self,
        problem: int,
        places: list[int],
        positions: list[int],
        words: Words,
        lowest: int,
        highest: int,
    ) -> Match | None:
        """Return the match of one problem with a text, words `lowest` to `highest`, if it is one.

        Only shared n-grams near the stretch of the text that shares most are counted.
        """
        size, length = self._sizes[problem], self._length(problem)
        shift = _commonest(position - place for place, position in zip(places, positions))
        room = max(length, size // 2)
        near = [
            (position, place)
            for place, position in zip(places, positions)
            if abs(position - place - shift) <= room
        ]
        share = _covered({place for _, place in near}, length) / size
        if share < self._share:
            return None
        (first, its_place), (last, last_place) = min(near), max(near)
        begin = max(lowest, first - its_place)
        here, there = (
            _numbers(words, begin, min(highest, last - last_place + size)),
            self._numbers[problem],
        )
        return Match(
            problem, share, not (_is_part(here, there) or _is_part(there, here)), begin - lowest
        )


def _order(match: Match) -> tuple[bool, bool, float, int]:
    return match.other_numbers, not match.is_equal, -match.share, match.problem


def _pieces(text: str, *, overlap: int) -> Iterator[tuple[str, int]]:
    """Yield a text, or a long one in pieces that end at white space, with the words before each."""
    start, first_word = 0, 0
    while len(text) - start > _PIECE_CHARACTERS:
        end = _after_space(text, start + _PIECE_CHARACTERS)
        yield text[start:end], first_word
        following = max(start + 1, _after_space(text, max(start, end - overlap)))
        first_word += len(words_of([text[start:following]]).hashes)
        start = following
    yield text[start:], first_word


def _after_space(text: str, place: int) -> int:
    """Return the first place from `place` on that follows white space, or `place` if it is far."""
    found = _SPACE.search(text, place, place + _BATCH_CHARACTERS)
    return found.end() if found else place


def _numbers(words: Words, begin: int, end: int) -> list[int]:
    return words.hashes[begin:end][words.numbers[begin:end]].tolist()


def _commonest(values: Iterable[int]) -> int:
    """Return the most frequent value; of several, the smallest."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value))


def _covered(places: set[int], length: int) -> int:
    """Count the words that runs of `length` words beginning at `places` cover."""
    covered, end = 0, 0
    for place in sorted(places):
        covered += place + length - max(place, end)
        end = place + length
    return covered


def _is_part(part: Sequence[int], whole: Sequence[int]) -> bool:
    """True where `part` is `whole` with some of its values left out, in the same order."""
    rest = iter(whole)
    return all(value in rest for value in part)


def _grams(words: Words, lengths: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield for each length the hashes of all runs of that many words, even across two texts."""
    rolling = RollingHash(words.hashes)
    for length in lengths:
        if length <= len(words.hashes):
            yield length, rolling.ngrams(length)


class _Table:
    """The n-grams of one length: which problems have each, and where."""

    def __init__(self, grams: np.ndarray, owners: np.ndarray, places: np.ndarray) -> None:
        order = np.lexsort((places, owners, grams))
        self._grams, starts = np.unique(grams[order], return_index=True)
        self._starts = np.append(starts, len(grams))
        self._owners, self._places = owners[order], places[order]
        # A filter by the highest bits; one in 32 other n-grams passes it.
        self._shift = np.uint64(64 - min(24, 5 + len(grams).bit_length()))
        self._filter = np.zeros(1 << (64 - int(self._shift)), dtype=bool)
        self._filter[self._grams >> self._shift] = True

    def look_up(self, grams: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return all pairs of an n-gram in `grams` and an equal n-gram of a problem.

        Three columns: the place in `grams`, the problem, the place in the problem.
        """
        passed = np.flatnonzero(self._filter[grams >> self._shift])
        found = np.searchsorted(self._grams, grams[passed])
        same = self._grams[np.minimum(found, len(self._grams) - 1)] == grams[passed]
        found, passed = found[same], passed[same]
        counts = self._starts[found + 1] - self._starts[found]
        entries = np.repeat(self._starts[found] - (np.cumsum(counts) - counts), counts) + np.arange(
            counts.sum()
        )
        return np.repeat(passed, counts), self._owners[entries], self._places[entries]
