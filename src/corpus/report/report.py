"""The report stage: reads a run folder, writes `report.html` and `report.md` into it."""

from pathlib import Path

from corpus.base.files import write_text
from corpus.report import cards, details, scores, summary, training
from corpus.report.page import Page
from corpus.report.read import Run, load_run
from corpus.report.render import render_html, render_markdown

SECTIONS = (
    scores.problems_section,
    scores.bins_section,
    cards.cards_section,
    scores.text_section,
    training.curves_section,
    training.mix_section,
    training.time_section,
    details.data_section,
    details.contamination_section,
    details.events_section,
    details.settings_section,
    details.environment_section,
    details.repeat_section,
)
"""Below the first screen: results first, the evidence for them next, circumstances last."""


def report(run: Path) -> None:
    """Write `report.html` and `report.md` into the run folder, from what is in the folder alone.

    The page names the parts that are not there yet.

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
        subtitle=summary.subtitle(run),
        verdict=summary.verdict(run),
        missing=run.missing,
        scores=summary.score_tables(run),
        chart=training.loss_chart(run),
        facts=summary.facts(run),
        sections=tuple(section(run) for section in SECTIONS),
    )
