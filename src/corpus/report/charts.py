"""Charts as SVG text, drawn by hand: no library, no script. Colours are classes (`c0` … `c7`) that the page's style gives a value.

All lengths are in the units of the viewBox, `WIDTH` wide: narrow enough that the text stays readable on a phone.
"""

import math
from collections.abc import Callable, Sequence
from html import escape

from corpus.report.blocks import AreaChart, Band, Bar, BarChart, Figure, LineChart, Series
from corpus.report.formats import visible

WIDTH = 440
NUM_COLORS = 8
LEFT, RIGHT, BOTTOM, PLOT_HEIGHT = 44, 12, 40, 190
FONT = 12.5
PHASE_FONT = 11.5
ROW = 15
"""Height of a row of small labels."""

SLACK = 0.05
"""Part of a tick's distance by which a curve may stand out over the last tick, rather than leave the room to the next one empty."""

MAX_LABEL_ROWS = 3
"""Rows above a plot for the names of its phases; a name that fits in none is left to the hover text."""


def draw(chart: Figure) -> str:
    """Return the chart as one `<svg>` element."""
    if isinstance(chart, BarChart):
        return _draw_bars(chart)
    return _draw_areas(chart) if isinstance(chart, AreaChart) else _draw_lines(chart)


def clean(text: str) -> str:
    """Escape text for HTML and SVG, within elements and within quoted attributes."""
    return escape(visible(text), quote=True)


