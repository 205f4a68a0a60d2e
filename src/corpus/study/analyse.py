"""What can be concluded from the runs that are finished, family by family."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from corpus.base.units import format_count
from corpus.evaluate.crossed import CrossedDifference, crossed_difference
from corpus.evaluate.dunnett import Analysis, Contrast
from corpus.evaluate.dunnett import analyse as dunnett
from corpus.evaluate.verdict import MIN_SEEDS, Verdict, paired_differences, verdicts
from corpus.study.design import Design, Study
from corpus.study.folder import Item, StudyFolder
from corpus.study.measure import LOSSES, TextLosses, read_losses
from corpus.study.rows import Row

Losses = dict[str, dict[int, float]]
"""Order → seed → loss."""


@dataclass(frozen=True, kw_only=True)
class OrderResult:
    """One order, or mixture, beside the control."""

    order: str
    losses: dict[int, float]
    """By seed, in nats per token."""
    verdict: Verdict
    contrast: Contrast | None
    """Dunnett's, over the seeds in which every order is finished; None for fewer than two."""
    crossed: CrossedDifference | None
    """Over seeds and documents; None without a common seed, or where there are no documents."""
    by_source: dict[str, float]
    """The mean difference on each source's held-out text, in nats per token."""


@dataclass(frozen=True, kw_only=True)
class ScheduleResult:
    """All orders under one schedule by one measure; they are one family of claims. So are the
    mixtures of a size."""

    measure: "Measure"
    family: str
    """What its runs share: `schedule decay`, or `size second`."""
    control: dict[int, float]
    """The control's losses by seed."""
    orders: list[OrderResult]
    dunnett: Analysis | None


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A loss by which orders are compared."""

    title: str
    column: str
    """Its column in runs.csv."""
    phase: str | None = None
    """The phase of the losses by document, where there are any."""


TEXT = Measure(title="held-out text after pre-training", column="loss", phase="pretrained")


def measures(study: Study, rows: Sequence[Row]) -> list[Measure]:
    """Return what orders are compared by; the first is the study's endpoint."""
    found = [TEXT]
    if study.finetune:
        found.append(
            Measure(
                title="held-out text after fine-tuning",
                column="finetuned_loss",
                phase="finetuned",
            )
        )
    start = "program_loss_"
    names = dict.fromkeys(name for row in rows for name in row if name.startswith(start))
    return found + [
        Measure(title=f"gold programs of {name.removeprefix(start)}", column=name) for name in names
    ]


def analyse(
    study: Study, folder: StudyFolder, rows: Sequence[Row], failed: Collection[str] = ()
) -> list[ScheduleResult]:
    """Compare the orders by each measure under each schedule.

    `failed` names the runs that could not be trained. An order with one makes no claim: its other
    runs are those that went well.
    """
    return [
        _analyse(study, folder, rows, failed, schedule, measure)
        for measure in measures(study, rows)
        for schedule in study.schedules
    ]


def _analyse(
    study: Study,
    folder: StudyFolder,
    rows: Sequence[Row],
    failed: Collection[str],
    schedule: str,
    measure: Measure,
) -> ScheduleResult:
    runs = {
        order: [Item(order=order, schedule=schedule, seed=seed) for seed in study.seed_numbers]
        for order in study.orders
    }
    return compare_family(
        study, folder, rows, failed, runs, family=f"schedule {schedule}", measure=measure
    )


def compare_family(
    study: Design,
    folder: StudyFolder,
    rows: Sequence[Row],
    failed: Collection[str],
    runs: Mapping[str, Sequence[Item]],
    *,
    family: str,
    measure: Measure = TEXT,
) -> ScheduleResult:
    """Compare what `runs` names with the study's control, over the runs of each that are finished.

    What has a run among `failed` has no losses, so it makes no claim.
    """
    known = {row["run"]: row for row in rows if measure.column in row}
    found = {
        name: {item.seed: known[item.name] for item in items if item.name in known}
        for name, items in runs.items()
    }
    broken = {name for name, items in runs.items() if any(each.name in failed for each in items)}
    losses: Losses = {
        name: {seed: row[measure.column] for seed, row in own.items() if name not in broken}
        for name, own in found.items()
    }
    control = study.control
    claims = verdicts(paired_differences(losses, control), alpha=study.alpha, margin=study.margin)
    fixed = dunnett(losses, control, study.alpha)
    texts = _Texts(study, folder, runs, measure.phase)
    return ScheduleResult(
        measure=measure,
        family=family,
        control=losses[control],
        orders=[
            OrderResult(
                order=name,
                losses=losses[name],
                verdict=claims[name],
                contrast=None if fixed is None else fixed.contrasts[name],
                crossed=texts.crossed(name, sorted(set(losses[name]) & set(losses[control]))),
                by_source=_by_source(found[name], found[control], measure.column),
            )
            for name in runs
            if name != control
        ],
        dunnett=fixed,
    )


