"""Charts as SVG: a Vega-Lite specification, drawn by vl-convert without a browser or a network.

Colours are variables of the page's style, so that one drawing serves light, dark and paper.
"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import escape

from corpus.base.visible import visible
from corpus.report.formats import sparkline, tick

Json = dict[str, Any]

CONFIG = Path(__file__).parent / "templates" / "chart.json"
"""The style of every chart: fonts, axes, legend."""

WIDTH, HEIGHT = 420, 250
"""Units of the drawing, which the page scales: text of 12 units stays readable on a phone."""

NUM_COLORS = 8
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right",
          "triangle-left")  # fmt: skip
"""Markers differ as well as colours."""

LETTER = 6.8
"""About how wide a letter of a band's name is, in units."""

_POINTED = re.compile(
    r'<(\w+) aria-label="([^"]*)" role="[^"]*" aria-roledescription="[^"]*"([^>]*?)/>'
)


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a chart; `color` is a number of the palette, None the colour of text."""

    name: str
    points: tuple[tuple[float, float], ...]
    color: int | None
    markers: bool = False


@dataclass(frozen=True, kw_only=True)
class Band:
    """A shaded stretch of the x axis; `detail` shows when the pointer rests on it."""

    name: str
    start: float
    end: float
    color: int | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Lines over a common x axis, or areas if `stacked` (all series then share their x values)."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    bands: tuple[Band, ...] = ()
    stacked: bool = False
    from_zero: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The titles of `numbers`."""
        return ("line", f"over {self.x_label}", "first", "last", "lowest", "highest")

    @property
    def numbers(self) -> list[tuple[str, ...]]:
        """The chart as text: each line's name, sparkline, first, last, lowest and highest value."""
        lines = ((each.name, [y for _, y in each.points]) for each in self.series if each.points)
        return [
            (name, sparkline(ys), *map(tick, (ys[0], ys[-1], min(ys), max(ys))))
            for name, ys in lines
        ]

    @property
    def stretches(self) -> str:
        """The bands as a sentence; empty if there are none."""
        ends = (f"{each.name} {tick(each.start)}–{tick(each.end)}" for each in self.bands)
        return f"Shaded ({self.x_label}): {', '.join(ends)}." if self.bands else ""


def draw(chart: Chart) -> str:
    """Return the chart as one `<svg>` element; empty if there is nothing to draw."""
    if not any(series.points for series in chart.series):
        return ""
    lines = (f"{name} from {first} to {last}" for name, _, first, last, *_ in chart.numbers)
    return as_page_svg(specification(chart), f"{chart.title}: {', '.join(lines)}")


def as_page_svg(specification: Json, label: str) -> str:
    """Draw a specification as an `<svg>` element of a page; `label` is read aloud."""
    import vl_convert  # 85 MB with its own JavaScript engine, so only where there is a chart

    svg = vl_convert.vegalite_to_svg(specification, allowed_base_urls=[])
    label = escape(visible(label))
    svg = re.sub(
        r'^<svg[^>]*(viewBox="[^"]*")[^>]*>',
        lambda found: f'<svg {found[1]} role="img" aria-label="{label}">',
        svg,
    )
    return _POINTED.sub(r"<\1\3><title>\2</title></\1>", svg)


def specification(chart: Chart) -> Json:
    """Return the chart in Vega-Lite's terms."""
    names = [visible(series.name) for series in chart.series]
    colors = [palette(series.color) for series in chart.series]
    longest = 6 * max(map(len, names)) + 30
    columns = min(max(1, int((WIDTH - 40) / longest)), 4)
    legend = {"columns": columns} if len(set(colors)) > 1 else None
    color = {
        "field": "series",
        "type": "nominal",
        "scale": {"domain": names, "range": colors},
        "legend": legend,
    }
    layers = _areas(chart, color) if chart.stacked else _lines(chart, color)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": 4,
        "background": None,
        "layer": [*_bands(chart), *layers],
        "config": json.loads(CONFIG.read_text(encoding="utf-8")),
    }


def palette(color: int | None) -> str:
    """Return the style's variable of a palette entry, or of the text."""
    return "var(--ink)" if color is None else f"var(--c{color % NUM_COLORS})"


