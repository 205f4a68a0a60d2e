"""How the loss falls with parameters and tokens: Hoffmann et al.'s law, moved by the small runs of this data and this machine.

    L(N, D) = E + A / N^α + B / D^β

N counts all parameters, D the tokens read. E, A and B depend on the text and its tokenizer, so Hoffmann's are only where the fit starts. It
is a least-squares fit of log L in which the starting values count as measurements of their own, each with an uncertainty. That makes it
well-defined for any number of runs, and gives every prediction an interval: from what the runs leave open, and from how far single runs
scatter around the law.

References: Hoffmann et al. 2022, arXiv:2203.15556, sec. 3.3 and appendix D.3 (the law); Muennighoff et al. 2023, arXiv:2305.16264, sec. 5
(what tokens are worth that are read again).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

EXPONENTS = (0.34, 0.28)
"""Hoffmann's α and β."""

EXPONENT_SPREAD = 0.1
"""Standard deviation of both: what other data and other fits of the same data gave."""

IRREDUCIBLE, IRREDUCIBLE_SPREAD = 1.69, 0.3
"""Hoffmann's E in nats a token, and its spread as a share."""

TERM_SPREAD = 1.5
"""Spread, in log, of the two terms where the runs lie: little is assumed of them."""

SCATTER = 0.02
"""Relative: a single run's loss around the law, from its seed and from what the law leaves out. Where the runs are further from it than
that, intervals are wider by as much."""

MOVED = 3
"""Constants that a few runs can move: E and the sizes of both terms. The exponents stay near where they began."""

NINETY_FIVE = 1.96

REUSE = 15.4
"""Epochs after which reading again brings little more (Muennighoff's R*)."""

OFTEN = 4.0
"""Epochs up to which reading again is nearly as good as new text, by the same paper."""


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
    """Return how many new tokens are worth as much as `tokens` read from a text of `unique`, again and again where that is less."""
    if tokens <= unique:
        return tokens
    repeats = tokens / unique - 1
    return unique * (1 + REUSE * (1 - math.exp(-repeats / REUSE)))


class Law:
    """The law as the runs left it."""

    def __init__(self, points: Sequence[Point]) -> None:
        """Raises `ValueError` where there are no points."""
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
        rest = math.log(
            max(typical - IRREDUCIBLE, 0.1 * typical) / 2
        )  # what is not E, half to each term
        self._prior = np.array([math.log(IRREDUCIBLE), rest, rest, *EXPONENTS])
        self._spread = np.array(
            [IRREDUCIBLE_SPREAD, TERM_SPREAD, TERM_SPREAD, EXPONENT_SPREAD, EXPONENT_SPREAD]
        )
        self._values, covariance = self._fit()
        scattered = self._residuals(self._values)[0][
            len(self._prior) :
        ]  # how far the constants moved is no scatter
        excess = max(1.0, float(scattered @ scattered) / max(1, len(points) - MOVED))
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
        """E and the two terms in parameters and tokens."""
        log_e, log_a, log_b, alpha, beta = values
        by_size, by_tokens = math.log(parameters / self._size0), math.log(tokens / self._tokens0)
        return np.exp([log_e, log_a - alpha * by_size, log_b - beta * by_tokens])

    def _log_loss(self, values: np.ndarray, parameters: float, tokens: float) -> float:
        return math.log(float(self._terms(values, parameters, tokens).sum()))

    def _slope(self, values: np.ndarray, parameters: float, tokens: float) -> np.ndarray:
        """The derivatives of log L by the five values."""
        e, a, b = self._terms(values, parameters, tokens)
        by_size, by_tokens = math.log(parameters / self._size0), math.log(tokens / self._tokens0)
        return np.array([e, a, b, -a * by_size, -b * by_tokens]) / (e + a + b)

    def _fit(self) -> tuple[np.ndarray, np.ndarray]:
        """Gauss and Newton's iteration with Levenberg's damping: at most a hundred steps, each accepted only where it helps."""
        values, damping, cost = self._prior.copy(), 1e-3, self._cost(self._prior)
        for _ in range(100):
            residuals, slopes = self._residuals(values)
            normal = slopes.T @ slopes
            step = np.linalg.solve(
                normal + damping * np.diag(np.diag(normal)), slopes.T @ residuals
            )
            better = self._cost(values - step)
            if better < cost:
                values, cost, damping = values - step, better, damping / 10
                if float(np.abs(step).max()) < 1e-9:
                    break
            else:
                damping *= 10
                if damping > 1e12:
                    break
        _, slopes = self._residuals(values)
        return values, np.linalg.inv(slopes.T @ slopes)

    def _residuals(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far the runs and the starting values are from the law, in standard deviations, and the derivatives of that."""
        residuals, slopes = [(values - self._prior) / self._spread], [np.diag(1 / self._spread)]
        for point in self.points:
            found = self._log_loss(values, point.parameters, point.tokens)
            residuals.append(np.array([(found - math.log(point.loss)) / SCATTER]))
            slopes.append(self._slope(values, point.parameters, point.tokens)[None] / SCATTER)
        return np.concatenate(residuals), np.concatenate(slopes)

    def _cost(self, values: np.ndarray) -> float:
        residuals, _ = self._residuals(values)
        return float(residuals @ residuals)