class _Texts:
    """The losses of the held-out documents, read once for each run."""

    def __init__(
        self,
        study: Design,
        folder: StudyFolder,
        runs: Mapping[str, Sequence[Item]],
        phase: str | None,
    ) -> None:
        self._study, self._folder, self._phase = study, folder, phase
        self._items = {(name, item.seed): item for name, items in runs.items() for item in items}
        self._known = dict[str, TextLosses]()

    def _read(self, name: str, seed: int) -> TextLosses:
        item = self._items[name, seed]
        if item.name not in self._known:
            path = self._folder.run(item).path / LOSSES
            self._known[item.name] = read_losses(path, self._phase or "")
        return self._known[item.name]

    def crossed(self, name: str, seeds: Sequence[int]) -> CrossedDifference | None:
        """Return the difference to the control with its interval over seeds and documents."""
        if not seeds or self._phase is None:
            return None
        control = self._study.control
        pairs = [(self._read(name, seed), self._read(control, seed)) for seed in seeds]
        counts = pairs[0][0].counts
        table = [
            np.concatenate([own.sums[source] - base.sums[source] for source in counts])
            for own, base in pairs
        ]
        given = self._study.config.curriculum.weights
        return crossed_difference(
            np.stack(table),
            np.concatenate(list(counts.values())),
            [source for source, each in counts.items() for _ in each],
            {source: given.get(source, 1.0) for source in counts},
            self._study.alpha,
        )


def _by_source(own: Mapping[int, Row], base: Mapping[int, Row], column: str) -> dict[str, float]:
    """Return the mean difference to the control by source, over the seeds that both have."""
    seeds, start = sorted(set(own) & set(base)), f"{column}_"
    if not column.endswith("loss"):
        return {}
    names = [name for row in own.values() for name in row if name.startswith(start)]
    found = {}
    for name in dict.fromkeys(names) if seeds else ():
        differences = [own[seed][name] - base[seed][name] for seed in seeds]
        found[name.removeprefix(start)] = float(np.mean(differences))
    return found


def conclude(study: Design, result: ScheduleResult) -> str:
    """Return one plain sentence: what can be concluded of a family of claims."""
    text = finding(study, result)
    return f"By {result.measure.title}, {result.family}: {text}"


def finding(study: Design, result: ScheduleResult) -> str:
    """Return `conclude` without the names of measure and family."""
    claims = {claim: [each for each in result.orders if each.verdict.claim == claim]
              for claim in ("better", "worse", "equal", "undecided")}  # fmt: skip
    size = f"{study.margin:g} nat"
    if not any(claims[claim] for claim in ("better", "worse", "equal")):
        known = min((each.verdict.num_seeds for each in result.orders), default=0)
        if known < MIN_SEEDS:
            return (
                f"nothing can be concluded yet: {known} of the {MIN_SEEDS} seeds that a claim "
                "needs are finished."
            )
        return f"nothing can be concluded: every {study.noun} is undecided."
    parts = []
    if claims["better"]:
        parts.append(f"{_listed(claims['better'])} better than {study.control}")
    else:
        parts.append(f"no {study.noun} was found to be better than {study.control}")
    if claims["worse"]:
        parts.append(f"{_listed(claims['worse'])} worse")
    if claims["equal"]:
        parts.append(f"{_listed(claims['equal'], numbers=False)} equal to it within {size}")
    if claims["undecided"]:
        parts.append(f"{_listed(claims['undecided'], numbers=False)} undecided")
    return f"{'; '.join(parts)}."


def _listed(results: Sequence[OrderResult], *, numbers: bool = True) -> str:
    """Return `a (−0.02) and b (−0.03) are`, the largest difference first."""
    ordered = sorted(results, key=lambda each: -abs(each.verdict.mean or 0))
    names = [
        f"{each.order} ({signed(each.verdict.mean)} nat)" if numbers else each.order
        for each in ordered
    ]
    text = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{text} {'is' if len(names) == 1 else 'are'}"


def shown_interval(verdict: Verdict) -> tuple[float, float]:
    """Return a verdict's interval; unbounded before there are seeds enough for a claim."""
    return verdict.interval if verdict.num_seeds >= MIN_SEEDS else (-math.inf, math.inf)


def bounds(interval: tuple[float, float]) -> str:
    """Write an interval; a dash where it is unbounded."""
    if not all(map(math.isfinite, interval)):
        return "–"
    return f"{signed(interval[0])} to {signed(interval[1])}"


def signed(value: float | None, places: int = 3) -> str:
    """Write a difference with its sign."""
    return "–" if value is None else f"{value:+.{places}f}".replace("-", "−")


def limits(study: Design) -> str:
    """Return what a study of this kind cannot say."""
    shape, tokens = study.compared
    return (
        f"This holds for a model of {format_count(shape.num_parameters)} parameters, "
        f"{format_count(tokens)} tokens of this text, and these settings. It says "
        "nothing of larger models, longer training or other text."
    )


def uneven(study: Design, rows: Sequence[Row]) -> str:
    """Return a sentence if runs that are compared were computed differently; empty if not."""
    for seed, size in dict.fromkeys((row["seed"], row.get("size")) for row in rows):
        own = [row for row in rows if (row["seed"], row.get("size")) == (seed, size)]
        for column in ("precision", "device", "threads", "torch", "version", "commit"):
            values = list(dict.fromkeys(str(row.get(column)) for row in own))
            if len(values) > 1:
                return (
                    f"Runs of seed {seed} differ in {column} ({', '.join(values)}); a part of the "
                    f"differences between {study.noun}s may come from that."
                )
    return ""
