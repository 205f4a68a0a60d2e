"""How the report writes numbers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from corpus.base.units import format_count, format_duration

ABSENT = "–"
"""Shown in place of a missing number."""

BLOCKS = "▁▂▃▄▅▆▇█"
SPARK_WIDTH = 24


def percent(value: Any) -> str:
    """Write a share as `48.2 %`."""
    return f"{100 * value:.1f} %" if is_number(value) else ABSENT


def interval(bounds: tuple[float, float]) -> str:
    """Write an interval of shares, in per cent, as `46.7–49.7`."""
    return f"{100 * bounds[0]:.1f}–{100 * bounds[1]:.1f}"


def decimal(value: Any, places: int = 3) -> str:
    """Write a number with fixed places."""
    return f"{value:.{places}f}" if is_number(value) else ABSENT


def pair(value: Any) -> tuple[float, float] | None:
    """Return a file's interval if it is one: a list of two finite numbers."""
    if isinstance(value, list) and len(value) == 2 and all(map(is_number, value)):
        return value[0], value[1]
    return None


def between(value: Any) -> str:
    """Write an interval of numbers as `4.381–4.507`."""
    bounds = pair(value)
    return f"{bounds[0]:.3f}–{bounds[1]:.3f}" if bounds else ABSENT


def whole(value: Any) -> str:
    """Write a count in full, with thousands separated."""
    return f"{value:,.0f}" if is_number(value) else ABSENT


def count(value: Any) -> str:
    """Write a count in three digits."""
    return format_count(value) if is_number(value) else ABSENT


def duration(seconds: Any) -> str:
    """Write seconds as people do, with a tenth below ten seconds."""
    if not is_number(seconds):
        return ABSENT
    return f"{seconds:.1f}s" if seconds < 10 else format_duration(seconds)


def group(value: Any) -> Mapping[str, Any]:
    """The value where it is a group of values, else an empty group."""
    return value if isinstance(value, Mapping) else {}


def short(value: float | str) -> str:
    """Write a number of a problem: whole where it is, else in six digits; keep an expression."""
    if isinstance(value, str):
        return value
    if math.isfinite(value) and value == round(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.6g}"


def token_scale(largest: float) -> tuple[float, str]:
    """Return what to divide token counts up to `largest` by, and the name of the unit."""
    scales = ((1e9, "billion tokens"), (1e6, "million tokens"), (1e3, "thousand tokens"))
    return next((scale for scale in scales if largest >= scale[0]), (1.0, "tokens"))


def time_scale(largest: float) -> tuple[float, str]:
    """Return what to divide seconds up to `largest` by, and the name of the unit."""
    return next(
        (scale for scale in ((3600.0, "hours"), (60.0, "minutes")) if largest >= 2 * scale[0]),
        (1.0, "seconds"),
    )


def is_number(value: Any) -> TypeGuard[float]:
    """True for a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def tick(value: float) -> str:
    """Write a number of a chart in at most four digits."""
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def sparkline(values: Sequence[float]) -> str:
    """Draw values as at most `SPARK_WIDTH` block characters, from the lowest to the highest."""
    size = -(-len(values) // SPARK_WIDTH) or 1
    groups = [values[start : start + size] for start in range(0, len(values), size)]
    means = [sum(group) / len(group) for group in groups]
    low, high = min(means, default=0.0), max(means, default=0.0)
    scale = (len(BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(BLOCKS[round(scale * (value - low))] for value in means)


def plain(value: Any) -> str:
    """Write any JSON value on one line."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain, value)) or ABSENT
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(item)}" for key, item in value.items()) or ABSENT
    return whole(value) if isinstance(value, int) else str(value)


def value_rows(tree: Any) -> list[tuple[str, str]]:
    """The rows of a table of plain values."""
    return [(name, plain(value)) for name, value in leaves(tree)]


def leaves(value: Any, name: str = "") -> list[tuple[str, Any]]:
    """Flatten nested objects to dotted names and their values."""
    if not isinstance(value, dict):
        return [(name, value)] if name else []
    return [
        leaf
        for key, item in value.items()
        for leaf in leaves(item, f"{name}.{key}" if name else str(key))
    ]
