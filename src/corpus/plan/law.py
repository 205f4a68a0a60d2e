"""The scaling law of the planner: how the loss falls with parameters and tokens.

Hoffmann et al.'s law, fitted to the small runs of this data and this machine:

    L(N, D) = E + A / N^α + B / D^β

N counts all parameters, D the tokens read. E, A and B depend on the text and its tokenizer, so
Hoffmann's values are a prior: a least-squares fit of log L in which the prior's values count as
measurements too, each with its standard deviation. So the fit is well-defined for any number of
runs. Every prediction has an interval, from the covariance of the fit and from the scatter of
single runs around the law.

References: Hoffmann et al. 2022, arXiv:2203.15556, sec. 3.3 and appendix D.3 (the law); Muennighoff
et al. 2023, arXiv:2305.16264, sec. 5 (the value of repeated tokens).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

EXPONENTS = (0.34, 0.28)
"""Hoffmann's α and β."""

EXPONENT_SPREAD = 0.1
"""Standard deviation of both, from other data and from other fits of the same data."""

IRREDUCIBLE, IRREDUCIBLE_SPREAD = 1.69, 0.3
"""Hoffmann's E in nats a token, and its spread as a share."""

TERM_SPREAD = 1.5
"""Standard deviation of the log of either term at the size of the runs: a weak prior."""

SCATTER = 0.02
"""Relative standard deviation of a single run's loss around the law, from its seed and from what
the law leaves out. Where the runs scatter more, intervals are wider by as much."""

MOVED = 3
"""Constants that a few runs determine: E and the sizes of both terms. The exponents stay near the
prior."""

NINETY_FIVE = 1.96

TOLERANCE = 1e-12
"""Relative change of the cost and of the values at which the fit has converged."""

REUSE = 15.4
"""Epochs after which repeated tokens add little (Muennighoff's R*)."""

OFTEN = 4.0
"""Epochs up to which repeated tokens are nearly as good as new ones, by the same paper."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A run: parameters, tokens and the loss it reached."""

    parameters: float
    tokens: float
    loss: float


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A loss in nats a token, with its 95 % interval."""

    loss: float
    low: float
    high: float


def worth(tokens: float, unique: float) -> float:
    """Return how many new tokens are worth `tokens` read from a text of `unique` tokens."""
    if tokens <= unique:
        return tokens
    repeats = tokens / unique - 1
    return unique * (1 + REUSE * (1 - math.exp(-repeats / REUSE)))


class Law:
    """The law, fitted to some runs."""

    def __init__(self, points: Sequence[Point]) -> None:
        """Fit the law to `points`. Raises `ValueError` if there are none."""
        if not points:
            raise ValueError("a law needs at least one run")
        self.points = tuple(points)
        sizes, tokens = (
            [getattr(point, name) for point in points] for name in ("parameters", "tokens")
        )
        self._size0, self._tokens0 = (
            math.exp(float(np.mean(np.log(values)))) for values in (sizes, tokens)
        )
        typical = math.exp(float(np.mean([math.log(point.loss) for point in points])))
        # What is not E, half to each term.
        rest = math.log(max(typical - IRREDUCIBLE, 0.1 * typical) / 2)
        self._prior = np.array([math.log(IRREDUCIBLE), rest, rest, *EXPONENTS])
        self._spread = np.array(
            [IRREDUCIBLE_SPREAD, TERM_SPREAD, TERM_SPREAD, EXPONENT_SPREAD, EXPONENT_SPREAD]
        )
        self._values, covariance = self._fit()
        # The residuals of the runs alone: how far the constants moved is no scatter.
        scatter = self._residuals(self._values)[len(self._prior) :]
        excess = max(1.0, float(scatter @ scatter) / max(1, len(points) - MOVED))
        self._covariance, self._scatter = excess * covariance, math.sqrt(excess) * SCATTER

    @property
    def constants(self) -> dict[str, float]:
        """E, A, B, α and β."""
        log_e, log_a, log_b, alpha, beta = (float(value) for value in self._values)
        a, b = (
            math.exp(log_a + alpha * math.log(self._size0)),
            math.exp(log_b + beta * math.log(self._tokens0)),
        )
        return {"E": math.exp(log_e), "A": a, "B": b, "alpha": alpha, "beta": beta}

    def predict(self, parameters: float, tokens: float) -> Prediction:
        """Return the loss of a run of this size."""
        log_loss = self._log_loss(self._values, parameters, tokens)
        slope = self._slope(self._values, parameters, tokens)
        error = NINETY_FIVE * math.sqrt(float(slope @ self._covariance @ slope) + self._scatter**2)
        return Prediction(
            loss=math.exp(log_loss), low=math.exp(log_loss - error), high=math.exp(log_loss + error)
        )

    def _terms(self, values: np.ndarray, parameters: float, tokens: float) -> np.ndarray:
        """Return E and the terms in parameters and tokens: [3]."""
        log_e, log_a, log_b, alpha, beta = values
        by_size, by_tokens = math.log(parameters / self._size0), math.log(tokens / self._tokens0)
        return np.exp([log_e, log_a - alpha * by_size, log_b - beta * by_tokens])

    def _log_loss(self, values: np.ndarray, parameters: float, tokens: float) -> float:
        return math.log(float(self._terms(values, parameters, tokens).sum()))

    def _slope(self, values: np.ndarray, parameters: float, tokens: float) -> np.ndarray:
        """Return the derivatives of log L by the five values: [5]."""
        e, a, b = self._terms(values, parameters, tokens)
        by_size, by_tokens = math.log(parameters / self._size0), math.log(tokens / self._tokens0)
        return np.array([e, a, b, -a * by_size, -b * by_tokens]) / (e + a + b)

    def _fit(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the least-squares values and their covariance, by Levenberg and Marquardt."""
        found = least_squares(
            self._residuals,
            self._prior,
            self._jacobian,  # pyright: ignore[reportArgumentType] - scipy infers str from its default
            method="lm",
            ftol=TOLERANCE,
            xtol=TOLERANCE,
        )
        return found.x, np.linalg.inv(found.jac.T @ found.jac)

    def _residuals(self, values: np.ndarray) -> np.ndarray:
        """Return prior and runs against the law, in standard deviations: [5 + runs]."""
        runs = [
            (self._log_loss(values, run.parameters, run.tokens) - math.log(run.loss)) / SCATTER
            for run in self.points
        ]
        return np.concatenate([(values - self._prior) / self._spread, runs])

    def _jacobian(self, values: np.ndarray) -> np.ndarray:
        """Return the derivatives of the residuals by the values: [5 + runs, 5]."""
        runs = [self._slope(values, run.parameters, run.tokens) / SCATTER for run in self.points]
        return np.concatenate([np.diag(1 / self._spread), runs])
