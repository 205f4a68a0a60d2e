"""What a word problem asks, told apart from what it tells.

A model that reads from left to right understands numbers better when it knows by then what is asked for. Most problems ask at their end.
"""

import itertools
from collections.abc import Sequence

ASKING = frozenset({"what", "how", "find", "calculate", "determine"})
"""Words that a question begins with; `which` and `when` as often begin something else."""

BEFORE = frozenset({"in", "at", "by", "for", "of", "on", "to", "from", "with", "then", "approximately"})
"""Words that may stand before those and belong to the question."""

ENDS = frozenset(".?!;")

ABBREVIATED = frozenset({"rs", "re", "no", "sq", "p"})
"""Words whose full stop ends no sentence."""

Item = str | int
"""A word in MathQA's spelling, or the place of a quantity."""


def question_first(items: Sequence[Item]) -> list[Item]:
    """Return the same words and quantities with the question in front, everything else in its order.

    The question reaches from the word that asks to the end of its sentence, the last one with such a word; where there is none it is the
    last sentence.
    """
    sentences = _sentences(items)
    if not sentences:
        return []
    asking = [
        (start, end) for start, end in sentences if ASKING.intersection(each for each in items[start:end] if isinstance(each, str))
    ]
    start, end = (asking or sentences)[-1]
    if asking:
        begin = next(place for place in range(start, end) if items[place] in ASKING)
        start = begin - 1 if begin > start and items[begin - 1] in BEFORE else begin
    return [*items[start:end], *items[:start], *items[end:]]


def _sentences(items: Sequence[Item]) -> list[tuple[int, int]]:
    """Return where each sentence begins and ends (exclusive)."""
    ends = [place + 1 for place in range(len(items)) if _ends_sentence(items, place)]
    bounds = [0, *ends] if ends and ends[-1] == len(items) else [0, *ends, len(items)]
    return [(start, end) for start, end in itertools.pairwise(bounds) if end > start]


def _ends_sentence(items: Sequence[Item], place: int) -> bool:
    if items[place] not in ENDS:
        return False
    before, after = items[place - 1] if place else None, items[place + 1] if place + 1 < len(items) else None
    return after is None or (before not in ABBREVIATED and isinstance(after, str) and after not in ENDS and after != before)
