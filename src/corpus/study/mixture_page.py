"""The page of a study of mixtures: report.html and report.md, and its figures with their data."""

from collections.abc import Sequence
from typing import Any

from corpus.base.units import format_count, format_duration
from corpus.report.summary import Verdict
from corpus.study.analyse import limits
from corpus.study.folder import StudyFolder
from corpus.study.mixture_console import (
    LAW_COLUMNS,
    SMALL,
    check,
    columns,
    doubts,
    form,
    laws,
    no_law,
    summary,
    table,
    warning,
)
from corpus.study.mixtures import MixtureStudy
from corpus.study.page import comparisons, frame, level, write_view
from corpus.study.predict import Prediction, prediction
from corpus.study.rows import Row, failures, read_rows


def write_page(study: MixtureStudy, folder: StudyFolder) -> None:
    """Write report.html, report.md and figures/ from the runs that are finished."""
    rows, failed = read_rows(study, folder), failures(study, folder)
    found = prediction(study, folder, rows, failed)
    result = check(study, folder, rows, failed)
    said = summary(study, found, result) if found else no_law(study, folder, rows, failed)
    has_checked = any(each.verdict.mean is not None for each in result.orders)
    complete = len(rows) == len(study.items)
    view = {
        **frame(study, folder, rows, failed),
        **comparisons(study, [result] if has_checked else [], complete=complete),
        "verdict": Verdict(
            level=level(result),
            title=said.rstrip("."),
            sentences=(*_cautions(study, found), limits(study)),
        ),
        "facts": _facts(study, rows),
        "mixtures": _mixtures(found) if found else None,
    }
    write_view(folder, view)


def _cautions(study: MixtureStudy, found: Prediction | None) -> list[str]:
    said = doubts(found) if found else []
    if study.config.model.num_parameters < SMALL:
        text = warning(study)
        said = [*said, f"{text[0].upper()}{text[1:]}."]
    return said


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
