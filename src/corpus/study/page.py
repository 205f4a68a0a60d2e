"""The page of a study: report.html and report.md, and its figures with their data."""

import csv
import io
import math
import re
import shlex
from collections.abc import Sequence
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
from corpus.study.analyse import ScheduleResult, analyse, conclude, limits, signed
from corpus.study.console import family
from corpus.study.design import Design, Study
from corpus.study.folder import Item, StudyFolder
from corpus.study.measure import LOSSES, read_retention
from corpus.study.orders import CONTROL
from corpus.train.metrics import read_history

PHASES = {"pretrained": "after pre-training", "finetuned": "after fine-tuning"}

BINS = 16
"""Points of a retention curve."""

LEVELS = {"better": "good", "worse": "poor", "equal": "fair", "undecided": "fair"}

COLORS = {"better": 2, "worse": 3, "equal": 0, "undecided": 7}
"""Palette entries of the claims."""

NAT = "nats per token"


def write_page(study: Study, folder: StudyFolder) -> None:
    """Write report.html, report.md and figures/ from the runs that are finished."""
    rows = rows_of.read_rows(study, folder)
    phases = [phase for phase in PHASES if phase == "pretrained" or study.finetune]
    results = [
        (phase, result) for phase in phases for result in analyse(study, folder, rows, phase=phase)
    ]
    view = _view(study, folder, rows, results)
    title = f"Corpus study: {view['name']}"
    write_text(folder.path / "report.html", render_html(view, title=title, content="study.j2"))
    write_text(folder.path / "report.md", render_markdown(view, content="study.j2"))
    write_figures(folder, view)
    say(f"report: {folder.path / 'report.html'}")


def _view(
    study: Study,
    folder: StudyFolder,
    rows: Sequence[rows_of.Row],
    results: Sequence[tuple[str, ScheduleResult]],
) -> dict[str, Any]:
    design = read_json(folder.design)
    claims = [each.verdict.claim for _, result in results[:1] for each in result.orders]
    level = "good" if "better" in claims else "fair" if rows else "unknown"
    finished = f"{len(rows)} of {len(study.items)} runs are finished"
    sentence = conclude(study, results[0][1])
    return {
        "name": folder.path.resolve().name,
        "line": f"recipe {study.config.recipe} · begun {design['date'][:16].replace('T', ' ')}",
        "verdict": Verdict(level=level, title=sentence.rstrip("."), sentences=(limits(study),)),
        "missing": () if len(rows) == len(study.items) else (f"{finished}.",),
        "facts": _facts(study, rows),
        "tables": [comparison_table(study, phase, result) for phase, result in results],
        "about_intervals": about_intervals(results[0][1]),
        "forests": [forest(study, phase, result) for phase, result in results],
        "sources": [source_table(phase, result) for phase, result in results],
        "mixtures": None,
        "problems": _problems(study, rows),
        "curves": _curves(study, folder, rows),
        "retention": _retention(study, folder, rows),
        "design": {name: design[name] for name in _DESIGN},
        "noun": study.noun,
        "control": CONTROL,
        "limits": limits(study),
        "commands": commands(folder, design, rows),
    }


def about_intervals(result: ScheduleResult) -> str:
    """Return what the columns of a comparison mean."""
    return (
        f"Differences are of the mean held-out loss to {result.control_name}, in {NAT}: below 0 is "
        f"better. The first interval holds however often one looks. Dunnett's holds for all "
        f"{result.noun}s together, if one looks once, at the end. The last one is over seeds and "
        "held-out documents."
    )


_DESIGN = ("endpoint", "orders", "schedules", "seeds", "finetune", "difficulty", "margin", "alpha",
           "digest")  # fmt: skip


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


def comparison_table(
    study: Design, phase: str, result: ScheduleResult
) -> tuple[str, tuple[str, ...], list[tuple[str, ...]], str]:
    percent_sure = f"{100 * (1 - study.alpha):g} %"
    columns = (
        result.noun, "seeds", "difference", f"{percent_sure} at any time", "e-value", "verdict",
        "Dunnett's interval", "adjusted p", "over documents too",
    )  # fmt: skip
    rows = [(result.control_name, str(len(result.control)), *["–"] * (len(columns) - 2))]
    for each in result.orders:
        known, contrast, crossed = each.verdict, each.contrast, each.crossed
        rows.append(
            (
                each.order,
                str(known.num_seeds),
                signed(known.mean),
                _bounds(known.interval),
                f"{known.e_value:.3g}",
                f"equal within {study.margin:g}" if known.claim == "equal" else str(known),
                "–" if contrast is None else _bounds(contrast.interval),
                "–" if contrast is None else f"{contrast.p_value:.3g}",
                "–" if crossed is None else _bounds(crossed.interval),
            )
        )
    title = f"{result.noun.capitalize()}s {PHASES[phase]}, {family(result)}"
    return title, columns, rows, conclude(study, result)


