"""The law of a held-out loss: how it follows from the shares of the sources.

    loss(r) = floor + exp(slopes · r)        r: shares of the sources, which add up to 1

It has the form of Data Mixing Laws (arXiv:2403.16952): floor + factor · exp(slopes · r). The factor
is in the slopes here, as the shares add up to 1.

For a given floor the law is linear in log(loss - floor), so it is fitted in closed form, and no
start values are needed. Ridge regression shrinks the slopes towards a loss that the mixture does
not change. Leaving one mixture out at a time chooses floor and penalty. With fewer
different mixtures than coefficients and two more, the floor cannot be told from the slopes: it is 0
then. With fewer than slopes and one more, the penalty is above 0 too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

FLOORS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.96)
"""Floors that are tried, as shares of the lowest loss; the best one is refined."""

PENALTIES = (0.0, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)
"""Ridge penalties that are tried, in units of the mean variance of a share."""

_FLAT = 1e-12
"""Spread of losses below which a mixture changes nothing."""


@dataclass(frozen=True, kw_only=True)
class Law:
    """The fitted law of one loss."""

    floor: float
    """In nats per token."""
    slopes: np.ndarray
    """[sources] float64; the lower one is, the more the source helps."""
    penalty: float
    """Of the ridge regression, as in `PENALTIES`."""

    def __call__(self, shares: np.ndarray) -> np.ndarray:
        """Return the losses of mixtures: [..., sources] → [...], in nats per token."""
        return self.floor + np.exp(shares @ self.slopes)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A law, and how well its like predicts mixtures that were left out of the fit."""

    law: Law
    predicted: np.ndarray
    """[mixtures] each one's loss under the law of the others, floor and penalty chosen anew."""
    error: float
    """Root mean square of the prediction's error, in nats per token."""
    naive_error: float
    """The same if the mean of the other mixtures is the prediction."""
    rank_correlation: float
    """Spearman's, of predicted and measured losses; NaN if one of them does not vary."""


def has_floor(num_mixtures: int, num_sources: int) -> bool:
    """Return whether so many different mixtures tell a floor: one each for it and for the slopes,
    and two to see how well they predict."""
    return num_mixtures >= num_sources + 3


def count_distinct(shares: np.ndarray) -> int:
    """Return how many of the mixtures differ."""
    return len(np.unique(np.round(shares, 9), axis=0))


def fit(shares: np.ndarray, losses: np.ndarray) -> Fit:
    """Fit the law to [mixtures, sources] shares and [mixtures] losses, and leave each out once.

    `ValueError` for fewer than three mixtures.
    """
    if len(losses) < 3:
        raise ValueError(f"a law needs three mixtures or more, not {len(losses)}")
    kept = [np.arange(len(losses)) != left for left in range(len(losses))]
    predicted = np.array(
        [float(fit_law(shares[rest], losses[rest])(shares[~rest])[0]) for rest in kept]
    )
    return judge(fit_law(shares, losses), predicted, losses)


def judge(law: Law, predicted: np.ndarray, losses: np.ndarray) -> Fit:
    """Return a law with the quality of `predicted`, both [mixtures]."""
    others = (losses.sum() - losses) / (len(losses) - 1)
    return Fit(
        law=law,
        predicted=predicted,
        error=_rms(predicted - losses),
        naive_error=_rms(others - losses),
        rank_correlation=rank_correlation(predicted, losses),
    )


def fit_law(shares: np.ndarray, losses: np.ndarray) -> Law:
    """Fit the law; floor and penalty have the least error in leaving one mixture out at a time."""
    if np.ptp(losses) < _FLAT:
        return Law(floor=0.0, slopes=np.full(shares.shape[1], np.log(losses.mean())), penalty=0.0)
    distinct, lowest = count_distinct(shares), float(losses.min())
    penalties = np.array(PENALTIES if distinct > shares.shape[1] else PENALTIES[1:])

    def error(floor: float) -> float:
        return float(_fit_given(shares, losses, floor * lowest, penalties)[1].min())

    floor = _best_floor(error) if has_floor(distinct, shares.shape[1]) else 0.0
    slopes, errors = _fit_given(shares, losses, floor * lowest, penalties)
    best = int(errors.argmin())
    return Law(floor=floor * lowest, slopes=slopes[best], penalty=float(penalties[best]))


def _best_floor(error: Callable[[float], float]) -> float:
    """Return the floor with the least error, as a share of the lowest loss."""
    from scipy.optimize import minimize_scalar  # importing it takes a third of a second

    at = min(range(len(FLOORS)), key=lambda each: error(FLOORS[each]))
    bounds = (FLOORS[max(at - 1, 0)], (*FLOORS, 0.99)[at + 1])
    found = minimize_scalar(error, bounds=bounds, method="bounded", options={"xatol": 1e-8})
    return min(FLOORS[at], float(found.x), key=error)


