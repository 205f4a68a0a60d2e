"""The sections on training: curves with the curriculum's phases shaded, the token mix, time and tokens by stage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from corpus.report.blocks import (
    AreaChart,
    Band,
    Bar,
    BarChart,
    Block,
    Figures,
    LineChart,
    Paragraph,
    Section,
    Series,
    Table,
)
from corpus.report.formats import (
    count,
    duration,
    is_number,
    percent,
    time_scale,
    token_scale,
    whole,
)
from corpus.report.phases import Stretch, find_phases
from corpus.report.read import STAGES, Run, TrainPoint, ValidationPoint

MAX_POINTS = 200
"""A curve with more points is averaged into this many."""

STAGE_TITLES = {"pretrain": "Pre-training", "finetune": "Fine-tuning"}

Point = TrainPoint | ValidationPoint


@dataclass(frozen=True)
class Axis:
    """The x axis of a chart: what it shows of a point, in a unit that keeps the numbers short."""

    label: str
    place: Callable[[Point], float]


def token_axis(points: Sequence[Point]) -> Axis:
    """Tokens read since the stage began."""
    scale, unit = token_scale(max((point.tokens for point in points), default=0.0))
    return Axis(f"{unit} read", lambda point: point.tokens / scale)


def clock_axis(run: Run) -> Axis:
    """Time on the training clock since the run began."""
    scale, unit = time_scale(max((point.seconds for point in run.train), default=0.0))
    return Axis(f"training clock, {unit}", lambda point: point.seconds / scale)


def curves_section(run: Run) -> Section:
    """Loss and learning rate over tokens and time."""
    blocks: list[Block] = []
    for stage in STAGES:
        points = run.stage(stage)
        if points:
            blocks.append(Figures(charts=tuple(_curves(run, stage, points, token_axis(points)))))
        else:
            blocks.append(
                Paragraph(text=f"{STAGE_TITLES[stage]} has written no metrics so far.", quiet=True)
            )
    if run.train:
        blocks.append(Figures(charts=(_learning_rate(run),)))
        blocks += _phase_table(run)
    return Section(title="Training curves", blocks=tuple(blocks))


def _curves(run: Run, stage: str, points: tuple[TrainPoint, ...], axis: Axis) -> list[LineChart]:
    title = STAGE_TITLES[stage]
    bands = _bands(run, axis) if stage == "pretrain" else ()
    curve = _thin([(axis.place(point), point.loss) for point in points])
    unit = "nats per token"
    note = f"Mean of the steps between two log lines, {len(points):,} lines."
    line = Series(name="training loss", points=curve, color=None)
    charts = [
        LineChart(
            title=f"{title}: training loss",
            x_label=axis.label,
            y_label=unit,
            series=(line,),
            bands=bands,
            note=note,
        )
    ]
    held_out = [point for point in run.validation if point.phase == stage]
    for what, y_label, pick in (
        ("held-out loss by source", unit, lambda point: point.loss),
        (
            "held-out next-token accuracy",
            "% of tokens",
            lambda point: {k: 100 * v for k, v in point.accuracy.items()},
        ),
    ):
        names = [name for name in run.sources if any(name in pick(point) for point in held_out)]
        series = tuple(_by_source(run, name, held_out, axis, pick) for name in names)
        if series:
            charts.append(
                LineChart(
                    title=f"{title}: {what}",
                    x_label=axis.label,
                    y_label=y_label,
                    series=series,
                    bands=bands,
                )
            )
    return charts


def _by_source(
    run: Run,
    name: str,
    points: list[ValidationPoint],
    axis: Axis,
    pick: Callable[[ValidationPoint], dict[str, float]],
) -> Series:
    place = tuple(
        (axis.place(point), pick(point)[name])
        for point in points
        if is_number(pick(point).get(name))
    )
    return Series(name=name, points=place, color=run.color(name), markers=True)


def _thin(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Average neighbours until at most `MAX_POINTS` are left; points that are not finite are left out."""
    finite = [point for point in points if is_number(point[1])]
    size = -(-len(finite) // MAX_POINTS) or 1
    groups = [finite[start : start + size] for start in range(0, len(finite), size)]
    return tuple(
        (sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group))
        for group in groups
    )


def _learning_rate(run: Run) -> LineChart:
    axis = clock_axis(run)
    bands = []
    for number, stage in enumerate(STAGES):
        points = run.stage(stage)
        if points:
            start = (
                axis.place(run.stage("pretrain")[-1]) if number and run.stage("pretrain") else 0.0
            )
            bands.append(
                Band(
                    name=STAGE_TITLES[stage].lower(),
                    start=start,
                    end=axis.place(points[-1]),
                    color=None if number == 0 else 0,
                )
            )
    series = []
    for stage, group in groupby(run.train, key=lambda point: point.phase):
        points = [
            (axis.place(point), 1000 * point.learning_rate)
            for point in group
            if is_number(point.learning_rate)
        ]
        series.append(Series(name=STAGE_TITLES[stage].lower(), points=_thin(points), color=None))
    return LineChart(
        title="Learning rate",
        x_label=axis.label,
        y_label="learning rate, thousandths",
        series=tuple(series),
        bands=tuple(bands),
        from_zero=True,
    )