def _bounds(interval: tuple[float, float]) -> str:
    if not all(map(math.isfinite, interval)):
        return "–"
    return f"{signed(interval[0])} to {signed(interval[1])}"


def forest(study: Design, phase: str, result: ScheduleResult) -> Forest:
    rows = [
        Row(
            name=each.order,
            value=each.verdict.mean,
            low=each.verdict.interval[0],
            high=each.verdict.interval[1],
            color=COLORS[each.verdict.claim],
        )
        for each in result.orders
        if each.verdict.mean is not None
    ]
    return Forest(
        title=f"Loss less that of {result.control_name}, {PHASES[phase]}, {family(result)}",
        x_label=f"difference, {NAT} (left is better)",
        rows=tuple(rows),
        margin=study.margin,
    )


def source_table(
    phase: str, result: ScheduleResult
) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    names = list(dict.fromkeys(name for each in result.orders for name in each.by_source))
    rows = [
        (each.order, *(signed(each.by_source[name]) for name in names))
        for each in result.orders
        if each.by_source
    ]
    return f"{PHASES[phase]}, {family(result)}", (result.noun, *names), rows


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
    items = [Item(order=order, schedule=schedule, seed=seed) for seed in range(study.seeds)]
    return [item for item in items if item.name in names]


def _curves(study: Study, folder: StudyFolder, rows: Sequence[rows_of.Row]) -> list[Chart]:
    """Return each order's held-out losses over tokens under the first schedule."""
    charts = []
    for order in study.orders:
        items = _finished(study, rows, study.schedules[0], order)
        histories = [read_history(folder.run(item).path / "metrics.jsonl") for item in items]
        points = [
            [each for each in history.validation if each.phase == "pretrain"]
            for history in histories
        ]
        shared = min((len(each) for each in points), default=0)
        if not shared:
            continue
        series = [
            Series(
                name=name,
                points=tuple(
                    (
                        points[0][at].tokens / study.num_tokens,
                        float(np.mean([each[at].loss[name] for each in points])),
                    )
                    for at in range(shared)
                ),
                color=color,
                markers=True,
            )
            for color, name in enumerate(points[0][0].loss)
        ]
        bands = _bands(histories[0].train, study.num_tokens)
        charts.append(
            Chart(
                title=f"Held-out loss by source: {order}",
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
    """Return the final loss on training sequences by when they were read, for each schedule."""
    charts = []
    for schedule in study.schedules:
        series = []
        for color, order in enumerate(study.orders):
            found = [
                read_retention(folder.run(item).path / LOSSES)
                for item in _finished(study, rows, schedule, order)
            ]
            if found:
                loss = np.mean([losses for _, losses in found], axis=0)
                parts = zip(np.array_split(found[0][0], BINS), np.array_split(loss, BINS))
                points = tuple((float(x.mean()), float(y.mean())) for x, y in parts if len(x))
                series.append(Series(name=order, points=points, color=color))
        if series:
            charts.append(
                Chart(
                    title=f"Loss on what was read, at the end, schedule {schedule}",
                    x_label="when it was read, as a share of the run",
                    y_label=NAT,
                    series=tuple(series),
                )
            )
    return charts


def commands(folder: StudyFolder, design: dict[str, Any], rows: Sequence[rows_of.Row]) -> list[str]:
    lines = [str(design["command"]), shlex.join(["corpus", "compare", str(folder.path)])]
    if rows:
        again = ["corpus", "compare", str(folder.path), "--repeat", rows[0]["run"]]
        lines.append(shlex.join(again))
    return lines


def write_figures(folder: StudyFolder, view: dict[str, Any]) -> None:
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
            _write(name.with_suffix(".csv"), _data(chart))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    write_text(path, text)


def _paper_colors() -> dict[str, str]:
    """Return the page's colours on a light ground, by the name of their variable."""
    style = files("corpus.report").joinpath("templates", "style.css").read_text(encoding="utf-8")
    light = style[: style.index("@media")]
    return dict(re.findall(r"(--\w+):\s*([^;]+);", light))


def _data(chart: Chart | Forest) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if isinstance(chart, Forest):
        writer.writerow(("order", "difference", "low", "high"))
        writer.writerows((row.name, row.value, row.low, row.high) for row in chart.rows)
    else:
        writer.writerow(("line", chart.x_label, chart.y_label))
        writer.writerows((each.name, x, y) for each in chart.series for x, y in each.points)
    return text.getvalue()
