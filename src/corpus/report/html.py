"""A page of blocks as one HTML file that needs nothing else: style and drawings inline, no script, no network."""

from corpus.report.blocks import (
    AreaChart,
    BarChart,
    Block,
    Card,
    Cards,
    Choice,
    Code,
    Figure,
    Figures,
    LineChart,
    Page,
    Paragraph,
    Section,
    Table,
)
from corpus.report.charts import clean, color_class, draw, format_tick, marker
from corpus.report.style import STYLE


def render_html(page: Page) -> str:
    """Return the whole file. Every text of the page is escaped; the policy in the head forbids scripts and loading anything."""
    links = "".join(
        f'<li><a href="#s{index}">{clean(section.title)}</a></li>'
        for index, section in enumerate(page.sections)
    )
    body = "\n".join(_section(section, index) for index, section in enumerate(page.sections))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{clean(page.title)}</title>
<style>
{STYLE}</style>
</head>
<body>
<header><h1>{clean(page.title)}</h1><p>{clean(page.subtitle)}</p></header>
<nav aria-label="Sections"><ul>{links}</ul></nav>
<main>
{body}
</main>
</body>
</html>
"""


def _section(section: Section, index: int) -> str:
    inner = "\n".join(_block(block) for block in section.blocks)
    return f'<section id="s{index}">\n<h2>{clean(section.title)}</h2>\n{inner}\n</section>'


def _block(block: Block) -> str:
    match block:
        case Paragraph():
            return f"<p{_class('quiet' if block.quiet else '')}>{clean(block.text)}</p>"
        case Table():
            return _table(block)
        case Code():
            return _code(block)
        case Figures():
            return f'<div class="figures">{"".join(map(_figure, block.charts))}</div>'
        case Cards():
            return f'<h3>{clean(block.title)}</h3>\n<div class="cards">{"".join(map(_card, block.cards))}</div>'


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _table(table: Table) -> str:
    caption = f"<caption>{clean(table.title)}</caption>" if table.title else ""
    head = "".join(f'<th scope="col">{clean(column)}</th>' for column in table.columns)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{clean(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    body = f"{caption}<thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody>"
    return (
        f'<div class="scroll"><table{_class("words" if table.words else "")}>{body}</table></div>'
    )


def _code(code: Code) -> str:
    inner = f"<pre><code>{clean(code.text)}</code></pre>"
    if code.folded:
        return f"<details><summary>{clean(code.title)}</summary>{inner}</details>"
    return f"<h3>{clean(code.title)}</h3>\n{inner}"


def _figure(chart: Figure) -> str:
    note = f'<p class="quiet">{clean(chart.note)}</p>' if chart.note else ""
    return f"<figure><figcaption>{clean(chart.title)}</figcaption>{_legend(chart)}{draw(chart)}{note}</figure>"


def _legend(chart: Figure) -> str:
    """Names with their marker and, for lines, the last value; a single line needs none."""
    if isinstance(chart, BarChart):
        return ""
    series = chart.series if isinstance(chart, LineChart) else chart.layers
    if len({entry.color for entry in series}) < 2:
        return ""
    items = []
    for entry in series:
        last = (
            f" <b>{clean(format_tick(entry.points[-1][1]))}</b>"
            if isinstance(chart, LineChart) and entry.points
            else ""
        )
        items.append(
            f"<li>{_swatch(entry.color, square=isinstance(chart, AreaChart))}{clean(entry.name)}{last}</li>"
        )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _swatch(color: int | None, *, square: bool) -> str:
    shape = (
        f'<g class="bar {color_class(color)}"><rect x="0" y="0" width="12" height="12"/></g>'
        if square
        else marker(color, 6, 6)
    )
    return f'<svg viewBox="0 0 12 12" aria-hidden="true">{shape}</svg>'


def _card(card: Card) -> str:
    numbers = " · ".join(
        f"<code>{clean(name)}</code> = {clean(value)}" for name, value in card.numbers
    )
    steps = "".join(
        f"<li><code>{clean(step.written)}</code><br><code>{clean(step.substituted)}</code> = <b>{clean(step.result)}</b></li>"
        for step in card.steps
    )
    if steps:
        program = f"<ol>{steps}</ol>"
    else:
        program = (
            f"<p>Not a program: <code>{clean(card.program)}</code></p>"
            if card.program
            else "<p>No program was given.</p>"
        )
    gold = f"<p>Gold program: <code>{clean(card.gold)}</code></p>" if card.gold else ""
    verdict = "✓ solved" if card.right else "✗ failed"
    return (
        f"<article{_class('card right' if card.right else 'card')}>"
        f'<div><span class="verdict">{verdict}</span> <span class="quiet">{clean(card.title)}</span></div>'
        f'<p class="problem" dir="auto">{clean(card.text)}</p>'
        f"<p>{numbers or 'No numbers were found.'}</p>{program}<p>{clean(card.outcome)}</p>"
        f"<ul>{''.join(map(_choice, card.choices))}</ul>{gold}</article>"
    )


def _choice(choice: Choice) -> str:
    marks = [word for word, holds in (("chosen", choice.chosen), ("key", choice.correct)) if holds]
    suffix = f" <span>← {' and '.join(marks)}</span>" if marks else ""
    return f"<li{_class('picked' if marks else '')}>{clean(choice.letter)}) <bdi>{clean(choice.text)}</bdi>{suffix}</li>"
