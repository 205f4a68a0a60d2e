"""A forest plot: one row for each treatment, with its difference and interval, as SVG."""

import json
import math
from dataclasses import dataclass
from typing import Any

from corpus.base.visible import visible
from corpus.report.charts import CONFIG, WIDTH, as_page_svg, palette
from corpus.report.formats import tick

Json = dict[str, Any]

ROW = 24
"""Units of height for each row."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the plot; an interval that is not finite is not drawn."""

    name: str
    value: float
    low: float
    high: float
    color: int | None = None


@dataclass(frozen=True, kw_only=True)
class Forest:
    """Differences with their intervals; what lies within ±`margin` does not matter."""

    title: str
    x_label: str
    rows: tuple[Row, ...]
    margin: float

    @property
    def y_label(self) -> str:
        """What the numbers are."""
        return self.x_label

    @property
    def columns(self) -> tuple[str, ...]:
        """The titles of `numbers`."""
        return ("order", "difference", "low", "high")

    @property
    def numbers(self) -> list[tuple[str, ...]]:
        """The plot as text."""
        return [(row.name, *map(tick, (row.value, row.low, row.high))) for row in self.rows]

    @property
    def stretches(self) -> str:
        """What the band stands for."""
        return f"Shaded: differences within ±{self.margin:g}, too small to matter."


def draw(forest: Forest) -> str:
    """Return the plot as one `<svg>` element; empty without rows."""
    if not forest.rows:
        return ""
    lines = (f"{row.name} {tick(row.value)}" for row in forest.rows)
    return as_page_svg(specification(forest), f"{forest.title}: {', '.join(lines)}")


def specification(forest: Forest) -> Json:
    """Return the plot in Vega-Lite's terms."""
    names = [visible(row.name) for row in forest.rows]
    values = [
        {
            "name": visible(row.name),
            "value": row.value,
            "low": row.low if _is_drawn(row) else row.value,
            "high": row.high if _is_drawn(row) else row.value,
            "color": palette(row.color),
            "hover": visible(
                f"{row.name}: {tick(row.value)} ({tick(row.low)} to {tick(row.high)})"
            ),
        }
        for row in forest.rows
    ]
    x = {"type": "quantitative", "title": forest.x_label, "scale": {"zero": True}}
    axis = {"labelExpr": "datum.value"}  # the style's format is one of numbers
    y = {"field": "name", "type": "nominal", "sort": names, "title": None, "axis": axis}
    color = {"field": "color", "type": "nominal", "scale": None, "legend": None}
    band = [{"low": -forest.margin, "high": forest.margin}]
    return {
        "width": WIDTH,
        "height": ROW * len(names) + 50,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": 4,
        "background": None,
        "layer": [
            {
                "data": {"values": band},
                "mark": {"type": "rect", "color": "var(--plain)", "opacity": 0.2, "aria": False},
                "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}},
            },
            {
                "data": {"values": [{"value": 0}]},
                "mark": {"type": "rule", "color": "var(--rule)", "aria": False},
                "encoding": {"x": {**x, "field": "value"}},
            },
            {
                "data": {"values": values},
                "mark": {"type": "rule", "strokeWidth": 2, "aria": False},
                "encoding": {
                    "x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "color": color,
                },
            },
            {
                "data": {"values": values},
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "encoding": {
                    "x": {**x, "field": "value"}, "y": y, "color": color,
                    "description": {"field": "hover"},
                },
            },
        ],
        "config": json.loads(CONFIG.read_text(encoding="utf-8")),
    }  # fmt: skip


def _is_drawn(row: Row) -> bool:
    return math.isfinite(row.low) and math.isfinite(row.high)
