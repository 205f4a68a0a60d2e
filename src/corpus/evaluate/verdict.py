"""What a study says of each order so far: better, worse, equal or undecided.

It may be asked after every run, as often as one likes: see `anytime`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from corpus.evaluate.anytime import Interval, Sample, e_bh, radius, sample

Claim = Literal["better", "worse", "equal", "undecided"]

MARGIN = 0.01
"""The smallest difference that matters, in nats per token."""

MIN_SEEDS = 5
"""With fewer seeds no order gets a claim: Gaussian differences cannot be checked with so few."""

MOST_SEEDS = 100
"""As many further seeds are predicted; beyond them a study is hopeless."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What can be said of one order, compared with the control."""

    claim: Claim
    num_seeds: int
    """The seeds in which both the order and the control have finished."""
    mean: float | None
    """The mean paired difference in nats per token, below 0 where the order is better; None without
    seeds."""
    deviation: float | None
    """The standard deviation of a paired difference; None for fewer than two seeds."""
    e_value: float
    """The evidence against equal means; see `anytime.Sample`."""
    interval: Interval
    """Of the mean. A better or worse order has its interval after selection (e-BY), any other one
    the Bonferroni interval, in which all orders are at all times."""
    more_seeds: int | None
    """How many further seeds an undecided order probably needs, if its mean and standard deviation
    stay as they are; None if more than `MOST_SEEDS`. 0 for any other order."""

    def __str__(self) -> str:
        """The verdict in words: `undecided: 4 more seeds`."""
        if self.claim != "undecided":
            return self.claim
        if self.more_seeds is None:
            return f"undecided: more than {MOST_SEEDS} more seeds"
        least = "at least " if self.num_seeds < 2 else ""
        return f"undecided: {least}{self.more_seeds} more seed{'s' if self.more_seeds > 1 else ''}"


def paired_differences(
    losses: Mapping[str, Mapping[int, float]], control: str = "shuffled"
) -> dict[str, list[float]]:
    """Return the loss of each order less that of the control, for the seeds that have both.

    `losses` has the loss of each finished run by order and seed. An order without runs stays, with
    no differences, because it counts among the orders.
    """
    base = losses.get(control, {})
    return {
        order: [own[seed] - base[seed] for seed in sorted(set(own) & set(base))]
        for order, own in losses.items()
        if order != control
    }


def verdicts(
    differences: Mapping[str, Sequence[float]], *, alpha: float = 0.05, margin: float = MARGIN
) -> dict[str, Verdict]:
    """Return the verdict of every order.

    Args:
        differences: the paired differences of each order to the control, one a seed, in nats per
            token. It has *all* orders of the study, placebos and orders without runs included. So
            their number is the same at every look.
        alpha: the error rate.
        margin: the smallest difference that matters.

    An order is `equal` if its Bonferroni interval lies within ±`margin`. Among the others e-BH
    selects those that are better or worse. Orders with a claim of equality, or with fewer than
    `MIN_SEEDS`, enter e-BH without evidence. So every selected order is a claim, and the false
    discovery rate is that of the claims.

    Each order has its own error. So nothing is assumed about how the orders scatter or depend on
    each other, and a seed counts for an order as soon as this order and the control have finished.

    The probability of a false `equal` at any look is `alpha` at most, as the Bonferroni intervals
    have all means at all looks. Of the other claims at a look that was chosen before, a share of
    at most `alpha` is expected to be false. At a look that was chosen by looking this is measured,
    not proven (`benchmarks/ordering_statistics.py`).

    The interval of a claim has the level 1 - alpha·k/K for k claims among K orders (e-BY). So the
    expected share of these intervals that miss their mean is at most `alpha`, and each lies on one
    side of 0. `ValueError` if a difference is not finite.

    Reference: Xu, Wang and Ramdas 2022, arXiv:2203.12572 (e-BY).
    """
    names, known = list(differences), [sample(each) for each in differences.values()]
    level = alpha / max(len(names), 1)
    wide = [each.interval(level) for each in known]
    ready = [each.num_seeds >= MIN_SEEDS for each in known]
    equal = [ok and max(-low, high) <= margin for ok, (low, high) in zip(ready, wide)]
    evidence = [each.e_value() for each in known]
    usable = [each if ok and not same else 0.0 for each, ok, same in zip(evidence, ready, equal)]
    selected = e_bh(usable, alpha)
    number = sum(selected)
    levels = (level, level * min(number + 1, len(names)))
    return {
        name: _verdict(
            known[at],
            claim=_claim(known[at], equal=equal[at], selected=selected[at]),
            evidence=evidence[at],
            interval=known[at].interval(level * number) if selected[at] else wide[at],
            levels=levels,
            margin=margin,
        )
        for at, name in enumerate(names)
    }


def _claim(known: Sample, *, equal: bool, selected: bool) -> Claim:
    if equal:
        return "equal"
    if not selected or known.mean is None:
        return "undecided"
    return "better" if known.mean < 0 else "worse"


def _verdict(
    known: Sample,
    *,
    claim: Claim,
    evidence: float,
    interval: Interval,
    levels: tuple[float, float],
    margin: float,
) -> Verdict:
    return Verdict(
        claim=claim,
        num_seeds=known.num_seeds,
        mean=known.mean,
        deviation=known.deviation,
        e_value=evidence,
        interval=interval,
        more_seeds=more_seeds(known, levels, margin) if claim == "undecided" else 0,
    )


def more_seeds(known: Sample, levels: tuple[float, float], margin: float = MARGIN) -> int | None:
    """Return how many further seeds a claim needs if mean and deviation stay as they are.

    Args:
        known: the sample so far. If its deviation is unknown, the answer is the number up to
            `MIN_SEEDS`.
        levels: the error rates of the interval for `equal`, and of the test for the others.
        margin: the smallest difference that matters.

    Returns None if more than `MOST_SEEDS` are needed, and where equal differences tell no scale.
    """
    now = known.num_seeds
    if known.mean is None or known.deviation is None:
        return max(MIN_SEEDS - now, 1)
    if known.deviation == 0:
        return None if known.mean else max(MIN_SEEDS - now, 1)
    for number in range(max(MIN_SEEDS, now + 1), now + MOST_SEEDS + 1):
        error = known.deviation / math.sqrt(number)
        same = abs(known.mean) + radius(number, levels[0]) * error <= margin
        if same or abs(known.mean) >= radius(number, levels[1]) * error:
            return number - now
    return None
