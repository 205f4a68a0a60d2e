"""What can be concluded from the runs that are finished, schedule by schedule."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus.evaluate.crossed import CrossedDifference, crossed_difference
from corpus.evaluate.dunnett import Analysis, Contrast
from corpus.evaluate.dunnett import analyse as dunnett
from corpus.evaluate.verdict import MIN_SEEDS, Verdict, paired_differences, verdicts
from corpus.study.design import Study
from corpus.study.folder import Item, StudyFolder
from corpus.study.measure import LOSSES, TextLosses, read_losses
from corpus.study.orders import CONTROL
from corpus.study.rows import Row

Losses = dict[str, dict[int, float]]
"""Order → seed → loss."""


@dataclass(frozen=True, kw_only=True)
class OrderResult:
    """One order beside the control, under one schedule."""

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
    """All orders under one schedule; they are one family of claims."""

    schedule: str
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
    column = "loss" if phase == "pretrained" else f"{phase}_loss"
    losses: Losses = {name: {} for name in study.orders}
    for row in rows:
        if row["schedule"] == schedule:
            losses[row["order"]][row["seed"]] = row[column]
    differences = paired_differences(losses, CONTROL)
    found = verdicts(differences, alpha=study.alpha, margin=study.margin)
    fixed = dunnett(losses, CONTROL, study.alpha)
    texts = _Texts(study, folder, schedule, phase)
    return ScheduleResult(
        schedule=schedule,
        control=losses[CONTROL],
        orders=[
            OrderResult(
                order=name,
                losses=losses[name],
                verdict=found[name],
                contrast=None if fixed is None else fixed.contrasts[name],
                crossed=texts.crossed(name, sorted(set(losses[name]) & set(losses[CONTROL]))),
                by_source=_by_source(rows, schedule, name, column),
            )
            for name in study.treatments
        ],
        dunnett=fixed,
    )


class _Texts:
    """The losses of the held-out documents, read once for each run."""

    def __init__(self, study: Study, folder: StudyFolder, schedule: str, phase: str) -> None:
        self._study, self._folder, self._schedule = study, folder, schedule
        self._phase, self._known = phase, dict[str, TextLosses]()

    def _read(self, order: str, seed: int) -> TextLosses:
        item = Item(order=order, schedule=self._schedule, seed=seed)
        if item.name not in self._known:
            path = self._folder.run(item).path / LOSSES
            self._known[item.name] = read_losses(path, self._phase)
        return self._known[item.name]

    def crossed(self, order: str, seeds: Sequence[int]) -> CrossedDifference | None:
        """Return the difference to the control with its interval over seeds and documents."""
        if not seeds:
            return None
        pairs = [(self._read(order, seed), self._read(CONTROL, seed)) for seed in seeds]
        counts = pairs[0][0].counts
        table = [
            np.concatenate([own.sums[name] - base.sums[name] for name in counts])
            for own, base in pairs
        ]
        given = self._study.config.curriculum.weights
        return crossed_difference(
            np.stack(table),
            np.concatenate(list(counts.values())),
            [name for name, each in counts.items() for _ in each],
            {name: given.get(name, 1.0) for name in counts},
            self._study.alpha,
        )


def _by_source(rows: Sequence[Row], schedule: str, order: str, column: str) -> dict[str, float]:
    """Return the mean difference to the control by source, over the seeds that both have."""
    own, base = (
        {row["seed"]: row for row in rows if (row["schedule"], row["order"]) == (schedule, name)}
        for name in (order, CONTROL)
    )
    seeds, start = sorted(set(own) & set(base)), f"{column}_"
    names = [name for row in own.values() for name in row if name.startswith(start)]
    found = {}
    for name in dict.fromkeys(names) if seeds else ():
        differences = [own[seed][name] - base[seed][name] for seed in seeds]
        found[name.removeprefix(start)] = float(np.mean(differences))
    return found


def conclude(study: Study, result: ScheduleResult) -> str:
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
        return "Nothing can be concluded: every order is undecided."
    parts = []
    if claims["better"]:
        parts.append(f"{_listed(claims['better'])} better than {CONTROL}")
    else:
        parts.append(f"no order was found to be better than {CONTROL}")
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


def limits(study: Study) -> str:
    """Return what a study of this kind cannot say."""
    shape = study.config.model
    return (
        f"This holds for a model of {shape.num_parameters / 1e6:.2g}M parameters, "
        f"{study.num_tokens / 1e6:.3g}M tokens of this text, and these settings. It says nothing "
        "of larger models, longer training or other text."
    )
