"""The interval of a difference over seeds and held-out documents, both drawn at random.

Every seed is scored on the same documents. So two losses are alike if they share the seed, and if
they share the document. An interval over seeds alone holds only for these documents, and one over
documents alone only for these seeds. This one holds for new seeds and new documents.

References: Owen 2007, Ann. Appl. Stat. 1:386 (the variance of a crossed mean); Miller 2024,
arXiv:2411.00640; Cochran 1977, Sampling Techniques, sec. 6.4 (ratios); Satterthwaite 1946,
Biometrics Bull. 2:110 (degrees of freedom).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class CrossedDifference:
    """A mean difference with the parts of its variance."""

    difference: float
    """In nats per token: the weighted mean over the sources."""
    seeds: float
    """The variance over seeds. It contains the interaction, as the next one does."""
    documents: float
    """The variance over documents."""
    interaction: float
    """The variance of what neither the seed nor the document explains."""
    variance: float
    """Seeds plus documents minus interaction, and never below the larger of the first two."""
    freedom: float
    """Satterthwaite's degrees of freedom of the variance."""
    interval: Interval
    """Unbounded where there is only one seed, or only one document of a source."""


def crossed_difference(
    differences: np.ndarray,
    tokens: np.ndarray,
    sources: Sequence[str],
    weights: Mapping[str, float] | None = None,
    alpha: float = 0.05,
) -> CrossedDifference:
    """Return the mean difference of two orders and its interval over seeds and documents.

    Args:
        differences: [seeds documents] the summed loss of one order less that of the other, in nats.
        tokens: [documents] the predicted tokens of each; documents without tokens do not count.
        sources: [documents] the source of each.
        weights: of the sources in the mean, of any sum above 0; None weights each token alike.
        alpha: one minus the level of the interval.

    The estimate of a source is the ratio of its sums. Its variance is linearised, so the sources
    need more than a few documents. Simulated intervals of 95 % hold in 94 to 99 % of studies, with
    two seeds in 92 %. The sources are fixed, the documents in each are drawn at random
    (strata). A seed moves all of its documents in proportion to their tokens.

    Raises `ValueError` where the shapes differ, or a source with a weight has no tokens.
    """
    if np.shape(differences)[1:] != np.shape(tokens) or len(sources) != np.size(tokens):
        raise ValueError(
            f"differences {np.shape(differences)}, tokens {np.shape(tokens)} and {len(sources)} "
            "sources are not of the same documents"
        )
    kept = np.asarray(tokens) > 0
    table, sizes = np.asarray(differences, dtype=np.float64)[:, kept], np.asarray(tokens)[kept]
    names = np.asarray(sources)[kept]
    groups = _groups(names, sizes, weights)
    by_seed = np.zeros(len(table))
    parts = [
        _source(table[:, names == name], sizes[names == name], share)
        for name, share in groups.items()
    ]
    for part in parts:
        by_seed += part.by_seed
    difference = float(by_seed.mean())
    num_seeds = len(by_seed)
    if num_seeds < 2 or any(part.freedom < 1 for part in parts):
        return _unbounded(difference)
    seeds = float(by_seed.var(ddof=1)) / num_seeds
    documents = sum(part.documents for part in parts)
    interaction = sum(part.interaction for part in parts)
    variance = max(seeds + documents - interaction, seeds, documents)
    rows, columns = num_seeds - 1, _pooled_freedom([(p.documents, p.freedom) for p in parts])
    doubt = seeds**2 / rows + documents**2 / columns + interaction**2 / (rows * columns)
    freedom = variance**2 / doubt if doubt else float(rows)
    return CrossedDifference(
        difference=difference,
        seeds=seeds,
        documents=documents,
        interaction=interaction,
        variance=variance,
        freedom=freedom,
        interval=_interval(difference, variance, freedom, alpha),
    )


@dataclass(frozen=True, kw_only=True)
class _Source:
    """What one source adds to the mean and to its variance."""

    by_seed: np.ndarray
    documents: float
    interaction: float
    freedom: int


def _source(table: np.ndarray, sizes: np.ndarray, share: float) -> _Source:
    """Return the parts of one source, [seeds documents], whose share of the mean is `share`."""
    num_seeds, number = table.shape
    ratios = table.sum(1) / sizes.sum()
    factor = share / sizes.sum()
    rest = factor * (table - ratios[:, None] * sizes)  # [seeds documents]; each row sums to 0
    means = rest.mean(0)
    more = number / max(number - 1, 1)
    inner = float(np.square(rest - means).sum()) / max(num_seeds * (num_seeds - 1), 1)
    return _Source(
        by_seed=share * ratios,
        documents=more * float(means @ means),
        interaction=more * inner,
        freedom=number - 1,
    )


def _groups(
    names: np.ndarray, sizes: np.ndarray, weights: Mapping[str, float] | None
) -> dict[str, float]:
    """Return the share of each source in the mean."""
    found = {str(name): float(sizes[names == name].sum()) for name in dict.fromkeys(names.tolist())}
    chosen = found if weights is None else {name: w for name, w in weights.items() if w}
    missing = [name for name in chosen if name not in found]
    if missing or not chosen or min(chosen.values()) < 0:
        raise ValueError(
            f"the weights {dict(weights or {})} do not fit the sources with tokens: {list(found)}"
        )
    total = sum(chosen.values())
    return {name: weight / total for name, weight in chosen.items()}


def _pooled_freedom(parts: Sequence[tuple[float, int]]) -> float:
    """Return Satterthwaite's degrees of freedom of a sum of variances."""
    doubt = sum(variance**2 / freedom for variance, freedom in parts)
    return sum(variance for variance, _ in parts) ** 2 / doubt if doubt else float(parts[0][1])


def _interval(difference: float, variance: float, freedom: float, alpha: float) -> Interval:
    from scipy.special import stdtrit  # importing it takes a third of a second

    half = float(stdtrit(freedom, 1 - alpha / 2)) * math.sqrt(variance)
    return difference - half, difference + half


def _unbounded(difference: float) -> CrossedDifference:
    return CrossedDifference(
        difference=difference,
        seeds=math.nan,
        documents=math.nan,
        interaction=math.nan,
        variance=math.inf,
        freedom=0.0,
        interval=(-math.inf, math.inf),
    )
