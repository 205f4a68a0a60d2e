"""Claims about the order of training data hold however often one looks: simulated studies of 8
orders and up to 10 seeds. `ratio` is the share of studies with a false claim by plain paired t-tests
after every run, over that by the verdicts of Corpus (above 1 is good).

    python benchmarks/ordering_statistics.py

The losses are a seed's effect, an order's effect and noise. The runs finish roughly seed by seed. The
study is looked at after every run, and in a second pass only after every seed. A claim is false if the
order has no effect, the opposite effect, or if `equal` is said of an effect above the margin.
"""

import argparse
import json
import math
import time
from dataclasses import dataclass

import numpy as np

from corpus.base.seeds import derive
from corpus.evaluate.anytime import log_e, radius
from corpus.evaluate.dunnett import critical_value
from corpus.evaluate.verdict import MARGIN, MIN_SEEDS

ALPHA = 0.05
SEEDS = 10


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Studies with the same true effects."""

    name: str
    effects: tuple[float, ...]
    """Of all orders but the control, in nats per token."""
    scatter: float = 0.011
    """The standard deviation of a paired difference: that of the pilot at 1M tokens."""
    freedom: float = math.inf
    """Of the t distribution of the noise; infinite is Gaussian."""
    correlation: float = 0.0
    """Of the losses of any two orders but the control, given the seed. As all differences share the
    control, theirs is (1 + `correlation`) / 2."""
    noisier: tuple[float, ...] = ()
    """The scatters of the first orders over `scatter`, which is that of the others."""


SCENARIOS = (
    Scenario(name="no effect", effects=(0.0,) * 7),
    Scenario(name="mixed", effects=(0.0, 0.0, 0.0, 0.012, -0.02, 0.03, -0.05)),
    Scenario(
        name="near the margin",
        effects=(0.0, 0.005, 0.011, -0.011, 0.012, -0.012, 0.02),
        scatter=0.003,
    ),
    Scenario(name="no effect, heavy tails", effects=(0.0,) * 7, freedom=5),
    Scenario(name="no effect, correlated", effects=(0.0,) * 7, correlation=0.9),
    Scenario(name="no effect, two orders noisier", effects=(0.0,) * 7, noisier=(2, 2)),
    Scenario(name="no effect, one order much noisier", effects=(0.0,) * 7, noisier=(5,)),
    Scenario(
        name="one effect, another order much noisier",
        effects=(0.0, 0.03, 0.0, 0.0, 0.0, 0.0, 0.0),
        noisier=(5,),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Studies:
    """Simulated studies; each array begins with [studies seeds orders], control first."""

    losses: np.ndarray
    finished: np.ndarray
    """At which look a run has finished, from 0."""


def simulate(scenario: Scenario, number: int, *, every_run: bool) -> Studies:
    """Return `number` studies; without `every_run` all runs of a seed finish at the same look."""
    chance = np.random.default_rng(derive(0, "ordering", scenario.name))
    shape = (number, SEEDS, len(scenario.effects) + 1)
    noise = chance.standard_normal(shape)
    if scenario.freedom < math.inf:
        squares = chance.chisquare(scenario.freedom, shape) / (scenario.freedom - 2)
        noise /= np.sqrt(squares)
    shared = chance.standard_normal((number, SEEDS, 1))
    noise[:, :, 1:] *= math.sqrt(1 - scenario.correlation)
    noise[:, :, 1:] += math.sqrt(scenario.correlation) * shared
    for order, times in enumerate(scenario.noisier, 1):
        noise[:, :, order] *= math.sqrt(2 * times**2 - 1)  # the control's share of 1 stays
    losses = 5 + chance.normal(0, 0.1, (number, SEEDS, 1)) + noise * scenario.scatter / math.sqrt(2)
    losses += np.array([0.0, *scenario.effects])
    seeds = np.broadcast_to(np.arange(SEEDS)[:, None], shape)
    times = (seeds + 2 * chance.random(shape)).reshape(number, -1)
    ranks = times.argsort(1).argsort(1).reshape(shape)
    return Studies(losses=losses, finished=ranks if every_run else seeds)


@dataclass(frozen=True, kw_only=True)
class Paths:
    """What is known of an order after n of its differences, in the sequence in which they come."""

    finished: np.ndarray
    """[studies seeds orders] the look at which the n-th difference is known."""
    means: np.ndarray
    """[studies orders seeds+1] of the first n differences, n from 0."""
    errors: np.ndarray
    """The same: the standard errors; infinite for n < 2."""
    log_e: np.ndarray
    """The same: the logarithms of the e-values."""


def paths(studies: Studies) -> Paths:
    """Return the paired differences in their sequence, and what follows of them."""
    finished = np.maximum(studies.finished[:, :, 1:], studies.finished[:, :, :1])
    sequence = finished.argsort(1, kind="stable")
    differences = studies.losses[:, :, 1:] - studies.losses[:, :, :1]
    values = np.take_along_axis(differences, sequence, 1).swapaxes(1, 2)
    number, orders, seeds = values.shape
    means, evidence = np.zeros((2, number, orders, seeds + 1))
    errors = np.full((number, orders, seeds + 1), np.inf)
    for n in range(1, seeds + 1):
        means[:, :, n] = values[:, :, :n].mean(2)
        if n > 1:
            errors[:, :, n] = values[:, :, :n].std(2, ddof=1) / math.sqrt(n)
            evidence[:, :, n] = log_e(means[:, :, n] / errors[:, :, n], n)
    return Paths(
        finished=np.take_along_axis(finished, sequence, 1),
        means=means,
        errors=errors,
        log_e=evidence,
    )


def radii(level: float) -> np.ndarray:
    """Return the radius of the confidence sequence for 0 … SEEDS differences."""
    return np.array([radius(n, level) for n in range(SEEDS + 1)])


def block_statistics(studies: Studies) -> tuple[np.ndarray, np.ndarray]:
    """Return the means and the pooled standard errors after n complete blocks, n from 0.

    Both are [studies orders seeds+1], for Dunnett's test. The errors are infinite for n < 2.
    """
    sequence = studies.finished.max(2).argsort(1, kind="stable")
    losses = np.take_along_axis(studies.losses, sequence[:, :, None], 1)
    number, seeds, orders = losses.shape
    means = np.zeros((number, orders - 1, seeds + 1))
    errors = np.full((number, orders - 1, seeds + 1), np.inf)
    for n in range(1, seeds + 1):
        part = losses[:, :n]
        means[:, :, n] = (part[:, :, 1:] - part[:, :, :1]).mean(1)
        if n > 1:
            rest = part - part.mean(2, keepdims=True) - part.mean(1, keepdims=True)
            rest += part.mean((1, 2), keepdims=True)
            freedom = (n - 1) * (orders - 1)
            errors[:, :, n] = np.sqrt(2 * np.square(rest).sum((1, 2)) / freedom / n)[:, None]
    return means, errors


def claims(found: Paths, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which orders are claimed to differ, and which to be equal, [studies orders] each.

    `counts` has the differences of each order so far. This is `verdict.verdicts` for many studies.
    """
    orders = counts.shape[1]
    mean, error, evidence = (_at(each, counts) for each in (found.means, found.errors, found.log_e))
    ready = counts >= MIN_SEEDS
    half = radii(ALPHA / orders)[counts] * error
    equal = ready & (np.abs(mean) + half <= MARGIN)
    open_ = np.where(ready & ~equal, evidence, -np.inf)
    ranked = -np.sort(-open_, 1)
    steps = np.arange(1, orders + 1)
    passed = ranked >= np.log(orders / (ALPHA * steps))
    number = np.where(passed, steps, 0).max(1, keepdims=True)
    with np.errstate(divide="ignore"):
        return (number > 0) & (open_ >= np.log(orders / (ALPHA * number))), equal


