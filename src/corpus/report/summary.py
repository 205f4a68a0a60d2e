"""Did the run go well: scores with their intervals, compared with baselines."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corpus.base.units import Budget
from corpus.evaluate.bins import KINDS, bin_title
from corpus.evaluate.intervals import wilson
from corpus.evaluate.scores import GOLD, MAJORITY, MODEL, NEAREST, VALUE
from corpus.evaluate.scores import answers as answers_among
from corpus.report.formats import (
    ABSENT,
    decimal,
    duration,
    interval,
    is_number,
    pair,
    percent,
    plain,
    whole,
)
from corpus.report.read import Json, Outcome, Run

Interval = tuple[float, float]

SHOWN = (MODEL, NEAREST, MAJORITY, GOLD)
"""The model and the baselines beside it, by their fields in scores.json."""

COMPARED = {
    MAJORITY: "majority (always the most common answer)",
    NEAREST: "the nearest neighbour (the program of the most similar training problem)",
}

GROUPS = (
    ("", "num_problems", "all"),
    ("_seen", "num_seen", "template seen"),
    ("_unseen", "num_unseen", "template not seen"),
)
"""The suffix of a share's field, the field that counts its problems, and their title."""

FATES = {
    (True, True): "right, with the gold program",
    (True, False): "right, with another program",
    (False, True): "wrong: the program gives another answer",
    (False, False): "wrong: the program does not execute",
}
"""By two facts: is it right; and is it the gold program (if right), or does it execute (if wrong).
"""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How the run went; `level` is good, fair, poor or unknown, `sentences` say why."""

    level: str
    title: str
    sentences: tuple[str, ...]


def verdict(run: Run) -> Verdict:
    """Judge the run by its first problem set; say how each set and held-out text came out."""
    text = tuple(sentence for sentence in [_text_sentence(run)] if sentence)
    compared = [compare(name, scores) for name, scores in run.problem_scores.items()]
    if compared:
        level, title, _ = compared[0]
        sentences = (sentence for _, _, sentence in compared)
        return Verdict(level=level, title=title, sentences=(*sentences, *text))
    if text:
        return Verdict(level="unknown", title="Scored on text alone", sentences=text)
    sentence = "This run has no scores so far."
    return Verdict(level="unknown", title="Not scored yet", sentences=(sentence,))


def compare(name: str, scores: Json) -> tuple[str, str, str]:
    """Return level, title and sentence of how a set's accuracy compares with its baselines."""
    found = {field: _against(scores, field) for field in COMPARED}
    known = {field: word for field, word in found.items() if word}
    if not known:
        return "unknown", f"No baseline for {name}", f"{name} has no baseline to compare with."
    majority, nearest = found["baseline_majority"], found["baseline_nearest"]
    if set(known.values()) == {"better than"}:
        level, title = "good", "Better than its baselines"
    elif majority == "better than":
        level, title = "fair", f"Better than guessing, {nearest} the nearest neighbour"
    elif majority:
        level, title = "poor", "No better than guessing"
    else:
        level = "poor" if nearest == "behind" else "fair"
        title = f"{nearest.capitalize()} the nearest neighbour"
    parts = " and ".join(f"{word} {COMPARED[field]}" for field, word in known.items())
    return level, title, f"On {name} the model is {parts}."


def _against(scores: Json, field: str) -> str:
    """How the model's interval compares with that of a baseline; empty if one is unknown."""
    mine, other = (find_interval(scores, each) for each in ("accuracy", field))
    if not mine or not other:
        return ""
    if mine[0] > other[1]:
        return "better than"
    return "behind" if mine[1] < other[0] else "no different from"


def find_interval(scores: Json, field: str, total: str = "num_problems") -> Interval | None:
    """The 95 % interval of a share as scored, else Wilson's from the share and its count."""
    if given := pair(scores.get(f"{field}_interval")):
        return given
    share, number = scores.get(field), scores.get(total)
    if not is_number(share) or not is_number(number) or number <= 0:
        return None
    return wilson(min(1.0, max(0.0, share)), number)


