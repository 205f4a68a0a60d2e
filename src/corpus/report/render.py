"""Fill the templates. Every value is escaped for its page unless it was made markup on purpose.

`content.j2` has the words, the same for both pages; `html.j2` and `markdown.j2` how they are set.
"""

import re
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from corpus.base.markdown import clean, one_line
from corpus.base.visible import visible
from corpus.report import formats
from corpus.report.charts import Chart, draw
from corpus.report.forest import Forest
from corpus.report.forest import draw as draw_forest

FILTERS = {
    each.__name__: each
    for each in (formats.between, formats.count, formats.decimal, formats.duration,
                 formats.group, formats.interval, formats.leaves, formats.percent, formats.plain,
                 formats.value_rows, formats.whole)
}  # fmt: skip


def render_html(view: dict[str, Any], *, title: str, content: str = "content.j2") -> str:
    """Return the page as one HTML file that needs nothing else: no script, no network."""
    view = {**view, "title": title, "content": content}
    return _render("page.j2", "html.j2", view, visible, draw=lambda chart: Markup(_draw(chart)))


def _draw(chart: Chart | Forest) -> str:
    return draw_forest(chart) if isinstance(chart, Forest) else draw(chart)


def render_markdown(view: dict[str, Any], *, content: str = "content.j2") -> str:
    """Return the page as Markdown (GitHub's kind)."""
    filters = {"code": code_span, "fence": fence}
    text = _render(content, "markdown.j2", view, lambda text: Markup(clean(text)), **filters)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _render(
    name: str, markup: str, view: dict[str, Any], escape: Callable[[str], str], **filters: Any
) -> str:
    """Fill a template; `escape` sees each value that is no markup yet, before Jinja does."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("corpus.report"),
        extensions=["jinja2.ext.do"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else escape(str(value)),
    )
    environment.filters |= FILTERS | filters
    return environment.get_template(name).render(view, markup=markup)


def code_span(text: str) -> Markup:
    """Write a text as code within a line, whatever backticks it holds."""
    line = one_line(text) or " "
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    ticks = _ticks(line, 1)
    return Markup(f"{ticks}{pad}{line}{pad}{ticks}")


def fence(text: str, language: str = "") -> Markup:
    """Write a text as a block of code, whatever backticks it holds."""
    text = visible(text)
    ticks = _ticks(text, 3)
    return Markup(f"{ticks}{language}\n{text}\n{ticks}")


def _ticks(text: str, shortest: int) -> str:
    """A row of backticks longer than any in the text, so that the text cannot close it."""
    return "`" * max(shortest, 1 + max(map(len, re.findall("`+", text)), default=0))
