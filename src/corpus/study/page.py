"""The page of a study: report.html and report.md, and its figures with their data."""

import csv
import io
import re
import shlex
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from corpus.base.console import say
from corpus.base.files import read_json, write_text
from corpus.base.units import format_count, format_duration
from corpus.report.charts import Band, Chart, Series, draw
from corpus.report.forest import Forest, Row
from corpus.report.forest import draw as draw_forest
from corpus.report.formats import percent
from corpus.report.render import render_html, render_markdown
from corpus.report.summary import Verdict
from corpus.study import rows as rows_of
from corpus.study.analyse import (
    ScheduleResult,
    analyse,
    bounds,
    conclude,
    finding,
    limits,
    shown_interval,
    signed,
    uneven,
)
from corpus.study.design import Design, Study
from corpus.study.folder import Item, StudyFolder
from corpus.study.measure import LOSSES, read_retention
from corpus.study.orders import CONTROL
from corpus.train.metrics import read_history

BINS = 16
"""Points of a retention curve."""

COLORS = {"better": 2, "worse": 3, "equal": 0, "undecided": 7}
"""Palette entries of the claims."""

NAT = "nats per token"


def write_page(study: Study, folder: StudyFolder) -> None:
    """Write report.html, report.md and figures/ from the runs that are finished."""
    rows, failed = rows_of.read_rows(study, folder), rows_of.failures(study, folder)
    results = analyse(study, folder, rows, failed)
    view = {
        **frame(study, folder, rows, failed),
        **comparisons(study, results, complete=len(rows) == len(study.items)),
        "verdict": Verdict(
            level=level(results[0]),
            title=conclude(study, results[0]).rstrip("."),
            sentences=(limits(study),),
        ),
        "facts": _facts(study, rows),
        "problems": _problems(study, rows),
        "curves": _curves(study, folder, rows),
        "retention": _retention(study, folder, rows),
    }
    write_view(folder, view)


def write_view(folder: StudyFolder, view: dict[str, Any]) -> None:
    """Write report.html, report.md and figures/ from what `study.j2` reads."""
    title = f"Corpus study: {view['name']}"
    write_text(folder.path / "report.html", render_html(view, title=title, content="study.j2"))
    write_text(folder.path / "report.md", render_markdown(view, content="study.j2"))
    _write_figures(folder, view)
    say(f"report: {folder.path / 'report.html'}")