def _bands(run: Run, axis: Axis) -> tuple[Band, ...]:
    return tuple(
        Band(
            name=stretch.title,
            start=axis.place(stretch.first),
            end=axis.place(stretch.last),
            color=run.color(stretch.names[0]) if len(stretch.names) == 1 else None,
            detail=_mixture(stretch),
        )
        for stretch in find_phases(run.stage("pretrain"))
    )


def _mixture(stretch: Stretch) -> str:
    return ", ".join(
        f"{name} {share:.0%}" for name, share in stretch.mixture.items() if share >= 0.005
    )


def _phase_table(run: Run) -> list[Block]:
    stretches = find_phases(run.stage("pretrain"))
    if not stretches:
        return []
    rows = tuple(
        (
            stretch.title,
            count(stretch.first.tokens),
            count(stretch.last.tokens),
            duration(stretch.last.seconds - stretch.first.seconds),
            _mixture(stretch),
        )
        for stretch in stretches
    )
    return [
        Table(
            title="Phases of the curriculum",
            columns=("led by", "from token", "to token", "time", "tokens really read"),
            rows=rows,
            words=True,
        ),
        Paragraph(
            text="Phases are told apart by the tokens that were really read between two log lines, not by the plan.",
            quiet=True,
        ),
    ]


def mix_section(run: Run) -> Section:
    """Which source the tokens came from, over time."""
    if not any(sum(point.consumed.values()) for point in run.train):
        return Section(
            title="Token mix over time",
            blocks=(Paragraph(text="No tokens were counted by source so far."),),
        )
    axis, totals = clock_axis(run), _running_totals(run)
    size = -(-len(totals) // MAX_POINTS) or 1
    kept = [*totals[::size], totals[-1]] if (len(totals) - 1) % size else totals[::size]
    scale, unit = token_scale(sum(totals[-1][1].values()))
    names = [name for name in run.sources if totals[-1][1].get(name)]
    layers = tuple(
        Series(
            name=name,
            color=run.color(name),
            points=(
                (0.0, 0.0),
                *((axis.place(point), tokens.get(name, 0.0) / scale) for point, tokens in kept),
            ),
        )
        for name in names
    )
    chart = AreaChart(
        title="Tokens read by source, added up", x_label=axis.label, y_label=unit, layers=layers
    )
    return Section(
        title="Token mix over time", blocks=(Figures(charts=(chart,)), _token_table(run, names))
    )


def _running_totals(run: Run) -> list[tuple[TrainPoint, dict[str, float]]]:
    """The tokens by source up to each point, over both stages (each stage counts from nothing)."""
    before: dict[str, float] = {}
    totals: list[tuple[TrainPoint, dict[str, float]]] = []
    for _, group in groupby(run.train, key=lambda point: point.phase):
        for point in group:
            totals.append(
                (
                    point,
                    {
                        name: before.get(name, 0.0) + point.consumed.get(name, 0.0)
                        for name in {**before, **point.consumed}
                    },
                )
            )
        before = totals[-1][1]
    return totals


def _token_table(run: Run, names: Sequence[str]) -> Table:
    last = {stage: run.stage(stage)[-1].consumed if run.stage(stage) else {} for stage in STAGES}
    total = sum(sum(part.values()) for part in last.values())
    rows = []
    for name in names:
        parts = [last[stage].get(name, 0.0) for stage in STAGES]
        rows.append(
            (name, *(whole(part) for part in parts), whole(sum(parts)), percent(sum(parts) / total))
        )
    rows.append(
        ("all", *(whole(sum(last[stage].values())) for stage in STAGES), whole(total), percent(1.0))
    )
    return Table(
        title="Tokens read by source and stage",
        columns=("source", *(STAGE_TITLES[s].lower() for s in STAGES), "both", "share"),
        rows=tuple(rows),
    )


def time_section(run: Run) -> Section:
    """Seconds of every stage, and the tokens of the two that train."""
    seconds = run.stage_seconds
    if not seconds:
        return Section(
            title="Time by stage",
            blocks=(Paragraph(text="The run has recorded no stage times so far."),),
        )
    scale, unit = time_scale(max(seconds.values(), default=0.0))
    bars = tuple(
        Bar(
            label=name,
            value=value / scale,
            text=duration(value),
            color=0 if name in STAGES else None,
        )
        for name, value in seconds.items()
    )
    tokens = {stage: run.stage(stage)[-1].tokens for stage in STAGES if run.stage(stage)}
    rows = tuple(
        (
            name,
            duration(value),
            count(tokens.get(name)),
            count(tokens[name] / value) if name in tokens and value > 0 else count(None),
        )
        for name, value in seconds.items()
    )
    chart = BarChart(
        title="Time by stage",
        x_label=unit,
        groups=(("", bars),),
        note="The training clock runs during pretrain and finetune.",
    )
    table = Table(
        columns=("stage", "time", "tokens", "tokens per second"), rows=rows, title="Stages"
    )
    return Section(title="Time and tokens by stage", blocks=(Figures(charts=(chart,)), table))
