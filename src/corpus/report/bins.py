"""Accuracy by the length of a problem and by the operations of its gold program, beside the nearest neighbour of the same problems."""

from typing import Any

from corpus.evaluate.bins import bin_title
from corpus.report.blocks import Bar, BarChart, Block, Figures, Table
from corpus.report.formats import interval, is_number, percent, whole

KINDS = (("by_words", "words of the problem"), ("by_operations", "operations of the gold program"))
"""The field of a set's scores, and what its bins count."""

MODELS = (("accuracy", "model", 0), ("baseline_nearest", "nearest", None))


def bin_blocks(name: str, scores: dict[str, Any]) -> list[Block]:
    """Charts side by side, and one table of all bins; nothing where the scores have no bins."""
    kinds = [(title, bins) for field, title in KINDS if (bins := _bins(scores.get(field)))]
    if not kinds:
        return []
    rows = [
        _row(f"{bin_title(each)} {title.split()[0]}" if is_number(each.get("from")) else bin_title(each), each)
        for title, bins in kinds
        for each in bins
    ]
    beyond = scores.get("beyond_context")
    if isinstance(beyond, dict) and beyond.get("num_problems"):
        rows.append(_row("longer than the trained context", beyond))
    columns = ("problems with", "number", "model", "95 % interval", "nearest neighbour", "95 % interval")
    charts = tuple(_chart(f"{name}: accuracy by {title}", bins) for title, bins in kinds)
    return [Figures(charts=charts), Table(title=f"{name} by length and operations", columns=columns, rows=tuple(rows))]


def _bins(given: Any) -> list[dict[str, Any]]:
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def _row(title: str, part: dict[str, Any]) -> tuple[str, ...]:
    shares = [text for field, *_ in MODELS for text in (percent(part.get(field)), interval(*_interval(part, field)))]
    return (title, whole(part.get("num_problems")), *shares)


def _chart(title: str, bins: list[dict[str, Any]]) -> BarChart:
    groups = []
    for each in bins:
        bars = tuple(_bar(label, each, field, color) for field, label, color in MODELS if is_number(each.get(field)))
        groups.append((f"{bin_title(each)} ({whole(each.get('num_problems'))})", bars))
    return BarChart(title=title, x_label="% of problems right, with 95 % interval", groups=tuple(groups), maximum=100.0)


def _bar(label: str, part: dict[str, Any], field: str, color: int | None) -> Bar:
    value, (low, high) = 100 * part[field], _interval(part, field)
    whisker = {} if low is None or high is None else {"low": 100 * low, "high": 100 * high}
    return Bar(label=label, value=value, text=f"{value:.1f}", color=color, **whisker)


def _interval(part: dict[str, Any], field: str) -> tuple[float | None, float | None]:
    given = part.get(f"{field}_interval")
    if isinstance(given, list) and len(given) == 2 and all(map(is_number, given)):
        return given[0], given[1]
    return None, None