def frame(
    study: Design, folder: StudyFolder, rows: Sequence[rows_of.Row], failed: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the pages of all kinds of study have; a kind adds its own sections."""
    design = read_json(folder.design)
    complete = len(rows) == len(study.items)
    missing = [] if complete else [f"{len(rows)} of {len(study.items)} runs are finished."]
    missing += [f"{name} failed: {why}. {study.left_out}" for name, why in failed.items()]
    missing += [sentence for sentence in [uneven(study, rows)] if sentence]
    shown = ("kind", "endpoint", *study.recorded, "digest")
    return {
        "name": folder.path.resolve().name,
        "line": f"recipe {study.config.recipe} · begun {design['date'][:16].replace('T', ' ')}",
        "missing": tuple(missing),
        "mixtures": None,
        "problems": [],
        "curves": [],
        "retention": [],
        "design": {name: design[name] for name in shown if name in design},
        "noun": study.noun,
        "control": study.control,
        "limits": limits(study),
        "commands": _commands(folder, design, rows),
    }


def comparisons(
    study: Design, results: Sequence[ScheduleResult], *, complete: bool
) -> dict[str, Any]:
    """Return the sections of the page that compare families of runs."""
    return {
        "tables": [_table(study, result, complete=complete) for result in results],
        "about_intervals": (
            f"Differences are of the loss to {study.control}, in {NAT}: below 0 is better. The "
            "first interval and the verdict hold however often one looks. Of the verdicts of a "
            f"table that are better or worse, at most {100 * study.alpha:g} % are expected to be "
            f"false. Dunnett's interval holds for all {study.noun}s together if one looks once, at "
            "the end, so it stands here once the study is complete; it assumes that all "
            f"{study.noun}s scatter alike. The last interval is over seeds and held-out documents, "
            f"for this {study.noun} alone and one look."
        ),
        "forests": [_forest(study, result) for result in results],
        "sources": [_sources(study, result) for result in results if result.measure.phase],
    }


def level(result: ScheduleResult) -> str:
    """Return how a page's verdict is coloured: good once there is a claim."""
    claims = {each.verdict.claim for each in result.orders}
    return "good" if claims - {"undecided"} else "unknown"


def _facts(study: Study, rows: Sequence[rows_of.Row]) -> list[tuple[str, str, str]]:
    shape = study.config.model
    seconds = sum(row["seconds"] for row in rows)
    return [
        (
            "Model",
            f"{format_count(shape.num_parameters)} parameters",
            f"{shape.num_layers} layers of width {shape.dim}",
        ),
        (
            "Each run",
            f"{format_count(study.num_tokens)} tokens",
            f"{study.num_steps:,} steps; the same sequences in every order",
        ),
        ("Runs", f"{len(rows)} of {len(study.items)}", f"{study.seeds} seeds at most"),
        ("Training time", format_duration(seconds), "of all finished runs"),
    ]


def _table(
    study: Design, result: ScheduleResult, *, complete: bool
) -> tuple[str, tuple[str, ...], list[tuple[str, ...]], str]:
    percent_sure = f"{100 * (1 - study.alpha):g} %"
    columns = (
        study.noun, "seeds", "difference", "scatter", f"{percent_sure} at any time", "e-value",
        "verdict", "Dunnett's interval", "adjusted p", "over documents too",
    )  # fmt: skip
    rows = [(study.control, str(len(result.control)), *["–"] * (len(columns) - 2))]
    for each in result.orders:
        known, crossed = each.verdict, each.crossed
        contrast = each.contrast if complete else None
        rows.append(
            (
                each.order,
                str(known.num_seeds),
                signed(known.mean),
                "–" if known.deviation is None else f"{known.deviation:.3f}",
                bounds(shown_interval(known)),
                f"{known.e_value:.3g}",
                f"equal within {study.margin:g}" if known.claim == "equal" else str(known),
                "–" if contrast is None else bounds(contrast.interval),
                "–" if contrast is None else f"{contrast.p_value:.3g}",
                "–" if crossed is None else bounds(crossed.interval),
            )
        )
    title = f"{study.noun.capitalize()}s by {result.measure.title}, {result.family}"
    return title, columns, rows, finding(study, result)


def _forest(study: Design, result: ScheduleResult) -> Forest:
    rows = [
        Row(
            name=each.order,
            value=each.verdict.mean,
            low=shown_interval(each.verdict)[0],
            high=shown_interval(each.verdict)[1],
            color=COLORS[each.verdict.claim],
        )
        for each in result.orders
        if each.verdict.mean is not None
    ]
    return Forest(
        title=f"Loss less that of {study.control}, {result.measure.title}, {result.family}",
        x_label=f"difference, {NAT}",
        rows=tuple(rows),
        margin=study.margin,
    )


def _sources(
    study: Design, result: ScheduleResult
) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    names = list(dict.fromkeys(name for each in result.orders for name in each.by_source))
    rows = [
        (each.order, *(signed(each.by_source[name]) for name in names))
        for each in result.orders
        if each.by_source
    ]
    return f"{result.measure.title}, {result.family}", (study.noun, *names), rows


def _problems(
    study: Study, rows: Sequence[rows_of.Row]
) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """Return a table for each problem set and schedule."""
    names = dict.fromkeys(
        column.removeprefix("num_problems_")
        for row in rows
        for column in row
        if column.startswith("num_problems_")
    )
    fields = {"accuracy": "accuracy", "accuracy_unseen": "unseen templates",
              "accuracy_value": "value right", "program_loss": "loss of gold programs",
              "nearest": "nearest neighbour", "majority": "majority"}  # fmt: skip
    tables = []
    for name in names:
        for schedule in study.schedules:
            own = [row for row in rows if row["schedule"] == schedule]
            lines = []
            for order in study.orders:
                of_order = [row for row in own if row["order"] == order]
                if of_order:
                    cells = (_mean(of_order, f"{field}_{name}") for field in fields)
                    lines.append((order, str(len(of_order)), *cells))
            tables.append(
                (f"{name}, schedule {schedule}", ("order", "seeds", *fields.values()), lines)
            )
    return tables


def _mean(rows: Sequence[rows_of.Row], column: str) -> str:
    values = [row[column] for row in rows if row.get(column) is not None]
    if not values:
        return "–"
    mean = sum(values) / len(values)
    return f"{mean:.3f}" if column.startswith("program_loss") else percent(mean)


def _finished(study: Study, rows: Sequence[rows_of.Row], schedule: str, order: str) -> list[Item]:
    names = {row["run"] for row in rows}
    return [
        item
        for item in study.items
        if (item.order, item.schedule) == (order, schedule) and item.name in names
    ]


def _curves(study: Study, folder: StudyFolder, rows: Sequence[rows_of.Row]) -> list[Chart]:
    """Return each order's held-out losses over tokens under the first schedule."""
    charts = []
    for order in study.orders:
        items = _finished(study, rows, study.schedules[0], order)
        paths = [folder.run(item).path / "metrics.jsonl" for item in items]
        histories = [read_history(path) for path in paths if path.exists()]
        points = [
            [each for each in history.validation if each.phase == "pretrain"]
            for history in histories
        ]
        shared = min((len(each) for each in points), default=0)
        if not shared:
            continue
        own = [row for row in rows if row["run"] in {item.name for item in items}]
        series = []
        for color, name in enumerate(points[0][0].loss):
            curve = [
                (
                    points[0][at].tokens / study.num_tokens,
                    float(np.mean([each[at].loss[name] for each in points])),
                )
                for at in range(shared)
            ]
            curve.append((1.0, float(np.mean([row[f"loss_{name}"] for row in own]))))
            series.append(Series(name=name, points=tuple(curve), color=color, markers=True))
        bands = _bands(histories[0].train, study.num_tokens)
        charts.append(
            Chart(
                title=f"Held-out loss by source: {order}, schedule {study.schedules[0]}",
                x_label="share of the tokens read",
                y_label=NAT,
                series=tuple(series),
                bands=bands,
            )
        )
    return charts


def _bands(train: Sequence[Any], num_tokens: int) -> tuple[Band, ...]:
    """Return the stretches in which one source is most of what is read."""
    bands: list[Band] = []
    before: dict[str, int] = {}
    start = 0.0
    for point in train:
        if point.phase != "pretrain" or not point.consumed:
            continue
        end = point.tokens / num_tokens
        read = {name: number - before.get(name, 0) for name, number in point.consumed.items()}
        total, (name, most) = sum(read.values()), max(read.items(), key=lambda each: each[1])
        main = name if total and most > 0.6 * total else ""
        if bands and bands[-1].name == main:
            bands[-1] = Band(name=main, start=bands[-1].start, end=end)
        else:
            bands.append(Band(name=main, start=start, end=end))
        before, start = dict(point.consumed), end
    return tuple(band for band in bands if band.name)


def _retention(study: Study, folder: StudyFolder, rows: Sequence[rows_of.Row]) -> list[Chart]:
    """Return how much better training sequences are known than by the control, by when each order
    read them, for each schedule."""
    charts = []
    for schedule in study.schedules:
        base = {
            item.seed: read_retention(folder.run(item).path / LOSSES)[1]
            for item in _finished(study, rows, schedule, CONTROL)
        }
        series = []
        for color, order in enumerate(study.treatments):
            found = [
                (read, loss - base[item.seed])
                for item in _finished(study, rows, schedule, order)
                if item.seed in base
                for read, loss in [read_retention(folder.run(item).path / LOSSES)]
            ]
            if found:
                read, loss = (np.concatenate(each) for each in zip(*found))
                bins = np.minimum((read * BINS).astype(int), BINS - 1)
                points = tuple(
                    ((at + 0.5) / BINS, float(loss[bins == at].mean()))
                    for at in range(BINS)
                    if (bins == at).any()
                )
                series.append(Series(name=order, points=points, color=color))
        if series:
            charts.append(
                Chart(
                    title=f"Final loss on training sequences less that of {CONTROL}, {schedule}",
                    x_label="when the order read them, as a share of the run",
                    y_label=NAT,
                    series=tuple(series),
                )
            )
    return charts


def _commands(
    folder: StudyFolder, design: dict[str, Any], rows: Sequence[rows_of.Row]
) -> list[str]:
    lines = [str(design["command"]), shlex.join(["corpus", "compare", str(folder.path)])]
    if rows:
        again = ["corpus", "compare", str(folder.path), "--repeat", rows[0]["run"]]
        lines.append(shlex.join(again))
    return lines


def _write_figures(folder: StudyFolder, view: dict[str, Any]) -> None:
    """Write each figure as an SVG with the colours of paper, and its data as CSV beside it."""
    colors = _paper_colors()
    groups: dict[str, Sequence[Chart | Forest]] = {
        "differences": view["forests"], "forgetting": view["curves"], "retention": view["retention"]
    }  # fmt: skip
    for kind, charts in groups.items():
        for number, chart in enumerate(charts, start=1):
            drawn = draw_forest(chart) if isinstance(chart, Forest) else draw(chart)
            svg = re.sub(r"var\((--\w+)\)", lambda found: colors[found[1]], drawn)
            svg = svg.replace('font-family="inherit"', 'font-family="sans-serif"')
            svg = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
            name = folder.path / "figures" / f"{kind}-{number}"
            _write(name.with_suffix(".svg"), svg)
            _write(name.with_suffix(".csv"), _data(chart, view["noun"]))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    write_text(path, text)


def _paper_colors() -> dict[str, str]:
    """Return the page's colours on a light ground, by the name of their variable."""
    style = files("corpus.report").joinpath("templates", "style.css").read_text(encoding="utf-8")
    light = style[: style.index("@media")]
    return dict(re.findall(r"(--\w+):\s*([^;]+);", light))


def _data(chart: Chart | Forest, noun: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if isinstance(chart, Forest):
        writer.writerow((noun, "difference", "low", "high"))
        writer.writerows((row.name, row.value, row.low, row.high) for row in chart.rows)
    else:
        writer.writerow(("line", chart.x_label, chart.y_label))
        writer.writerows((each.name, x, y) for each in chart.series for x, y in each.points)
    return text.getvalue()
