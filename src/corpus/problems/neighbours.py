"""Nearest problems: the training problems most similar to a new one in their text without numbers.

This is a baseline that learns nothing: it copies the neighbour's program and puts in the new
numbers. Every accuracy is compared with it, since three of four MathQA problems have a twin in the
training file.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from corpus.problems.problem import Problem
from corpus.program.domain import MARK
from corpus.program.language import Program

NUM_CANDIDATES = 10
"""Neighbours that are tried for a program that fits the new numbers."""

COMMON = 0.2
"""Words in more than this share of the templates are skipped in the dot product: they cost the most
and tell the least. They still count in a text's length."""

RARE = 1000
"""Words in at most this many templates are never skipped, so that a small index uses every word."""

_WORD = re.compile(rf"{MARK}|[^\W\d_]+|\S")


class NeighbourIndex:
    """Problems by TF-IDF cosine over the words and word bigrams of their templates.

    Problems with the same template are one entry: the first of those with its most common program.
    Problems without a program are left out. Building takes seconds for 30,000 problems, a query
    half a millisecond.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self._problems = problems
        representatives = _representatives(problems)
        self._entries = list(representatives.values())
        self._by_template = {
            template: position for position, template in enumerate(representatives)
        }
        self._vocabulary: dict[str, int] = {}
        self._count_words(list(representatives))

    def _count_words(self, templates: Sequence[str]) -> None:
        """Compute each word's inverse document frequency, and the TF-IDF matrix [words, entries].

        The vector of an entry has length 1. It is computed in float64 and kept in float32.
        """
        positions, words, counts = [], [], []
        for position, template in enumerate(templates):
            for word, count in _words(template).items():
                positions.append(position)
                words.append(self._vocabulary.setdefault(word, len(self._vocabulary)))
                counts.append(count)
        entry, word = np.array(positions, np.int64), np.array(words, np.int64)
        shape = len(self._vocabulary), len(templates)
        frequency = np.bincount(word, minlength=shape[0])
        self._idf = np.log((1 + len(templates)) / (1 + frequency)) + 1
        self._too_common = frequency > max(COMMON * len(templates), RARE)
        weights = np.array(counts, np.float64) * self._idf[word]
        lengths = np.sqrt(np.bincount(entry, weights**2, minlength=len(templates)))
        weights = (weights / lengths[entry]).astype(np.float32)
        self._weights = csr_array((weights, (word, entry)), shape=shape)

    def nearest(self, problem: Problem, k: int = 1) -> list[int]:
        """Return the `k` problems most similar to `problem`, best first, as positions in
        `problems`.

        An exact twin comes first. Equally similar ones are in the order of `problems`. There are
        fewer if the index has fewer.
        """
        return [self._entries[position] for position, _ in self._ranked(problem.template, k)]

    def similar(self, problem: Problem, k: int) -> list[tuple[Problem, float]]:
        """Return the problems of `nearest`, each with its TF-IDF cosine: 1 for an exact twin."""
        template = problem.template
        length = self._length(template)
        ranked = self._ranked(template, k)
        return [
            (self._problems[self._entries[position]], min(1.0, score / length))
            for position, score in ranked
        ]

    def _ranked(self, template: str, k: int) -> list[tuple[int, float]]:
        """Return the best entries with their scores; an exact twin's score is infinite."""
        if not self._entries:
            return []
        scores = self._score(template)
        twin = self._by_template.get(template)
        if twin is not None:
            scores[twin] = np.inf
        k = min(k, len(scores))
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        best = np.flatnonzero(scores >= least)  # more than k where several are equal to the last
        best = best[np.lexsort((best, -scores[best]))][:k]
        return [(int(position), float(scores[position])) for position in best]

    def copy_program(self, problem: Problem) -> tuple[Program | None, float | None]:
        """Copy a neighbour's program; return it and the similarity of the nearest problem, 0…1.

        The program is that of the most similar candidate whose program executes on `problem`'s
        quantities; candidates with as many quantities as `problem` come first. It is None where no
        candidate's program executes, the similarity None where there is no candidate. Neither the
        options nor the gold answer are read.
        """
        similar = self.similar(problem, NUM_CANDIDATES)
        candidates = sorted(
            (each for each, _ in similar),
            key=lambda each: len(each.quantities) != len(problem.quantities),
        )
        programs = (each.gold_program for each in candidates if each.gold_program is not None)
        execute, quantities = problem.domain.execute, problem.quantities
        copied = next((each for each in programs if execute(each, quantities).executes), None)
        return copied, similar[0][1] if similar else None

    def _length(self, template: str) -> float:
        """Return the length of a text's vector; an unknown word counts as if one entry had it."""
        unknown = math.log((1 + len(self._entries)) / 2) + 1
        places = ((self._vocabulary.get(word), count) for word, count in _words(template).items())
        return (
            math.sqrt(
                sum(
                    (count * (unknown if place is None else self._idf[place])) ** 2
                    for place, count in places
                )
            )
            or 1.0
        )

    def _score(self, template: str) -> np.ndarray:
        """Return the dot product of a text with every entry: [entries] float32.

        The sum runs over the words in the order of the text, so equal words give equal bits.
        """
        words, weights = [], []
        for word, count in _words(template).items():
            place = self._vocabulary.get(word)
            if place is not None and not self._too_common[place]:
                words.append(place)
                weights.append(count * self._idf[place])
        return np.array(weights, np.float32) @ self._weights[words]


def _representatives(problems: Sequence[Problem]) -> dict[str, int]:
    """Return for each template its first problem that has the template's most common program."""
    twins: dict[str, list[int]] = defaultdict(list)
    for index, problem in enumerate(problems):
        if problem.program is not None:
            twins[problem.template].append(index)
    chosen = {}
    for template, indices in twins.items():
        votes = Counter(problems[index].program for index in indices)
        chosen[template] = max(indices, key=lambda index: (votes[problems[index].program], -index))
    return chosen


def _words(template: str) -> Counter[str]:
    words = _WORD.findall(template)
    return Counter(
        words + [f"{first} {second}" for first, second in zip(["", *words], [*words, ""])]
    )