def _place(chart: Chart) -> Json:
    """The two axes, the same in every layer."""
    return {
        "x": {
            "field": "x",
            "type": "quantitative",
            "title": chart.x_label,
            "scale": {"domain": _ends(chart), "nice": False},
        },
        "y": {
            "field": "y",
            "type": "quantitative",
            "title": chart.y_label,
            "scale": {"zero": chart.from_zero or chart.stacked},
        },
    }


def _ends(chart: Chart) -> list[float]:
    """Where the x axis begins and ends."""
    ends = [x for series in chart.series for x, _ in series.points]
    ends += [end for band in chart.bands for end in (band.start, band.end)]
    low, high = min(0.0, *ends), max(ends)
    return [low, high if high > low else low + 1]


def _rows(chart: Chart, series: Series, order: int) -> list[Json]:
    name = visible(series.name)
    return [
        {
            "x": x,
            "y": y,
            "series": name,
            "order": order,
            "hover": f"{name}: {tick(y)} {chart.y_label} at {tick(x)} ({chart.x_label})",
        }
        for x, y in series.points
    ]


def _lines(chart: Chart, color: Json) -> list[Json]:
    lines = [row for i, each in enumerate(chart.series) for row in _rows(chart, each, i)]
    marked = [each for each in chart.series if each.markers or len(each.points) == 1]
    points = [row for each in marked for row in _rows(chart, each, 0)]
    place = _place(chart)
    shapes = [SHAPES[(each.color or 0) % NUM_COLORS] for each in chart.series]
    scale = {"domain": color["scale"]["domain"], "range": shapes}
    shape = {"field": "series", "type": "nominal", "scale": scale, "legend": color["legend"]}
    return [
        {
            "data": {"values": lines},
            "mark": {"type": "line", "strokeWidth": 1.6, "aria": False},
            "encoding": {**place, "color": color},
        },
        {
            "data": {"values": points},
            "mark": {"type": "point", "filled": True, "size": 36, "opacity": 1},
            "encoding": {
                **place,
                "color": color,
                "shape": shape,
                "description": {"field": "hover"},
            },
        },
    ]


def _areas(chart: Chart, color: Json) -> list[Json]:
    rows = [row for i, each in enumerate(chart.series) for row in _rows(chart, each, i)]
    place = _place(chart)
    place["y"] = {**place["y"], "stack": "zero"}
    encoding = {**place, "color": color, "order": {"field": "order", "type": "quantitative"}}
    mark = {"type": "area", "aria": False, "line": False}
    return [{"data": {"values": rows}, "mark": mark, "encoding": encoding}]


def _bands(chart: Chart) -> list[Json]:
    """Shaded stretches, with a strip and their names above them."""
    if not chart.bands:
        return []
    x = _place(chart)["x"]
    shades = [
        {
            "x": band.start,
            "end": band.end,
            "color": "var(--plain)" if band.color is None else palette(band.color),
            "hover": visible(f"{band.name}: {band.detail}" if band.detail else band.name),
        }
        for band in chart.bands
    ]
    color = {"field": "color", "type": "nominal", "scale": None, "legend": None}
    ends = {"x": x, "x2": {"field": "end"}, "fill": color}
    strip = {"type": "rect", "y": 0, "y2": -4, "aria": False}
    name = {"type": "text", "color": "var(--ink)", "fontSize": 11.5, "aria": False}
    return [
        {
            "data": {"values": shades},
            "mark": {"type": "rect", "opacity": 0.1, "strokeWidth": 0},
            "encoding": {**ends, "description": {"field": "hover"}},
        },
        {"data": {"values": shades}, "mark": strip, "encoding": ends},
        *(
            {
                "data": {"values": [{"x": (band.start + band.end) / 2}]},
                "mark": {**name, "y": -11 - 13 * row, "text": visible(band.name)},
                "encoding": {"x": x},
            }
            for band, row in band_names(chart)
        ),
    ]


def band_names(chart: Chart) -> list[tuple[Band, int]]:
    """Return the bands whose name has room, with its row: the lowest of two that is free."""
    low, high = _ends(chart)
    ends, placed = [-math.inf, -math.inf], []
    for band in chart.bands:
        middle = ((band.start + band.end) / 2 - low) / (high - low) * (WIDTH - 60)
        half = len(band.name) * LETTER / 2
        free = [row for row, end in enumerate(ends) if end + LETTER <= middle - half]
        if free:
            ends[free[0]] = middle + half
            placed.append((band, free[0]))
    return placed