def text_width(text: str, font: float = FONT) -> float:
    """Estimate how wide a text is set in the page's sans-serif."""
    return 0.58 * font * len(text)


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round numbers that span `low` to `high`, but for `SLACK` of a step at each end."""
    if not math.isfinite(low) or not math.isfinite(high):
        return [0.0, 1.0]
    if high - low < 1e-12 * max(1.0, abs(high)):
        spread = abs(high) * 0.1 or 1.0
        low, high = low - spread, high + spread
    raw = (high - low) / max(count - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.floor(low / step + SLACK), math.ceil(high / step - SLACK)
    return [index * step for index in range(first, last + 1)]


def format_tick(value: float) -> str:
    """Write a tick in at most four digits."""
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def color_class(color: int | None, *, neutral: str = "plain") -> str:
    """Return the class of a palette entry, or the neutral one."""
    return neutral if color is None else f"c{color % NUM_COLORS}"


def marker(color: int | None, x: float, y: float) -> str:
    """Return the marker of a palette entry: shapes differ as well as colours."""
    r = 3.2
    shapes = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}"/>',
        f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}"/>',
        _path((x, y - 4), (x + 3.8, y + 3), (x - 3.8, y + 3)),
        _path((x, y - 4.4), (x + 4.4, y), (x, y + 4.4), (x - 4.4, y)),
        _path((x, y + 4), (x + 3.8, y - 3), (x - 3.8, y - 3)),
        f'<circle class="hollow" cx="{x:.1f}" cy="{y:.1f}" r="{r}"/>',
        f'<rect class="hollow" x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}"/>',
        _path((x - 4, y), (x + 3, y - 3.8), (x + 3, y + 3.8)),
    )
    return f'<g class="mark {color_class(color, neutral="ink")}">{shapes[(color or 0) % len(shapes)]}</g>'


def _path(*points: tuple[float, float], close: bool = True) -> str:
    return f'<path d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in points)}{"Z" if close else ""}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "tick") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{clean(text)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{clean(title)}">{"".join(parts)}</svg>'


class _Plot:
    """A rectangle with axes that turns data into places on the drawing."""

    def __init__(self, xs: tuple[float, float], y_ticks: Sequence[float], top: float) -> None:
        self.x_low, self.x_high = xs if xs[1] > xs[0] else (xs[0], xs[0] + 1)
        self.y_ticks, self.top, self.bottom = y_ticks, top, top + PLOT_HEIGHT
        self.height = self.bottom + BOTTOM

    def x(self, value: float) -> float:
        share = (value - self.x_low) / (self.x_high - self.x_low)
        return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = self.y_ticks[0], self.y_ticks[-1]
        return self.bottom - (value - low) / (high - low) * PLOT_HEIGHT

    def axes(self, x_label: str, y_label: str) -> list[str]:
        parts = [_text(0, 11, y_label, kind="axis")]
        for value in self.y_ticks:
            parts.append(_line(LEFT, self.y(value), WIDTH - RIGHT, self.y(value), "grid"))
            parts.append(_text(LEFT - 6, self.y(value) + 4, format_tick(value), anchor="end"))
        for value in nice_ticks(self.x_low, self.x_high, 6):
            if self.x_low <= value <= self.x_high * (1 + 1e-9):
                parts.append(
                    _line(self.x(value), self.bottom, self.x(value), self.bottom + 4, "rule")
                )
                parts.append(
                    _text(self.x(value), self.bottom + 17, format_tick(value), anchor="middle")
                )
        parts.append(_line(LEFT, self.bottom, WIDTH - RIGHT, self.bottom, "rule"))
        parts.append(
            _text(
                (LEFT + WIDTH - RIGHT) / 2, self.bottom + 35, x_label, anchor="middle", kind="axis"
            )
        )
        return parts


def _draw_lines(chart: LineChart) -> str:
    points = [point for series in chart.series for point in series.points]
    if not points:
        return _svg(40, chart.title, [_text(0, 24, "No points to draw yet.")])
    start = min(0.0, *(x for x, _ in points), *(band.start for band in chart.bands))
    end = max(*(x for x, _ in points), *(band.end for band in chart.bands), start)
    lowest = 0.0 if chart.from_zero else min(y for _, y in points)
    ticks = nice_ticks(lowest, max(y for _, y in points))
    rows = place_labels(
        chart.bands,
        lambda value: LEFT + (value - start) / max(end - start, 1e-12) * (WIDTH - LEFT - RIGHT),
    )
    plot = _Plot(
        (start, end), ticks, 22 + ROW * (1 + max((row for row, _ in rows.values()), default=-1))
    )
    parts = _bands(chart.bands, rows, plot) + plot.axes(chart.x_label, chart.y_label)
    for series in chart.series:
        parts.append(_curve(series, plot))
    return _svg(plot.height, chart.title, parts)


def _curve(series: Series, plot: _Plot) -> str:
    places = [(plot.x(x), plot.y(y)) for x, y in series.points]
    line = (
        f'<g class="curve {color_class(series.color, neutral="ink")}">{_path(*places, close=False)}</g>'
        if len(places) > 1
        else ""
    )
    show = series.markers or len(places) == 1
    return line + "".join(marker(series.color, x, y) for x, y in places if show)


def place_labels(
    bands: Sequence[Band], place: Callable[[float], float]
) -> dict[int, tuple[int, float]]:
    """Give each band's name a row and a middle so that no two overlap; names that fit nowhere are left out."""
    ends: list[float] = [-math.inf] * MAX_LABEL_ROWS
    placed: dict[int, tuple[int, float]] = {}
    for index, band in enumerate(bands):
        half = text_width(band.name, PHASE_FONT) / 2
        middle = min(max((place(band.start) + place(band.end)) / 2, LEFT + half), WIDTH - half)
        row = next((row for row in range(MAX_LABEL_ROWS) if ends[row] + 10 <= middle - half), None)
        if row is not None:
            ends[row] = middle + half
            placed[index] = (row, middle)
    return placed


