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

ABBREVIATED = frozenset({"rs", "re", "no", "sq", "cu", "mr", "mrs", "ms", "dr", "st", "vs", "etc"})
"""Words whose full stop ends no sentence; neither does that of a single letter: `p . m .` is commoner than a question after `c .`, and a
question that is cut short is worse than one with a sentence too much."""

Item = str | int
"""A word in MathQA's spelling, or the place of a quantity."""


def question_first(items: Sequence[Item]) -> list[Item]:
    """Return the same words and quantities with the question in front, everything else in its order.

    The question is in the last sentence that ends with a question mark, best in one that asks by a word; without a question mark it is in
    the last one with such a word, else the last of all. It reaches from that word, where there is one, to the end of the sentence.
    """
    sentences = _sentences(items)
    if not sentences:
        return []
    start, end = max(sentences, key=lambda each: (items[each[1] - 1] == "?", _asks_at(items, *each) is not None, each))
    asks_at = _asks_at(items, start, end)
    if asks_at is not None:
        start = asks_at - 1 if asks_at > start and items[asks_at - 1] in BEFORE else asks_at
    return [*items[start:end], *items[:start], *items[end:]]


def _asks_at(items: Sequence[Item], start: int, end: int) -> int | None:
    return next((place for place in range(start, end) if items[place] in ASKING), None)


def _sentences(items: Sequence[Item]) -> list[tuple[int, int]]:
    """Return where each sentence begins and ends (exclusive)."""
    ends = [place + 1 for place in range(len(items)) if _ends_sentence(items, place)]
    bounds = [0, *ends] if ends and ends[-1] == len(items) else [0, *ends, len(items)]
    return [(start, end) for start, end in itertools.pairwise(bounds) if end > start]


def _ends_sentence(items: Sequence[Item], place: int) -> bool:
    """Return whether an item is the last of its sentence: of several signs, the last one is."""
    sign = items[place]
    if sign not in ENDS:
        return False
    if place + 1 == len(items):
        return True
    before, after = items[place - 1] if place else "", items[place + 1]
    if after in ENDS:
        return False
    if sign == "?":
        return True
    if isinstance(before, int):
        return sign != "!" and isinstance(after, str)  # a factorial
    is_letter = len(before) == 1 and before.isalpha()
    return before not in ABBREVIATED and not is_letter and isinstance(after, str)
