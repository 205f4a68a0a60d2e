"""Accuracy by how hard a problem is: by the words of its text, by the operations of its gold program, by how similar the most similar trained
problem is, and past the trained context.

Each bin is scored as the whole set is, with the nearest-neighbour baseline of the same problems beside it: long problems are rarer in
training as well, so a fall in accuracy alone says little about length.
"""

from collections.abc import Sequence
from typing import Any

from corpus.evaluate.intervals import clustered
from corpus.evaluate.judge import Judged
from corpus.problems.expressions import find_expressions
from corpus.problems.kin import kin_of
from corpus.problems.numbers import mask
from corpus.problems.problem import Problem
from corpus.problems.render import normalize

WORDS = ((1, 20), (21, 30), (31, 40), (41, 50), (51, 70), (71, None))
"""Bins of the words, numbers and signs of a problem's text in MathQA's spelling, first and last included."""

OPERATIONS = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 7), (8, 10), (11, None))
"""Bins of the operations of a gold program. Problems without a gold program have a bin of their own."""

SIMILARITY = ((0, 29), (30, 49), (50, 69), (70, 89), (90, 99), (100, 100))
"""Bins of the similarity of the most similar trained problem, a cosine (`problems.neighbours`) in whole per cent: 100 is a twin, which
differs in its numbers at most."""

KINDS = (
    ("by_words", "words"),
    ("by_operations", "operations"),
    ("by_similarity", "similarity in %"),
)
"""The fields of a set's scores that hold bins, and what each counts."""


_Scored = tuple[str, bool, bool]
"""A problem's kin, and whether the model and the nearest neighbour have it right."""


def bin_scores(
    problems: Sequence[Problem],
    judged: Sequence[Judged],
    nearest: Sequence[Judged],
    similarity: Sequence[float | None],
    beyond: Sequence[bool] | None = None,
) -> dict[str, Any]:
    """Return `by_words`, `by_operations`, `by_similarity` and, where it is known which problems lie beyond the context, `beyond_context`; JSON-ready.

    `similarity` is that of the most similar trained problem, 0…1; None where nothing was trained on. The first three are lists of bins, empty ones left out; each has `from` and `to` (null: no bound; both null: no gold program,
    or nothing to be similar to),
    `num_problems`, `accuracy` and `baseline_nearest`, and the intervals of both.
    """
    scored = [
        (kin_of(problem), mine.right, its.right)
        for problem, mine, its in zip(problems, judged, nearest, strict=True)
    ]
    scores = {
        "by_words": _bins(WORDS, [num_words(problem) for problem in problems], scored),
        "by_operations": _bins(
            OPERATIONS, [num_operations(problem) for problem in problems], scored
        ),
        "by_similarity": _bins(SIMILARITY, [_percent(each) for each in similarity], scored),
    }
    if beyond is None:
        return scores
    return {
        **scores,
        "beyond_context": _shares([each for each, is_beyond in zip(scored, beyond) if is_beyond]),
    }


def num_words(problem: Problem) -> int:
    """Return how many words, numbers and signs a problem has, an expression counting as one."""
    expressions = find_expressions(problem.text)
    return (
        len(normalize(mask(problem.text)).split())
        if expressions
        else len(normalize(problem.text).split())
    )


def num_operations(problem: Problem) -> int | None:
    """Return how many operations a problem's gold program has, None where there is none."""
    return None if problem.program is None else problem.program.count("|") + 1


def _percent(similarity: float | None) -> int | None:
    """Return whole per cent, rounded down."""
    return None if similarity is None else int(100 * similarity)


def _bins(
    bounds: Sequence[tuple[int, int | None]], sizes: Sequence[int | None], scored: Sequence[_Scored]
) -> list[dict[str, Any]]:
    found = []
    for first, last in (*bounds, (None, None)):
        members = [each for each, size in zip(scored, sizes) if _is_in(size, first, last)]
        if members:
            found.append({"from": first, "to": last, **_shares(members)})
    return found


def _is_in(size: int | None, first: int | None, last: int | None) -> bool:
    if size is None or first is None:
        return size is None and first is None
    return first <= size and (last is None or size <= last)


def _shares(members: Sequence[_Scored]) -> dict[str, Any]:
    shares: dict[str, Any] = {"num_problems": len(members)}
    for place, name in ((1, "accuracy"), (2, "baseline_nearest")):
        right = [bool(each[place]) for each in members]
        interval = clustered(right, [each[0] for each in members])
        shares |= {
            name: sum(right) / len(right) if right else None,
            f"{name}_interval": list(interval) if interval else None,
        }
    return shares


def bin_title(bounds: dict[str, Any]) -> str:
    """Return what a bin is called in a table: `21–30`, `71 and more`, `4`, `none`."""
    first, last = bounds.get("from"), bounds.get("to")
    if first is None:
        return "none"
    if last is None:
        return f"{first} and more"
    return str(first) if first == last else f"{first}–{last}"
