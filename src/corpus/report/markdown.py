"""A page of blocks as Markdown (GitHub's kind); curves become rows of small block characters with their numbers."""

import re
from collections.abc import Sequence

from corpus.report.blocks import (
    AreaChart,
    BarChart,
    Block,
    Card,
    Cards,
    Code,
    Figure,
    Figures,
    LineChart,
    Page,
    Paragraph,
    Table,
)
from corpus.report.charts import format_tick
from corpus.report.formats import visible

BLOCKS = "▁▂▃▄▅▆▇█"
SPARK_WIDTH = 24
BAR_WIDTH = 20

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!$])")
_LINE_START = re.compile(r"^(\s*)([-+=]|\d+[.)])(?=\s|$)")


def render_markdown(page: Page) -> str:
    """Return the whole file. Every text of the page is escaped, so that problems cannot add headings, links or HTML."""
    parts = [f"# {clean(page.title)}", clean(page.subtitle)]
    for section in page.sections:
        parts.append(f"## {clean(section.title)}")
        parts += [_block(block) for block in section.blocks]
    return "\n\n".join(part for part in parts if part) + "\n"


def clean(text: str) -> str:
    """Escape a text for a line of Markdown: no markup, no line break, no control characters."""
    return _LINE_START.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", _one_line(text)))


def code_span(text: str) -> str:
    """Write a text as code within a line, whatever backticks it holds."""
    line = _one_line(text) or " "
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{_fence(line, 1)}{pad}{line}{pad}{_fence(line, 1)}"


def _one_line(text: str) -> str:
    return " ".join(visible(text).split())


def _fence(text: str, shortest: int) -> str:
    """A row of backticks longer than any in the text, so that the text cannot close it."""
    return "`" * max(shortest, 1 + max((len(run) for run in re.findall("`+", text)), default=0))


def _block(block: Block) -> str:
    match block:
        case Paragraph():
            return clean(block.text)
        case Table():
            return _table(block.title, block.columns, block.rows, words=block.words)
        case Code():
            return _code(block)
        case Figures():
            return "\n\n".join(map(_figure, block.charts))
        case Cards():
            return "\n\n".join([f"### {clean(block.title)}", *map(_card, block.cards)])


def _table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    words: bool = False,
    drawn: bool = False,
) -> str:
    """A table whose columns of numbers stand to the right; where `drawn`, the second column is a drawing and stands to the left."""
    lines = ["| " + " | ".join(map(clean, columns)) + " |"]
    lines.append(
        "| --- |"
        + "".join(
            " --- |" if words or (drawn and index == 0) else " ---: |"
            for index in range(len(columns) - 1)
        )
    )
    lines += ["| " + " | ".join(map(clean, row)) + " |" for row in rows]
    return (f"**{clean(title)}**\n\n" if title else "") + "\n".join(lines)


def _code(code: Code) -> str:
    text = visible(code.text)
    fence = _fence(text, 3)
    return f"### {clean(code.title)}\n\n{fence}{code.language}\n{text}\n{fence}"


def _figure(chart: Figure) -> str:
    match chart:
        case LineChart():
            return _line_chart(chart)
        case AreaChart():
            return _area_chart(chart)
        case BarChart():
            return _bar_chart(chart)


def _line_chart(chart: LineChart) -> str:
    rows = [
        (
            series.name,
            sparkline([y for _, y in series.points]),
            *map(format_tick, _marks([y for _, y in series.points])),
        )
        for series in chart.series
        if series.points
    ]
    table = _table(
        f"{chart.title} ({chart.y_label})",
        ("line", f"over {chart.x_label}", "first", "last", "lowest", "highest"),
        rows,
        drawn=True,
    )
    bands = ", ".join(
        f"{band.name} {format_tick(band.start)}–{format_tick(band.end)}" for band in chart.bands
    )
    notes = [f"Phases ({chart.x_label}): {bands}."] if bands else []
    return "\n\n".join([table, *map(clean, notes), *([clean(chart.note)] if chart.note else [])])


def _marks(values: Sequence[float]) -> tuple[float, float, float, float]:
    return values[0], values[-1], min(values), max(values)


def _area_chart(chart: AreaChart) -> str:
    """Each layer's own height at five moments."""
    if not chart.layers or not chart.layers[0].points:
        return clean("No points to draw yet.")
    count = len(chart.layers[0].points)
    moments = sorted({round(share * (count - 1)) for share in (0, 0.25, 0.5, 0.75, 1)})
    columns = ["source", *(format_tick(chart.layers[0].points[index][0]) for index in moments)]
    rows = [
        (layer.name, *(format_tick(layer.points[index][1]) for index in moments))
        for layer in chart.layers
    ]
    return _table(f"{chart.title} ({chart.y_label}; columns: {chart.x_label})", columns, rows)


def _bar_chart(chart: BarChart) -> str:
    largest = (
        chart.maximum
        or max((bar.value for _, group in chart.groups for bar in group), default=0)
        or 1
    )
    rows = []
    for title, group in chart.groups:
        for bar in group:
            whisker = (
                f"{bar.low:.1f} – {bar.high:.1f}"
                if bar.low is not None and bar.high is not None
                else ""
            )
            label = f"{title}: {bar.label}" if title else bar.label
            rows.append((label, "█" * round(BAR_WIDTH * bar.value / largest), bar.text, whisker))
    intervals = any(row[3] for row in rows)
    columns = ("", chart.x_label, "value", *(("interval",) if intervals else ()))
    table = _table(
        chart.title, columns, [row if intervals else row[:3] for row in rows], drawn=True
    )
    return "\n\n".join([table, *([clean(chart.note)] if chart.note else [])])


def sparkline(values: Sequence[float]) -> str:
    """Draw values as a row of at most `SPARK_WIDTH` block characters, from the lowest to the highest of them."""
    size = -(-len(values) // SPARK_WIDTH) or 1
    means = [
        sum(values[start : start + size]) / len(values[start : start + size])
        for start in range(0, len(values), size)
    ]
    low, high = min(means, default=0.0), max(means, default=0.0)
    return "".join(
        BLOCKS[round((len(BLOCKS) - 1) * (value - low) / (high - low))] if high > low else BLOCKS[0]
        for value in means
    )


def _card(card: Card) -> str:
    parts = [
        f"#### {'✓ solved' if card.right else '✗ failed'} · {clean(card.title)}",
        f"> {clean(card.text)}",
    ]
    if card.numbers:
        parts.append(" · ".join(f"{clean(name)} = {clean(value)}" for name, value in card.numbers))
    if card.steps:
        parts.append(
            "\n".join(
                f"{i}. {code_span(s.written)}: {code_span(s.substituted)} = **{clean(s.result)}**"
                for i, s in enumerate(card.steps, 1)
            )
        )
    else:
        parts.append(
            f"Not a program: {code_span(card.program)}" if card.program else "No program was given."
        )
    parts.append(clean(card.outcome))
    choices = []
    for choice in card.choices:
        marks = [
            word for word, holds in (("chosen", choice.chosen), ("key", choice.correct)) if holds
        ]
        suffix = f" ← **{' and '.join(marks)}**" if marks else ""
        choices.append(f"- {clean(choice.letter)}\\) {clean(choice.text)}{suffix}")
    parts.append("\n".join(choices))
    if card.gold:
        parts.append(f"Gold program: {code_span(card.gold)}")
    return "\n\n".join(parts)
