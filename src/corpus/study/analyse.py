"""What can be concluded from the runs that are finished, family by family."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from corpus.evaluate.crossed import CrossedDifference, crossed_difference
from corpus.evaluate.dunnett import Analysis, Contrast
from corpus.evaluate.dunnett import analyse as dunnett
from corpus.evaluate.verdict import MIN_SEEDS, Verdict, pooled_verdicts
from corpus.study.design import Design, Study
from corpus.study.folder import Item, StudyFolder
from corpus.study.measure import LOSSES, TextLosses, read_losses
from corpus.study.orders import CONTROL
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
    """Over seeds and documents; None without a common seed."""
    by_source: dict[str, float]
    """The mean difference on each source's held-out text, in nats per token."""


@dataclass(frozen=True, kw_only=True)
class ScheduleResult:
    """All orders under one schedule; they are one family of claims. So are the mixtures."""

    schedule: str
    """In a study of mixtures, the size."""
    noun: str = "order"
    control_name: str = CONTROL
    control: dict[int, float]
    """The control's losses by seed."""
    orders: list[OrderResult]
    dunnett: Analysis | None


def analyse(
    study: Study, folder: StudyFolder, rows: Sequence[Row], *, phase: str = "pretrained"
) -> list[ScheduleResult]:
    """Compare the orders under each schedule, after pre-training or after fine-tuning."""
    return [_analyse(study, folder, rows, schedule, phase) for schedule in study.schedules]


def _analyse(
    study: Study, folder: StudyFolder, rows: Sequence[Row], schedule: str, phase: str
) -> ScheduleResult:
    runs = {
        order: [Item(order=order, schedule=schedule, seed=seed) for seed in range(study.seeds)]
        for order in study.orders
    }
    return compare_family(study, folder, rows, runs, title=schedule, phase=phase)


def compare_family(
    study: Design,
    folder: StudyFolder,
    rows: Sequence[Row],
    runs: Mapping[str, Sequence[Item]],
    *,
    title: str,
    phase: str = "pretrained",
    control: str = CONTROL,
) -> ScheduleResult:
    """Compare what `runs` names with the control, over the runs of each that are finished."""
    column = "loss" if phase == "pretrained" else f"{phase}_loss"
    known = {row["run"]: row for row in rows}
    found = {
        name: {item.seed: known[item.name] for item in items if item.name in known}
        for name, items in runs.items()
    }
    losses: Losses = {
        name: {seed: row[column] for seed, row in own.items()} for name, own in found.items()
    }
    verdicts = pooled_verdicts(losses, control, alpha=study.alpha, margin=study.margin)
    fixed = dunnett(losses, control, study.alpha)
    texts = _Texts(study, folder, runs, phase)
    return ScheduleResult(
        schedule=title,
        noun=study.noun,
        control_name=control,
        control=losses[control],
        orders=[
            OrderResult(
                order=name,
                losses=losses[name],
                verdict=verdicts[name],
                contrast=None if fixed is None else fixed.contrasts[name],
                crossed=texts.crossed(
                    name, control, sorted(set(losses[name]) & set(losses[control]))
                ),
                by_source=_by_source(found[name], found[control], column),
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
        phase: str,
    ) -> None:
        self._study, self._folder, self._phase = study, folder, phase
        self._items = {(name, item.seed): item for name, items in runs.items() for item in items}
        self._known = dict[str, TextLosses]()

    def _read(self, name: str, seed: int) -> TextLosses:
        item = self._items[name, seed]
        if item.name not in self._known:
            path = self._folder.run(item).path / LOSSES
            self._known[item.name] = read_losses(path, self._phase)
        return self._known[item.name]

    def crossed(self, name: str, control: str, seeds: Sequence[int]) -> CrossedDifference | None:
        """Return the difference to the control with its interval over seeds and documents."""
        if not seeds:
            return None
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
    names = [name for row in own.values() for name in row if name.startswith(start)]
    found = {}
    for name in dict.fromkeys(names) if seeds else ():
        differences = [own[seed][name] - base[seed][name] for seed in seeds]
        found[name.removeprefix(start)] = float(np.mean(differences))
    return found


def conclude(study: Design, result: ScheduleResult) -> str:
    """Return one plain sentence: what can be concluded under a schedule, and what cannot."""
    claims = {claim: [each for each in result.orders if each.verdict.claim == claim]
              for claim in ("better", "worse", "equal", "undecided")}  # fmt: skip
    size = f"{study.margin:g} nat"
    if not any(claims[claim] for claim in ("better", "worse", "equal")):
        known = min((each.verdict.num_seeds for each in result.orders), default=0)
        if known < MIN_SEEDS:
            return (
                f"Nothing can be concluded yet: {known} of the {MIN_SEEDS} seeds that a claim "
                "needs are finished."
            )
        return f"Nothing can be concluded: every {result.noun} is undecided."
    parts = []
    if claims["better"]:
        parts.append(f"{_listed(claims['better'])} better than {result.control_name}")
    else:
        parts.append(f"no {result.noun} was found to be better than {result.control_name}")
    if claims["worse"]:
        parts.append(f"{_listed(claims['worse'])} worse")
    if claims["equal"]:
        parts.append(f"{_listed(claims['equal'], numbers=False)} equal to it within {size}")
    if claims["undecided"]:
        parts.append(f"{_listed(claims['undecided'], numbers=False)} undecided")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _listed(results: Sequence[OrderResult], *, numbers: bool = True) -> str:
    """Return `a (−0.02) and b (−0.03) are`, the largest difference first."""
    ordered = sorted(results, key=lambda each: -abs(each.verdict.mean or 0))
    names = [
        f"{each.order} ({signed(each.verdict.mean)} nat)" if numbers else each.order
        for each in ordered
    ]
    text = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{text} {'is' if len(names) == 1 else 'are'}"


def signed(value: float | None, places: int = 3) -> str:
    """Write a difference with its sign."""
    return "–" if value is None else f"{value:+.{places}f}".replace("-", "−")


def limits(study: Design) -> str:
    """Return what a study of this kind cannot say."""
    shape, tokens = study.compared
    return (
        f"This holds for a model of {shape.num_parameters / 1e6:.2g}M parameters, "
        f"{tokens / 1e6:.3g}M tokens of this text, and these settings. It says nothing "
        "of larger models, longer training or other text."
    )
