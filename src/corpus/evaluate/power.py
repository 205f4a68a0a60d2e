"""The smallest difference that a study can detect, before it is run.

The scatter is the standard deviation of a paired difference, in nats per token.
"""

import math
from functools import cache

import numpy as np

from corpus.base.seeds import derive
from corpus.evaluate.anytime import radius
from corpus.evaluate.dunnett import critical_value, error_quadrature
from corpus.evaluate.roots import root
from corpus.evaluate.verdict import MIN_SEEDS

PILOT = ((250_000, 0.024), (1_000_000, 0.011))
"""Training tokens and scatter of two pilot studies of a model with 0.42M parameters."""

_NUM_STUDIES = 10_000
"""Simulated studies; the power is then known to ±0.8 points."""


def expected_scatter(tokens: int) -> float:
    """Return the scatter to expect after training on `tokens`.

    It is the power law through the two points of `PILOT`, scatter ∝ tokens^-0.56. Two points say
    nothing about its error, and other sizes of the model may scatter differently. Use the measured
    scatter as soon as there is one.
    """
    if tokens < 1:
        raise ValueError(f"{tokens} tokens are no training")
    (first, high), (second, low) = PILOT
    exponent = math.log(low / high) / math.log(second / first)
    return high * (tokens / first) ** exponent


def detectable(
    num_seeds: int, num_orders: int, scatter: float, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return the difference that Dunnett's test of a finished study detects with `power`.

    `num_orders` counts all but the control. One order differs by it, and the probability is that
    this order is found. The result is infinite for fewer than two seeds.
    """
    return scatter * _effect(num_seeds, num_orders, alpha, power)


@cache
def _effect(num_seeds: int, num_orders: int, alpha: float, power: float) -> float:
    """Return `detectable` in units of the scatter, from the noncentral t distribution."""
    if num_seeds < 2:
        return math.inf

    def excess(effect: float) -> float:
        return dunnett_power(effect, num_seeds, num_orders, alpha) - power

    return root(excess, 0.0, 200.0)


def dunnett_power(effect: float, num_seeds: int, num_orders: int, alpha: float = 0.05) -> float:
    """Return the probability that Dunnett's test finds an order; `effect` is in scatters."""
    from scipy.special import ndtr  # importing it takes a third of a second

    freedom = (num_seeds - 1) * num_orders
    critical = critical_value(num_orders, freedom, alpha)
    scales, chances = error_quadrature(freedom)
    shift, bounds = effect * math.sqrt(num_seeds), critical * scales
    # It is the mass of the noncentral t. `scipy.special.nctdtr` gives NaN for a large shift.
    return float(chances @ (ndtr(shift - bounds) + ndtr(-shift - bounds)))


def detectable_sequentially(
    num_seeds: int, num_orders: int, scatter: float, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return the difference that `verdicts` claims with `power` within `num_seeds` seeds.

    `num_orders` counts all but the control. One order differs, and its claim may come at any look
    up to the last seed. No other order is claimed, which would lower the threshold. The power is
    that of 10,000 simulated studies with a fixed seed. The result is infinite for fewer than
    `MIN_SEEDS` seeds.
    """
    return scatter * _sequential_effect(num_seeds, num_orders, alpha, power)


@cache
def _sequential_effect(num_seeds: int, num_orders: int, alpha: float, power: float) -> float:
    """Return `detectable_sequentially` in units of the scatter, by bisection on the same draws."""
    if num_seeds < MIN_SEEDS:
        return math.inf
    chance = np.random.default_rng(derive(0, "power", num_seeds))
    noise = chance.standard_normal((_NUM_STUDIES, num_seeds))
    counts = np.arange(MIN_SEEDS, num_seeds + 1)
    sums, squares = (np.cumsum(noise**k, 1)[:, MIN_SEEDS - 1 :] for k in (1, 2))
    means = sums / counts
    errors = np.sqrt((squares / counts - means**2) / (counts - 1))
    bounds = errors * [radius(int(count), alpha / num_orders) for count in counts]
    low, high = 0.0, 200.0
    for _ in range(40):
        middle = (low + high) / 2
        found = (np.abs(means + middle) >= bounds).any(1).mean()
        low, high = (middle, high) if found < power else (low, middle)
    return high