def _text_sentence(run: Run) -> str:
    """How held-out text compares with token frequencies alone, in the mean over sources."""
    pairs = [
        (scores["loss"], scores["unigram_loss"])
        for scores in run.text_scores.values()
        if is_number(scores.get("loss")) and is_number(scores.get("unigram_loss"))
    ]
    if not pairs:
        return ""
    better, gap = sum(a < b for a, b in pairs), sum(b - a for a, b in pairs) / len(pairs)
    word = "better" if gap > 0 else "worse"
    return (
        f"Held-out text: {decimal(abs(gap), 2)} nats per token {word} than token frequencies "
        f"alone, better in {better} of {len(pairs)} sources."
    )


def answers(scores: Json) -> list[tuple[str, float, Interval]]:
    """Who answers, the share that is right and its interval; the model comes first."""
    titles = answers_among(scores)
    return [
        (titles[field], scores[field], bounds)
        for field in SHOWN
        if is_number(scores.get(field)) and (bounds := find_interval(scores, field))
    ]


def share(scores: Json, field: str, total: str = "num_problems") -> str:
    """A share with its interval in brackets; empty if it is not known."""
    bounds = find_interval(scores, field, total)
    if not is_number(scores.get(field)) or not bounds:
        return ""
    return f"{percent(scores[field])} ({interval(bounds)})"


def ways_table(scores: Json, suffix: str = "") -> tuple[list[str], list[tuple[str, ...]]]:
    """Columns (groups of problems) and rows (ways to answer); what is empty is left out.

    With the suffix `VALUE`, the shares are those whose value is right.
    """
    groups = [each for each in GROUPS if scores.get(each[1])]
    rows = []
    for field, name in answers_among(scores).items():
        cells = [share(scores, field + suffix + ending, total) for ending, total, _ in groups]
        if any(cells):
            rows.append((name, *(cell or ABSENT for cell in cells)))
    return ["answered by", *(f"{name} ({whole(scores[total])})" for _, total, name in groups)], rows


def values_table(scores: Json) -> tuple[list[str], list[tuple[str, ...]]]:
    """The table of right values; without rows where the options made no difference."""
    columns, rows = ways_table(scores, VALUE)
    differ = any(
        scores.get(field + VALUE) not in (None, scores[field]) for field in answers_among(scores)
    )
    return columns, rows if differ else []


def fates(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    """The outcomes of the programs, in number and share."""
    found = Counter(
        (each.right, each.predicted == each.gold if each.right else each.error is None)
        for each in outcomes
    )
    return [
        (title, whole(found[fate]), percent(found[fate] / len(outcomes)))
        for fate, title in FATES.items()
    ]


def bins(scores: Json) -> list[tuple[str, ...]]:
    """Accuracy by length, operations and similarity, in bins that hold a problem."""
    parts = [
        (f"{kind}: {bin_title(each)}", each)
        for field, kind in KINDS
        for each in _filled(scores.get(field))
    ]
    beyond = _filled([scores.get("beyond_context")])
    parts += [("longer than the trained context", each) for each in beyond]
    fields = ("accuracy", "baseline_nearest")
    return [
        (title, whole(each["num_problems"]), *(share(each, field) or ABSENT for field in fields))
        for title, each in parts
    ]


def _filled(given: Any) -> list[Json]:
    found = given if isinstance(given, list) else []
    return [each for each in found if isinstance(each, dict) and each.get("num_problems")]


def budget_text(run: Run) -> str:
    """The budget as a person writes it; a file holds it as text, or as kind and amount."""
    budget = run.setting("budget")
    kinds = ("seconds", "tokens", "steps")
    if isinstance(budget, dict) and is_number(budget.get("amount")) and budget.get("kind") in kinds:
        return str(Budget(kind=budget["kind"], amount=budget["amount"]))
    return duration(budget) if is_number(budget) else plain(budget)
