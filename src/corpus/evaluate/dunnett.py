"""Dunnett's comparison of several orders with one control, where the number of seeds was fixed.

The design is that of randomized complete blocks: each seed is a block and trains every order once.
Use it once, when the study is finished. For looks in between, see `anytime`.

All orders share one error, so the test assumes that the losses of all orders scatter equally and
independently around their seed. Then every difference has the same variance, and any two of them
have the correlation 1/2. Where orders share shuffles, or one scatters more than the others, its
level is not `alpha` (`benchmarks/ordering_statistics.py`). `verdict` assumes neither.

References: Dunnett 1955, J. Am. Stat. Assoc. 50:1096; Dunnett 1964, Biometrics 20:482.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from corpus.evaluate.roots import root

Interval = tuple[float, float]

_TAIL = 1e-13
"""The probability that the quadrature leaves out at either end of the chi distribution."""

_CHI_NODES, _NORMAL_STEP, _NORMAL_END = 192, 0.25, 9.0


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One order less the control."""

    difference: float
    """Of the mean losses, in nats per token; below 0 the order is better."""
    interval: Interval
    """The simultaneous interval of all orders together."""
    p_value: float
    """Two-sided, adjusted for all orders."""


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The analysis of a study of complete blocks."""

    seeds: tuple[int, ...]
    """The seeds in which every order has a loss; no other seed is used."""
    freedom: int
    """The degrees of freedom of the pooled error."""
    deviation: float
    """The pooled standard deviation of a paired difference, in nats per token."""
    critical: float
    """The critical value of |t|."""
    contrasts: dict[str, Contrast]
    """By order, without the control."""


def analyse(
    losses: Mapping[str, Mapping[int, float]], control: str = "shuffled", alpha: float = 0.05
) -> Analysis | None:
    """Compare every order with the control; None for fewer than two complete blocks.

    Args:
        losses: of each finished run, by order and seed, in nats per token.
        control: the order with which the others are compared.
        alpha: the probability that any of the intervals misses its true difference.

    A seed in which an order is not finished is left out for all orders. So all contrasts have the
    same variance and the correlation 1/2 where the losses scatter as assumed above, and for these
    the critical value is exact. An order without
    any run leaves no complete block.

    Where the losses are additive to the last bit there is no error to measure with: the intervals
    are unbounded and the p-values 1.
    """
    seeds, orders, table = _complete_blocks(losses, control)
    if len(seeds) < 2:
        return None
    variance, freedom = pooled_error(table)
    deviation = math.sqrt(2 * variance)
    critical = critical_value(len(orders) - 1, freedom, alpha)
    differences = (table[:, 1:] - table[:, :1]).mean(0)
    error = deviation / math.sqrt(len(seeds))
    return Analysis(
        seeds=tuple(seeds),
        freedom=freedom,
        deviation=deviation,
        critical=critical,
        contrasts={
            order: _contrast(float(difference), error, critical, len(orders) - 1, freedom)
            for order, difference in zip(orders[1:], differences, strict=True)
        },
    )


def _complete_blocks(
    losses: Mapping[str, Mapping[int, float]], control: str
) -> tuple[list[int], list[str], np.ndarray]:
    """Return the seeds in which every order has a loss, the orders, control first, and the losses.

    The losses are [seeds orders]. `ValueError` without an order beside the control, or if a loss is
    not finite.
    """
    orders = [control, *(order for order in losses if order != control)]
    if len(orders) < 2:
        raise ValueError(f"there is no order to compare with {control!r}")
    seeds = sorted(set.intersection(*(set(losses.get(order, {})) for order in orders)))
    table = np.array([[losses[order][seed] for order in orders] for seed in seeds], dtype=float)
    if not np.isfinite(table).all():
        raise ValueError(f"not every loss is a finite number: {table.tolist()}")
    return seeds, orders, table.reshape(len(seeds), len(orders))


def _contrast(
    difference: float, error: float, critical: float, num_orders: int, freedom: int
) -> Contrast:
    if error == 0:
        return Contrast(difference=difference, interval=(-math.inf, math.inf), p_value=1.0)
    return Contrast(
        difference=difference,
        interval=(difference - critical * error, difference + critical * error),
        p_value=p_value(difference / error, num_orders, freedom),
    )


def pooled_error(losses: np.ndarray) -> tuple[float, int]:
    """Return the error variance of a loss and its degrees of freedom (S-1)(O-1).

    Args:
        losses: [seeds orders], at least two of each, all finite.

    It is the mean square that the additive model of seeds and orders leaves. It is 0 where it is
    only rounding.
    """
    seeds, orders = losses.shape
    rest = losses - losses.mean(1, keepdims=True) - losses.mean(0) + losses.mean()
    freedom = (seeds - 1) * (orders - 1)
    variance = float(np.square(rest).sum()) / freedom
    smallest = (1e-12 * float(np.abs(losses).max())) ** 2
    return (variance if variance > smallest else 0.0), freedom


def p_value(t: float, num_orders: int, freedom: float) -> float:
    """Return the probability that any of `num_orders` statistics exceeds |`t`| under the null.

    Each is Student's t with `freedom` degrees of freedom, which may be infinite; all share one
    error and the correlation 1/2. Given the control's deviation u and the error s they are
    independent, so the probability is an integral over u and s. Both sums are trapezoid sums of
    smooth functions that vanish at the ends, so their error is below 1e-6.
    """
    from scipy.special import ndtr  # importing it takes a third of a second

    scales, chances = error_quadrature(freedom)
    u, weights = _normal()
    bound = math.sqrt(2) * abs(t) * scales[:, None]
    with np.errstate(divide="ignore"):  # at t = 0 the chance to stay inside is 0
        log_inside = np.log(ndtr(bound - u) - ndtr(-bound - u))
    return min(1.0, float(chances @ (-np.expm1(num_orders * log_inside) @ weights)))


@cache
def critical_value(num_orders: int, freedom: float, alpha: float = 0.05) -> float:
    """Return the value that the largest |t| exceeds with probability `alpha`; see `p_value`."""

    def excess(log_t: float) -> float:
        return p_value(math.exp(log_t), num_orders, freedom) - alpha

    return math.exp(root(excess, -5.0, 20.0))


@cache
def _normal() -> tuple[np.ndarray, np.ndarray]:
    """Return places and weights for a mean over a standard normal variable."""
    u = np.arange(-_NORMAL_END, _NORMAL_END + _NORMAL_STEP / 2, _NORMAL_STEP)
    weights = np.exp(-np.square(u) / 2)
    return u, weights / weights.sum()


@cache
def error_quadrature(freedom: float) -> tuple[np.ndarray, np.ndarray]:
    """Return places and weights for a mean over the error, in units of the true one: a chi variable
    over the root of its `freedom`.

    The places are even in its logarithm, in which the density falls fast at both ends.
    """
    if freedom == math.inf:
        return np.ones(1), np.ones(1)
    from scipy.special import gammainccinv, gammaincinv

    half = freedom / 2
    low = math.log(gammaincinv(half, _TAIL) / half) / 2
    high = math.log(gammainccinv(half, _TAIL) / half) / 2
    logs = np.linspace(low, high, _CHI_NODES)
    density = freedom * (logs - np.expm1(2 * logs) / 2)
    weights = np.exp(density - density.max())
    return np.exp(logs), weights / weights.sum()