def _fit_given(
    shares: np.ndarray, losses: np.ndarray, floor: float, penalties: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return [penalties, sources] slopes for a floor, and the errors of leaving one mixture out.

    Mixtures are weighted by (loss - floor)², so that residuals of the logarithm count as residuals
    of the loss do.
    """
    target, weight = np.log(losses - floor), (losses - floor) ** 2
    weight = weight / weight.sum()
    center, level = weight @ shares, float(weight @ target)
    scale = np.sqrt(weight)
    left, values, right = np.linalg.svd(scale[:, None] * (shares - center), full_matrices=False)
    known = values > 1e-10 * values[0]
    left, values, right = left[:, known], values[known], right[known]
    unit = float(weight @ ((shares - center) ** 2).mean(axis=1))
    shrunk = values**2 / (values**2 + penalties[:, None] * unit)
    slopes = (shrunk / values * (left.T @ (scale * (target - level)))) @ right
    fitted = level + slopes @ (shares - center).T
    leverage = np.minimum(weight + shrunk @ (left**2).T, 1 - 1e-9)
    outside = target - (target - fitted) / (1 - leverage)
    wrong = floor + np.exp(np.minimum(outside, 50.0)) - losses
    errors = np.sqrt(np.mean(wrong**2, axis=1))
    return slopes + (level - slopes @ center)[:, None], errors


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return Spearman's rank correlation of two [number] arrays; NaN if one does not vary."""
    from scipy.stats import rankdata  # importing it takes a third of a second

    if np.ptp(first) < _FLAT or np.ptp(second) < _FLAT:
        return float("nan")
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])


def best_shares(
    laws: Sequence[Law],
    weights: np.ndarray,
    most: np.ndarray,
    starts: np.ndarray,
    least: np.ndarray | None = None,
) -> np.ndarray:
    """Return the [sources] shares with the least weighted mean of the laws' losses.

    Each law is convex in the shares, so their mean is, and there is one optimum. The law of the
    mean loss itself would have it in a corner.

    Args:
        laws: one for each held-out loss.
        weights: [laws] of the losses in the mean, 0 or more.
        most: [sources] the largest share of each source, together 1 or more.
        starts: [number, sources] mixtures within these bounds, from which the search begins.
        least: [sources] the smallest share of each source, together 1 or less; None for 0.
    """
    from scipy.optimize import minimize  # importing it takes a third of a second

    slopes = np.stack([law.slopes for law in laws])
    weights = weights / weights.sum()
    least = np.zeros_like(most) if least is None else least

    def objective(shares: np.ndarray) -> float:
        return float(weights @ np.exp(slopes @ shares))

    def gradient(shares: np.ndarray) -> np.ndarray:
        return (weights * np.exp(slopes @ shares)) @ slopes

    found = [np.asarray(start, dtype=float) for start in starts]
    for start in starts:
        result = minimize(
            objective,
            start,
            jac=gradient,
            method="SLSQP",
            bounds=list(zip(least.tolist(), most.tolist())),
            constraints={
                "type": "eq",
                "fun": lambda shares: shares.sum() - 1,
                "jac": lambda shares: np.ones_like(shares),
            },
            options={"ftol": 1e-12, "maxiter": 500},
        )
        found.append(between(result.x, least, most))
    return min(found, key=objective)


def between(shares: np.ndarray, least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Return shares that add up to 1 and are within bounds, as `within` does for the upper one.

    `ValueError` if there are none.
    """
    rest = 1 - least.sum()
    above = np.clip(shares - least, 0.0, None)
    if rest <= 1e-12 or above.sum() <= 0:
        above = most - least
    if rest <= 1e-12:
        return least / least.sum()
    return least + rest * within(above, (most - least) / rest)


def within(shares: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Return shares that add up to 1 with none above `most`, both [sources].

    What is too much for a source goes to the others, in proportion to their shares; once those are
    full too, in proportion to the room that is left. `ValueError` if `most` adds up to less than 1.
    """
    if most.sum() < 1 - 1e-12:
        raise ValueError(f"the largest shares add up to {most.sum():.4f}, which is below 1")
    wanted = shares / shares.sum()
    full = np.zeros(len(most), dtype=bool)
    while True:
        free = wanted * ~full
        rest = 1 - most[full].sum()
        if rest <= 1e-15:
            return np.where(full, most, 0.0)
        if free.sum() <= 0:
            room = np.where(full, 0.0, most)
            return np.where(full, most, room * rest / room.sum())
        found = np.where(full, most, free * rest / free.sum())
        above = found > most + 1e-15
        if not above.any():
            return found
        full |= above
