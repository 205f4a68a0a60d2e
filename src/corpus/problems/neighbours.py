"""Nearest problems: the trained problem whose text is most like a new one's, numbers aside.

It is a baseline that learns nothing (copy the neighbour's program, put in the new numbers), and honest company for any accuracy:
three of four MathQA problems have a twin in train that differs in its numbers alone.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from corpus.problems.problem import Problem
from corpus.program.domain import MARK
from corpus.program.language import Program

NUM_CANDIDATES = 10
"""Neighbours that are tried for a program that fits the new numbers."""

COMMON = 0.2
"""Words in more than this share of the templates say little and cost most: they count in a text's length, not in its similarity."""

RARE = 1000
"""Words in no more templates than this always count, so that a small index uses every word."""

_WORD = re.compile(rf"{MARK}|[^\W\d_]+|\S")


class NeighbourIndex:
    """Problems by TF-IDF cosine over single words and pairs of words of their templates.

    Problems with one template are one entry, held by the first of those with their most common program; problems without a
    program are left out. Building takes seconds for 30,000 problems, a query about a millisecond.
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
        """Fill the inverted index: for each word the entries that hold it and its weight there, entries normalised to length 1."""
        positions, words, counts = [], [], []
        for position, template in enumerate(templates):
            for word, count in _words(template).items():
                positions.append(position)
                words.append(self._vocabulary.setdefault(word, len(self._vocabulary)))
                counts.append(count)
        where, which = np.array(positions, np.int64), np.array(words, np.int64)
        holders = np.bincount(which, minlength=len(self._vocabulary))
        self._rarity = np.log((1 + len(templates)) / (1 + holders)) + 1
        self._too_common = holders > max(COMMON * len(templates), RARE)
        weights = np.array(counts, np.float64) * self._rarity[which]
        lengths = np.sqrt(np.bincount(where, weights**2, minlength=len(templates)))
        order = np.argsort(which, kind="stable")
        self._holders = where[order]
        self._weights = (weights / lengths[where])[order].astype(np.float32)
        self._starts = np.concatenate([[0], np.cumsum(holders)])

    def nearest(self, problem: Problem, k: int = 1) -> list[int]:
        """Return the indices of the `k` problems most like `problem`, best first, as positions in the problems given.

        An exact twin comes first; fewer are returned where the index holds fewer.
        """
        return [self._entries[position] for position, _ in self._ranked(problem.template, k)]

    def similar(self, problem: Problem, k: int) -> list[tuple[Problem, float]]:
        """Return the problems of `nearest`, each with its similarity: the cosine of both texts' word weights, 1 for an exact twin."""
        template = problem.template
        length = self._length(template)
        ranked = self._ranked(template, k)
        return [
            (self._problems[self._entries[position]], min(1.0, score / length))
            for position, score in ranked
        ]

    def _ranked(self, template: str, k: int) -> list[tuple[int, float]]:
        """Return the best entries with their scores; an exact twin is the first, and its score infinite."""
        if not self._entries:
            return []
        scores = self._score(template)
        twin = self._by_template.get(template)
        if twin is not None:
            scores[twin] = np.inf
        k = min(k, len(scores))
        best = np.argpartition(-scores, k - 1)[:k]
        return [
            (int(position), float(scores[position]))
            for position in best[np.lexsort((best, -scores[best]))]
        ]

    def copy_program(self, problem: Problem) -> tuple[Program | None, float | None]:
        """Return the program of the most similar problem that executes on `problem`'s quantities, None where no candidate does; and how similar
        the most similar problem is, 0…1, None where there is none.

        Of the candidates, those with as many quantities as `problem` come first. Neither options nor key are looked at.
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
        """The length of a text's vector; words that the index does not know are as rare as a word of one text."""
        unknown = math.log((1 + len(self._entries)) / 2) + 1
        places = ((self._vocabulary.get(word), count) for word, count in _words(template).items())
        return (
            math.sqrt(
                sum(
                    (count * (unknown if place is None else self._rarity[place])) ** 2
                    for place, count in places
                )
            )
            or 1.0
        )

    def _score(self, template: str) -> np.ndarray:
        scores = np.zeros(len(self._entries), np.float32)
        for word, count in _words(template).items():
            index = self._vocabulary.get(word)
            if index is not None and not self._too_common[index]:
                part = slice(self._starts[index], self._starts[index + 1])
                scores[self._holders[part]] += (
                    np.float32(count * self._rarity[index]) * self._weights[part]
                )
        return scores


def _representatives(problems: Sequence[Problem]) -> dict[str, int]:
    """Return for each template the first problem among those with the template's most common program."""
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