def _at(table: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.take_along_axis(table, counts[:, :, None], 2)[:, :, 0]


def judge(scenario: Scenario, number: int, *, every_run: bool) -> dict[str, float]:
    """Return the error rates of the verdicts and of the naive tests in `number` studies."""
    studies = simulate(scenario, number, every_run=every_run)
    found, effects = paths(studies), np.array(scenario.effects)
    return {
        **judge_paths(found, effects),
        **_paired_t(found, effects),
        **_dunnett(*block_statistics(studies), effects),
    }


def judge_paths(found: Paths, effects: np.ndarray) -> dict[str, float]:
    """Return the error rates of the verdicts."""
    number = len(found.means)
    shape = (number, len(effects))
    seen, same = np.zeros((2, *shape), dtype=bool)
    false_shares, first_shares = np.zeros(number), np.full(number, np.nan)
    wrong = np.zeros(number, dtype=bool)
    chosen, equal, counts = np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape, int)
    for look in range(int(found.finished.max()) + 1):
        counts = (found.finished <= look).sum(1)
        chosen, equal = claims(found, counts)
        false = chosen & ~_right(_at(found.means, counts), effects)
        share = false.sum(1) / np.maximum(chosen.sum(1), 1)
        false_shares = np.maximum(false_shares, share)
        new = np.isnan(first_shares) & chosen.any(1)
        first_shares[new] = share[new]
        wrong |= false.any(1) | (equal & (np.abs(effects) > MARGIN)).any(1)
        seen |= chosen & ~false
        same |= equal
    false = chosen & ~_right(_at(found.means, counts), effects)
    matters, small = effects != 0, np.abs(effects) <= MARGIN
    return {
        "false_claim": float(wrong.mean()),
        "fdr_end": float((false.sum(1) / np.maximum(chosen.sum(1), 1)).mean()),
        "fdr_first_claim": float(np.nan_to_num(first_shares).mean()),
        "fdr_worst_look": float(false_shares.mean()),
        "false_equal": _mean(same[:, ~small].any(1) if (~small).any() else None),
        "found": _mean(seen[:, matters & ~small] if (matters & ~small).any() else None),
        "equal_found": _mean(same[:, small] if small.any() else None),
        "miss_after_selection": _selected_misses(found, chosen, effects),
        **_coverage(found, effects),
    }


