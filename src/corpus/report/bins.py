"""Accuracy by the length of a problem, the operations of its gold program and how similar training comes to it, beside the nearest neighbour of the same problems."""

from typing import Any

from corpus.evaluate.bins import KINDS, bin_title
from corpus.report.blocks import Block, Table
from corpus.report.formats import interval, percent, whole

COLUMNS = (
    "problems with",
    "number",
    "model",
    "95 % interval",
    "nearest neighbour",
    "95 % interval",
)


def bin_blocks(name: str, scores: dict[str, Any]) -> list[Block]:
    """One table of all bins; nothing where the scores have none."""
    rows = [
        _row(f"{kind}: {bin_title(each)}", each)
        for field, kind in KINDS
        for each in _bins(scores.get(field))
    ]
    beyond = scores.get("beyond_context")
    if isinstance(beyond, dict) and beyond.get("num_problems"):
        rows.append(_row("longer than the trained context", beyond))
    return (
        [
            Table(
                title=f"{name} by length, operations and similarity to training",
                columns=COLUMNS,
                rows=tuple(rows),
            )
        ]
        if rows
        else []
    )


def _bins(given: Any) -> list[dict[str, Any]]:
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def _row(title: str, part: dict[str, Any]) -> tuple[str, ...]:
    shares = [
        text
        for field in ("accuracy", "baseline_nearest")
        for text in (percent(part.get(field)), _interval(part, field))
    ]
    return (title, whole(part.get("num_problems")), *shares)


def _interval(part: dict[str, Any], field: str) -> str:
    given = part.get(f"{field}_interval")
    return interval(*given) if isinstance(given, list) and len(given) == 2 else interval(None, None)
