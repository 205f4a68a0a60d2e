"""The report stage: reads a run folder, writes `report.html` and `report.md` into it."""

from pathlib import Path

from corpus.base.files import write_text
from corpus.report.about import (
    data_section,
    environment_section,
    events_section,
    recipe_name,
    repeat_section,
    summary_section,
)
from corpus.report.blocks import Page
from corpus.report.cards import cards_section
from corpus.report.contamination import contamination_section
from corpus.report.html import render_html
from corpus.report.markdown import render_markdown
from corpus.report.read import Run, load_run
from corpus.report.results import problems_section, text_section
from corpus.report.training import curves_section, mix_section, time_section

SECTIONS = (
    summary_section,
    problems_section,
    text_section,
    curves_section,
    mix_section,
    cards_section,
    time_section,
    data_section,
    contamination_section,
    events_section,
    environment_section,
    repeat_section,
)
"""The page from top to bottom: results first, the evidence for them next, circumstances last."""


def report(run: Path) -> None:
    """Write `report.html` and `report.md` into the run folder, from what is in the folder alone.

    Parts that are not there yet are named on the page.

    Raises:
        ArtifactError: `run` is no run folder, or one of its files is damaged.
        StorageError: the pages cannot be written; an older report then stays as it was.
    """
    page = make_page(load_run(run))
    html, markdown = render_html(page), render_markdown(page)
    write_text(Path(run) / "report.html", html)
    write_text(Path(run) / "report.md", markdown)


def make_page(run: Run) -> Page:
    """Lay a run out as a page."""
    return Page(
        title=f"Corpus run: {run.folder.resolve().name}",
        subtitle=f"recipe {recipe_name(run)}",
        sections=tuple(section(run) for section in SECTIONS),
    )