def _right(means: np.ndarray, effects: np.ndarray) -> np.ndarray:
    return (effects != 0) & (np.sign(means) == np.sign(effects))


def _mean(values: np.ndarray | None) -> float:
    return math.nan if values is None else float(values.mean())


def _selected_misses(found: Paths, chosen: np.ndarray, effects: np.ndarray) -> float:
    """Return the mean share of e-BY intervals that miss their effect, after the last seed."""
    number = chosen.sum(1)
    bounds = np.array(
        [math.inf] + [radius(SEEDS, ALPHA * k / len(effects)) for k in range(1, len(effects) + 1)]
    )
    off = np.abs(found.means[:, :, -1] - effects) / found.errors[:, :, -1]
    missed = chosen & (off >= bounds[number][:, None])
    return float((missed.sum(1) / np.maximum(number, 1)).mean())


def _coverage(found: Paths, effects: np.ndarray) -> dict[str, float]:
    """Return how often confidence sequences have the effect after each of their differences."""
    off = np.abs(found.means - effects[:, None])[:, :, 2:] / found.errors[:, :, 2:]
    alone, together = (radii(level)[2:] for level in (ALPHA, ALPHA / len(effects)))
    return {
        "sequence_one_order": float((off < alone).all(2).mean()),
        "sequences_all_orders": float((off < together).all((1, 2)).mean()),
    }


