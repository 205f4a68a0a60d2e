"""Training as charts and tables: curves over tokens and time, the curriculum, the stages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from corpus.report.formats import (
    count,
    duration,
    is_number,
    percent,
    time_scale,
    token_scale,
    whole,
)
from corpus.report.page import Band, Block, Chart, Paragraph, Section, Series, Table
from corpus.report.phases import Stretch, find_phases
from corpus.report.read import STAGES, Measures, Run, TrainPoint, ValidationPoint

MAX_POINTS = 200
"""A curve with more points is averaged into this many."""

STAGE_TITLES = {"pretrain": "Pre-training", "finetune": "Fine-tuning"}
UNIT = "nats per token"

Point = TrainPoint | ValidationPoint
Place = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """The x axis of a chart: what it shows of a point, in a unit that keeps the numbers short."""

    label: str
    place: Callable[[Point], float]


def token_axis(points: Sequence[Point]) -> Axis:
    """Tokens read since the stage began."""
    scale, unit = token_scale(max((point.tokens for point in points), default=0.0))
    return Axis(unit, lambda point: point.tokens / scale)


def clock_axis(run: Run) -> Axis:
    """Time on the training clock since the run began."""
    scale, unit = time_scale(max((point.seconds for point in run.train), default=0.0))
    return Axis(f"training clock, {unit}", lambda point: point.seconds / scale)


def loss_chart(run: Run) -> Chart | None:
    """Training loss and held-out loss over the whole run; None before anything was trained."""
    if not run.train:
        return None
    axis = clock_axis(run)
    trained = [
        place
        for stage in STAGES
        for place in _thin([(axis.place(each), each.loss) for each in run.stage(stage)])
    ]
    held_out: dict[str, list[Place]] = {}
    for point in run.validation:
        text = [value for name, value in point.loss.items() if _is_text(run, name)]
        losses = {"held-out text": sum(text) / len(text)} if text else {}
        losses |= {f"held-out {k}": v for k, v in point.loss.items() if not _is_text(run, k)}
        for name, value in losses.items():
            if is_number(value):
                held_out.setdefault(name, []).append((axis.place(point), value))
    series = [Series(name="training loss", points=tuple(trained), color=None)]
    series += [
        Series(name=name, points=tuple(places), color=color, markers=True)
        for color, (name, places) in enumerate(held_out.items())
    ]
    return Chart(
        title="Loss over the training clock",
        x_label=axis.label,
        y_label=UNIT,
        series=tuple(series),
        bands=_stage_bands(run, axis),
    )


def _is_text(run: Run, name: str) -> bool:
    """True for a source of text, false for a problem set: those are first held out in fine-tuning."""
    if name in run.problem_scores:
        return False
    return name in run.text_scores or any(
        name in point.loss for point in run.validation if point.phase == "pretrain"
    )


def _stage_bands(run: Run, axis: Axis) -> tuple[Band, ...]:
    bands, start = [], 0.0
    for stage in STAGES:
        if points := run.stage(stage):
            color, end = (None, 0)[stage == "finetune"], axis.place(points[-1])
            bands.append(Band(name=STAGE_TITLES[stage], start=start, end=end, color=color))
            start = end
    return tuple(bands)


def curves_section(run: Run) -> Section:
    """Loss by source, next-token accuracy and learning rate."""
    blocks: list[Block] = []
    for stage in STAGES:
        if points := run.stage(stage):
            blocks += _curves(run, stage, points)
        else:
            text = f"{STAGE_TITLES[stage]} has written no metrics so far."
            blocks.append(Paragraph(text=text, quiet=True))
    if run.train:
        blocks.append(_learning_rate(run))
    summary = "loss and next-token accuracy by source, learning rate"
    return Section(title="Training curves", blocks=tuple(blocks), summary=summary)


def _curves(run: Run, stage: str, points: tuple[TrainPoint, ...]) -> list[Chart]:
    axis, title = token_axis(points), STAGE_TITLES[stage]
    bands = _phase_bands(run, axis) if stage == "pretrain" else ()
    curve = _thin([(axis.place(point), point.loss) for point in points])
    lines = {"training loss": (UNIT, (Series(name="training loss", points=curve, color=None),))}
    held_out = [point for point in run.validation if point.phase == stage]
    lines["held-out loss by source"] = (UNIT, _by_source(run, held_out, axis, lambda p: p.loss))
    lines["held-out next-token accuracy"] = (
        "% of tokens",
        _by_source(run, held_out, axis, lambda p: {k: 100 * v for k, v in p.accuracy.items()}),
    )
    return [
        Chart(
            title=f"{title}: {what}",
            x_label=axis.label,
            y_label=unit,
            series=series,
            bands=bands,
            note=f"Each point is the mean of several of {len(points):,} log lines."
            if what == "training loss" and len(points) > MAX_POINTS
            else "",
        )
        for what, (unit, series) in lines.items()
        if series
    ]


def _by_source(
    run: Run,
    points: Sequence[ValidationPoint],
    axis: Axis,
    pick: Callable[[ValidationPoint], Measures],
) -> tuple[Series, ...]:
    series = []
    for name in run.sources:
        measured = [(axis.place(point), pick(point).get(name)) for point in points]
        places = tuple((x, y) for x, y in measured if is_number(y))
        if places:
            series.append(Series(name=name, points=places, color=run.color(name), markers=True))
    return tuple(series)


def _thin(points: Sequence[Place]) -> tuple[Place, ...]:
    """Average neighbours until at most `MAX_POINTS` are left; leave out what is not finite."""
    finite = [point for point in points if is_number(point[1])]
    size = -(-len(finite) // MAX_POINTS) or 1
    groups = [finite[start : start + size] for start in range(0, len(finite), size)]
    return tuple(
        (sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group))
        for group in groups
    )


def _learning_rate(run: Run) -> Chart:
    axis, series = clock_axis(run), []
    for stage in STAGES:
        rates = [(axis.place(each), 1000 * each.learning_rate) for each in run.stage(stage)]
        if points := _thin(rates):
            series.append(Series(name=STAGE_TITLES[stage], points=points, color=None))
    return Chart(
        title="Learning rate",
        x_label=axis.label,
        y_label="thousandths",
        series=tuple(series),
        bands=_stage_bands(run, axis),
        from_zero=True,
    )


def _phase_bands(run: Run, axis: Axis) -> tuple[Band, ...]:
    return tuple(
        Band(
            name=each.title,
            start=axis.place(each.first),
            end=axis.place(each.last),
            color=run.color(each.names[0]) if len(each.names) == 1 else None,
            detail=_mixture(each),
        )
        for each in find_phases(run.stage("pretrain"))
    )


def _mixture(stretch: Stretch) -> str:
    shares = stretch.mixture.items()
    return ", ".join(f"{name} {share:.0%}" for name, share in shares if share >= 0.005)


def mix_section(run: Run) -> Section:
    """The curriculum: which source the tokens came from, over time."""
    title = "Curriculum: token mix over time"
    totals = _running_totals(run)
    if not totals or not sum(totals[-1][1].values()):
        text = "No tokens were counted by source so far."
        return Section(title=title, blocks=(Paragraph(text=text),))
    names = [name for name in run.sources if totals[-1][1].get(name)]
    stretches = find_phases(run.stage("pretrain"))
    blocks = [*_phase_table(stretches), _area_chart(run, totals, names), _token_table(run, names)]
    summary = " → ".join(each.title for each in stretches)
    return Section(title=title, blocks=tuple(blocks), summary=summary)


def _phase_table(stretches: Sequence[Stretch]) -> list[Block]:
    rows = tuple(
        (
            each.title,
            count(each.first.tokens),
            count(each.last.tokens),
            duration(each.last.seconds - each.first.seconds),
            _mixture(each),
        )
        for each in stretches
    )
    columns = ("led by", "from token", "to token", "time", "tokens read")
    note = "Phases follow from the tokens that were really read, not from the plan."
    table = Table(title="Phases of pre-training", columns=columns, rows=rows, words=True)
    return [table, Paragraph(text=note, quiet=True)] if rows else []


def _area_chart(run: Run, totals: list[tuple[TrainPoint, Measures]], names: Sequence[str]) -> Chart:
    axis = clock_axis(run)
    size = -(-len(totals) // MAX_POINTS) or 1
    kept = [*totals[:-1:size], totals[-1]]
    scale, unit = token_scale(sum(totals[-1][1].values()))
    layers = (
        (name, [(axis.place(point), tokens.get(name, 0.0) / scale) for point, tokens in kept])
        for name in names
    )
    return Chart(
        title="Tokens read by source, added up",
        x_label=axis.label,
        y_label=unit,
        series=tuple(
            Series(name=name, color=run.color(name), points=((0.0, 0.0), *places))
            for name, places in layers
        ),
        stacked=True,
    )


def _running_totals(run: Run) -> list[tuple[TrainPoint, Measures]]:
    """The tokens by source up to each point, over both stages (each stage counts from zero)."""
    before: Measures = {}
    totals: list[tuple[TrainPoint, Measures]] = []
    for _, group in groupby(run.train, key=lambda point: point.phase):
        for point in group:
            names = {**before, **point.consumed}
            sums = {n: before.get(n, 0.0) + point.consumed.get(n, 0.0) for n in names}
            totals.append((point, sums))
        before = totals[-1][1]
    return totals


def _token_table(run: Run, names: Sequence[str]) -> Table:
    last = {stage: run.stage(stage)[-1].consumed if run.stage(stage) else {} for stage in STAGES}
    parts = {name: [last[stage].get(name, 0.0) for stage in STAGES] for name in names}
    parts["all"] = [sum(last[stage].values()) for stage in STAGES]
    total = sum(parts["all"])
    rows = (
        (name, *map(whole, each), whole(sum(each)), percent(sum(each) / total))
        for name, each in parts.items()
    )
    columns = ("source", *(STAGE_TITLES[stage].lower() for stage in STAGES), "both", "share")
    return Table(title="Tokens read by source", columns=columns, rows=tuple(rows))


def time_section(run: Run) -> Section:
    """Seconds of every stage, and the tokens of the two that train."""
    title = "Time and tokens by stage"
    if not run.stage_seconds:
        text = "The run has recorded no stage times so far."
        return Section(title=title, blocks=(Paragraph(text=text),))
    tokens = {stage: run.stage(stage)[-1].tokens for stage in STAGES if run.stage(stage)}
    rows = tuple(
        (
            name,
            duration(seconds),
            count(tokens.get(name)),
            count(tokens[name] / seconds if name in tokens and seconds > 0 else None),
        )
        for name, seconds in run.stage_seconds.items()
    )
    table = Table(columns=("stage", "time", "tokens", "tokens per second"), rows=rows)
    note = Paragraph(text="The training clock runs during pretrain and finetune.", quiet=True)
    total = f"{duration(sum(run.stage_seconds.values()))} in all"
    return Section(title=title, blocks=(table, note), summary=total)