def _bands(bands: Sequence[Band], rows: dict[int, tuple[int, float]], plot: _Plot) -> list[str]:
    parts = []
    for index, band in enumerate(bands):
        left, right = plot.x(band.start), plot.x(band.end)
        hover = clean(f"{band.name}: {band.detail}" if band.detail else band.name)
        shade = f'<rect x="{left:.1f}" y="{plot.top:.1f}" width="{max(right - left, 0):.1f}" height="{PLOT_HEIGHT}"/>'
        strip = f'<rect class="strip" x="{left:.1f}" y="{plot.top - 4:.1f}" width="{max(right - left - 1, 0.5):.1f}" height="4"/>'
        parts.append(
            f'<g class="band {color_class(band.color)}"><title>{hover}</title>{shade}{strip}</g>'
        )
        if index in rows:
            row, middle = rows[index]
            parts.append(
                _text(middle, plot.top - 8 - ROW * row, band.name, anchor="middle", kind="phase")
            )
    return parts


def _draw_areas(chart: AreaChart) -> str:
    if not chart.layers or not chart.layers[0].points:
        return _svg(40, chart.title, [_text(0, 24, "No points to draw yet.")])
    xs = [x for x, _ in chart.layers[0].points]
    base = [0.0] * len(xs)
    tops = []
    for layer in chart.layers:
        base = [below + y for below, (_, y) in zip(base, layer.points, strict=True)]
        tops.append(base)
    plot = _Plot((min(xs), max(xs)), nice_ticks(0.0, max(base)), 22)
    parts = []
    for layer, upper, lower in zip(chart.layers, tops, [[0.0] * len(xs), *tops], strict=False):
        edge = [(plot.x(x), plot.y(y)) for x, y in zip(xs, upper, strict=True)]
        back = [(plot.x(x), plot.y(y)) for x, y in zip(xs, lower, strict=True)][::-1]
        parts.append(
            f'<g class="area {color_class(layer.color)}"><title>{clean(layer.name)}</title>{_path(*edge, *back)}</g>'
        )
    return _svg(plot.height, chart.title, plot.axes(chart.x_label, chart.y_label) + parts)


def _draw_bars(chart: BarChart) -> str:
    bars = [bar for _, group in chart.groups for bar in group]
    if not bars:
        return _svg(40, chart.title, [_text(0, 24, "Nothing to draw yet.")])
    left = min(max(text_width(bar.label) for bar in bars) + 10, 190)
    room = WIDTH - left - 14 - max(text_width(bar.text) for bar in bars)
    largest = chart.maximum or max(max(bar.value, bar.high or 0.0) for bar in bars) or 1.0
    ticks = [tick for tick in nice_ticks(0.0, largest) if tick <= largest * (1 + 1e-9)]
    body: list[str] = []
    y = 4.0
    for title, group in chart.groups:
        if title:
            y += 18
            body.append(_text(0, y - 4, title, kind="group"))
        for bar in group:
            body += _bar(bar, left, y, room / largest)
            y += 21
        y += 5
    grid = [
        _line(left + tick * room / largest, 2, left + tick * room / largest, y, "grid")
        for tick in ticks
    ]
    scale = [
        _text(left + tick * room / largest, y + 15, format_tick(tick), anchor="middle")
        for tick in ticks
    ]
    label = _text(
        min(left + room / 2, WIDTH - text_width(chart.x_label) / 2),
        y + 33,
        chart.x_label,
        anchor="middle",
        kind="axis",
    )
    return _svg(y + 40, chart.title, [*grid, *body, *scale, label])


def _bar(bar: Bar, left: float, y: float, unit: float) -> list[str]:
    end = left + max(bar.value, 0.0) * unit
    parts = [
        _text(left - 8, y + 13, bar.label, anchor="end", kind="label"),
        f'<g class="bar {color_class(bar.color)}"><rect x="{left:.1f}" y="{y + 2:.1f}" width="{end - left:.1f}" height="15"/></g>',
    ]
    middle = y + 9.5
    if bar.low is not None and bar.high is not None:
        low, high = left + bar.low * unit, left + bar.high * unit
        parts.append(_line(low, middle, high, middle, "whisker"))
        parts += [_line(x, middle - 4, x, middle + 4, "whisker") for x in (low, high)]
        end = max(end, high)
    parts.append(_text(end + 6, y + 13, bar.text, kind="label"))
    return parts
