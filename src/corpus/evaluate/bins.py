"""Accuracy by how hard a problem is: by the words of its text, by the operations of its gold
program, by how similar the most similar training problem is, and beyond the trained context.

Each bin is scored as the whole set is, with the nearest-neighbour baseline of the same problems
beside it: long problems are rarer in training as well, so a fall in accuracy alone says little
about length.
"""

from collections.abc import Sequence
from typing import Any

from corpus.evaluate.scores import share_fields
from corpus.problems.problem import Problem

WORDS = ((1, 20), (21, 30), (31, 40), (41, 50), (51, 70), (71, None))
"""Bins of the words, numbers and signs of a problem's text, first and last included."""

OPERATIONS = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 7), (8, 10), (11, None))
"""Bins of the operations of a gold program. Problems without one have a bin of their own."""

SIMILARITY = ((0, 29), (30, 49), (50, 69), (70, 89), (90, 99), (100, 100))
"""Bins of the similarity of the most similar training problem, a cosine in whole per cent: 100 is a
twin, which differs in its numbers at most."""

KINDS = (
    ("by_words", "words"),
    ("by_operations", "operations"),
    ("by_similarity", "similarity in %"),
)
"""The fields of a set's scores that hold bins, and what each counts."""


def bin_scores(
    problems: Sequence[Problem],
    right: Sequence[bool],
    nearest: Sequence[bool],
    similarity: Sequence[float | None],
    beyond: Sequence[bool] | None = None,
) -> dict[str, Any]:
    """Return `by_words`, `by_operations`, `by_similarity` and, with `beyond`, `beyond_context`.

    The first three are lists of bins, empty ones left out. Each has `from` and `to` (null: no
    bound; both null: no gold program, or nothing to be similar to), `num_problems`, `accuracy` and
    `baseline_nearest`, and the intervals of both.

    Args:
        problems: the set.
        right: whether the model answers each rightly.
        nearest: whether the nearest neighbour's program does.
        similarity: that of the most similar training problem, 0…1; None without any.
        beyond: which problems are longer than sequences were in training; None: not known.
    """
    clusters = [problem.cluster for problem in problems]

    def shares(places: Sequence[int]) -> dict[str, Any]:
        own = [clusters[place] for place in places]
        return {
            "num_problems": len(places),
            **share_fields("accuracy", (right[place] for place in places), own),
            **share_fields("baseline_nearest", (nearest[place] for place in places), own),
        }

    counted = (
        (WORDS, [problem.domain.num_words(problem.text) for problem in problems]),
        (OPERATIONS, [num_operations(problem) for problem in problems]),
        (SIMILARITY, [None if each is None else int(100 * each) for each in similarity]),
    )
    scores: dict[str, Any] = {field: [] for field, _ in KINDS}
    for (field, _), (bounds, sizes) in zip(KINDS, counted):
        for first, last in (*bounds, (None, None)):
            places = [place for place, size in enumerate(sizes) if _is_in(size, first, last)]
            if places:
                scores[field].append({"from": first, "to": last, **shares(places)})
    if beyond is not None:
        places = [place for place, is_beyond in enumerate(beyond) if is_beyond]
        scores["beyond_context"] = shares(places)
    return scores


def num_operations(problem: Problem) -> int | None:
    """Return how many operations a problem's gold program has, None if there is none."""
    return None if problem.gold_program is None else len(problem.gold_program.steps)


def _is_in(size: int | None, first: int | None, last: int | None) -> bool:
    if size is None or first is None:
        return size is None and first is None
    return first <= size and (last is None or size <= last)


def bin_title(bounds: dict[str, Any]) -> str:
    """Return the title of a bin in a table: `21–30`, `71 and more`, `4`, `none`."""
    first, last = bounds.get("from"), bounds.get("to")
    if first is None:
        return "none"
    if last is None:
        return f"{first} and more"
    return str(first) if first == last else f"{first}–{last}"
