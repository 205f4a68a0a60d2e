"""The page of a study of mixtures: report.html and report.md, and its figures with their data."""

from collections.abc import Sequence
from typing import Any

from corpus.base.console import say
from corpus.base.files import read_json, write_text
from corpus.base.units import format_count, format_duration
from corpus.report.render import render_html, render_markdown
from corpus.report.summary import Verdict
from corpus.study.analyse import ScheduleResult, limits
from corpus.study.folder import StudyFolder
from corpus.study.mixture_console import (
    LAW_COLUMNS,
    SMALL,
    check,
    columns,
    doubts,
    form,
    laws,
    summary,
    table,
    warning,
)
from corpus.study.mixtures import MixtureStudy
from corpus.study.page import (
    about_intervals,
    commands,
    comparison_table,
    forest,
    source_table,
    write_figures,
)
from corpus.study.predict import Prediction, prediction
from corpus.study.rows import Row, read_rows
from corpus.study.shares import PROPORTIONAL

_DESIGN = ("kind", "endpoint", "mixtures", "second_dim", "second_budget", "schedules", "seeds",
           "margin", "alpha", "digest")  # fmt: skip


def write_page(study: MixtureStudy, folder: StudyFolder) -> None:
    """Write report.html, report.md and figures/ from the runs that are finished."""
    rows = read_rows(study, folder)
    found = prediction(study, folder, rows)
    view = _view(study, folder, rows, found)
    title = f"Corpus study: {view['name']}"
    write_text(folder.path / "report.html", render_html(view, title=title, content="study.j2"))
    write_text(folder.path / "report.md", render_markdown(view, content="study.j2"))
    write_figures(folder, view)
    say(f"report: {folder.path / 'report.html'}")


def _view(
    study: MixtureStudy, folder: StudyFolder, rows: list[Row], found: Prediction | None
) -> dict[str, Any]:
    design, result = read_json(folder.design), check(study, folder, rows)
    finished = f"{len(rows)} of {len(study.items)} runs are finished"
    sentence = (
        "Nothing can be concluded yet: a law needs every mixture with the same seed."
        if found is None
        else summary(study, found, result)
    )
    small = study.config.model.num_parameters < SMALL
    cautions = [*(doubts(found) if found else []), *([_sentence(warning(study))] if small else [])]
    has_checked = any(each.verdict.mean is not None for each in result.orders)
    return {
        "name": folder.path.resolve().name,
        "line": f"recipe {study.config.recipe} · begun {design['date'][:16].replace('T', ' ')}",
        "verdict": Verdict(
            level=_level(rows, result),
            title=sentence.rstrip("."),
            sentences=(*cautions, limits(study)),
        ),
        "missing": () if len(rows) == len(study.items) else (f"{finished}.",),
        "facts": _facts(study, rows),
        "tables": [comparison_table(study, "pretrained", result)] if has_checked else [],
        "about_intervals": about_intervals(result),
        "forests": [forest(study, "pretrained", result)] if has_checked else [],
        "sources": [source_table("pretrained", result)] if has_checked else [],
        "mixtures": _mixtures(found) if found else None,
        "problems": [],
        "curves": [],
        "retention": [],
        "design": {name: design[name] for name in _DESIGN},
        "noun": study.noun,
        "control": PROPORTIONAL,
        "limits": limits(study),
        "commands": commands(folder, design, rows),
    }


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _level(rows: Sequence[Row], result: ScheduleResult) -> str:
    claims = [each.verdict.claim for each in result.orders]
    return "good" if "better" in claims else "fair" if rows else "unknown"


def _facts(study: MixtureStudy, rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    first, second = study.config.model, study.second_model
    tokens = study.second_steps * study.config.batch_tokens
    seconds = sum(row["seconds"] for row in rows)
    return [
        (
            "First size",
            f"{format_count(first.num_parameters)} parameters",
            f"width {first.dim}, {format_count(study.num_tokens)} tokens each run",
        ),
        (
            "Second size",
            f"{format_count(second.num_parameters)} parameters",
            f"width {second.dim}, {format_count(tokens)} tokens each run",
        ),
        ("Runs", f"{len(rows)} of {len(study.items)}", f"{study.seeds} seeds at most"),
        ("Training time", format_duration(seconds), "of all finished runs"),
    ]


def _mixtures(found: Prediction) -> dict[str, Any]:
    slopes = [
        (name, *(f"{slope:.3f}" for slope in each.law.slopes)) for name, each in found.fits.items()
    ]
    return {
        "form": form(found),
        "shares": (columns(found), table(found)),
        "laws": (LAW_COLUMNS, laws(found)),
        "slopes": (("held-out loss", *found.sources), slopes),
    }