def _paired_t(found: Paths, effects: np.ndarray) -> dict[str, float]:
    """Return the studies with a false claim by t-tests after every look from `MIN_SEEDS` on."""
    from scipy.special import stdtrit

    counts, result = np.arange(MIN_SEEDS, SEEDS + 1), {}
    for name, alpha in (("paired_t", ALPHA), ("paired_t_bonferroni", ALPHA / len(effects))):
        hits, right = _hits(found.means, found.errors, stdtrit(counts - 1, 1 - alpha / 2), effects)
        result[f"{name}_false_claim"] = float((hits & ~right).any((1, 2)).mean())
    return result


def _dunnett(means: np.ndarray, errors: np.ndarray, effects: np.ndarray) -> dict[str, float]:
    """Return the same of Dunnett's test, and what it says at the end."""
    orders = len(effects)
    bounds = np.array(
        [critical_value(orders, (n - 1) * orders, ALPHA) for n in range(MIN_SEEDS, SEEDS + 1)]
    )
    hits, right = _hits(means, errors, bounds, effects)
    false = hits & ~right
    off = np.abs(means[:, :, -1] - effects) / errors[:, :, -1]
    matters = np.abs(effects) > MARGIN
    return {
        "dunnett_false_claim": float(false.any((1, 2)).mean()),
        "dunnett_end_false_claim": float(false[:, :, -1].any(1).mean()),
        "dunnett_end_coverage": float((off < bounds[-1]).all(1).mean()),
        "dunnett_end_found": _mean((hits & right)[:, matters, -1] if matters.any() else None),
    }


def _hits(
    means: np.ndarray, errors: np.ndarray, bounds: np.ndarray, effects: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return which statistics are beyond their bound from `MIN_SEEDS` on, and have the sign."""
    late = means[:, :, MIN_SEEDS:]
    return np.abs(late / errors[:, :, MIN_SEEDS:]) >= bounds, _right(late, effects[:, None])


ROWS = {
    "false_claim": "studies with a false claim at any look",
    "paired_t_false_claim": "… by paired t-tests",
    "paired_t_bonferroni_false_claim": "… by paired t-tests, Bonferroni",
    "dunnett_false_claim": "… by Dunnett",
    "dunnett_end_false_claim": "… by Dunnett, only at the end",
    "false_equal": "studies with a false `equal`",
    "fdr_end": "false discovery rate at the end",
    "fdr_first_claim": "… at the first claim",
    "fdr_worst_look": "… at the worst look of each study",
    "sequences_all_orders": "confidence sequences have all effects, always",
    "sequence_one_order": "one confidence sequence has its effect, always",
    "miss_after_selection": "selected intervals that miss, at the end",
    "dunnett_end_coverage": "Dunnett's intervals have all effects, at the end",
    "found": "effects above the margin found",
    "dunnett_end_found": "… by Dunnett, only at the end",
    "equal_found": "effects within the margin called equal",
}


def main() -> None:
    """Simulate every scenario at both kinds of looks, print the table and the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=2000)
    number = parser.parse_args().studies
    begun = time.process_time()
    results = {
        f"{scenario.name}, {'runs' if every_run else 'seeds'}": judge(
            scenario, number, every_run=every_run
        )
        for scenario in SCENARIOS
        for every_run in (True, False)
    }
    print(f"| {number} studies each; looks after | " + " | ".join(results) + " |")
    print("| --- |" + " ---: |" * len(results))
    for row, title in ROWS.items():
        cells = (f"{result[row]:.1%}" for result in results.values())
        print(f"| {title} | " + " | ".join("" if each == "nan%" else each for each in cells) + " |")
    null = results["no effect, runs"]
    print(
        json.dumps(
            {
                "name": "ordering_statistics",
                "ratio": round(
                    null["paired_t_false_claim"] / max(null["false_claim"], 1 / number), 1
                ),
                "studies": number,
                "seconds": round(time.process_time() - begun, 1),
                **{
                    name: {row: None if math.isnan(v) else round(v, 4) for row, v in each.items()}
                    for name, each in results.items()
                },
            }
        )
    )


if __name__ == "__main__":
    main()
