"""Training as charts and rows: curves over tokens and time, the curriculum, the stages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from corpus.report.charts import Band, Chart, Series
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
from corpus.report.read import Measures, Run
from corpus.train.metrics import PHASES, TrainPoint, ValidationPoint

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
        for stage in PHASES
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
    """True for a source of text, false for a problem set (held out in fine-tuning alone)."""
    if name in run.problem_scores:
        return False
    return name in run.text_scores or any(
        name in point.loss for point in run.validation if point.phase == "pretrain"
    )


def _stage_bands(run: Run, axis: Axis) -> tuple[Band, ...]:
    bands, start = [], 0.0
    for stage in PHASES:
        if points := run.stage(stage):
            color, end = (None, 0)[stage == "finetune"], axis.place(points[-1])
            bands.append(Band(name=STAGE_TITLES[stage], start=start, end=end, color=color))
            start = end
    return tuple(bands)


def curves(run: Run, stage: str) -> list[Chart]:
    """Training loss, held-out loss and next-token accuracy of a stage over its tokens."""
    points = run.stage(stage)
    held_out = [point for point in run.validation if point.phase == stage]
    axis, title = token_axis(points), STAGE_TITLES[stage]
    bands = _phase_bands(run, axis) if stage == "pretrain" else ()
    curve = _thin([(axis.place(point), point.loss) for point in points])
    lines = (
        ("training loss", UNIT, (Series(name="training loss", points=curve, color=None),)),
        ("held-out loss by source", UNIT, _by_source(run, held_out, axis, lambda p: p.loss)),
        (
            "held-out next-token accuracy",
            "% of tokens",
            _by_source(run, held_out, axis, lambda p: {k: 100 * v for k, v in p.accuracy.items()}),
        ),
    )
    return [
        Chart(
            title=f"{title}: {what}",
            x_label=axis.label,
            y_label=unit,
            series=series,
            bands=bands,
        )
        for what, unit, series in lines
        if points and series
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


def learning_rate(run: Run) -> Chart:
    """The learning rate of both stages over the training clock."""
    axis, series = clock_axis(run), []
    for stage in PHASES:
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


def phase_rows(run: Run) -> list[tuple[str, ...]]:
    """Each phase of the curriculum: who leads, from and to which token, time, mixture."""
    return [
        (
            each.title,
            count(each.first.tokens),
            count(each.last.tokens),
            duration(each.last.seconds - each.first.seconds),
            _mixture(each),
        )
        for each in find_phases(run.stage("pretrain"))
    ]


def mixture_chart(run: Run) -> Chart | None:
    """Which source the tokens came from, added up over time; None if nothing was counted."""
    axis, totals = clock_axis(run), _running_totals(run)
    if not totals or not sum(totals[-1][1].values()):
        return None
    names = [name for name in run.sources if totals[-1][1].get(name)]
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


def token_rows(run: Run) -> list[tuple[str, ...]]:
    """Tokens read by source: in each stage, in both, and their share."""
    last = [points[-1].consumed if (points := run.stage(stage)) else {} for stage in PHASES]
    parts = {name: [each.get(name, 0.0) for each in last] for name in run.sources}
    parts["all"] = [sum(each.values()) for each in last]
    total = sum(parts["all"])
    return [
        (name, *map(whole, each), whole(sum(each)), percent(sum(each) / total))
        for name, each in parts.items()
        if sum(each)
    ]


def stage_rows(run: Run) -> list[tuple[str, ...]]:
    """Time of every stage; tokens, and tokens per second, of the two that train."""
    tokens = {stage: run.stage(stage)[-1].tokens for stage in PHASES if run.stage(stage)}
    return [
        (
            name,
            duration(seconds),
            count(tokens.get(name)),
            count(tokens[name] / seconds if name in tokens and seconds > 0 else None),
        )
        for name, seconds in run.stage_seconds.items()
    ]
