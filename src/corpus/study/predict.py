"""The predicted best mixture of a study, from the runs of its first size."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from corpus.base.errors import ArtifactError
from corpus.base.files import read_json, write_json
from corpus.study.folder import Item, StudyFolder
from corpus.study.law import Fit, Law, best_shares, fit, has_floor, judge
from corpus.study.mixtures import (
    FIRST,
    LEAST_MIXTURES,
    SECOND,
    Drawn,
    MixtureStudy,
    read_drawn,
)
from corpus.study.record import read_digest
from corpus.study.rows import Row
from corpus.study.shares import Shares, cut

_FIX = "Delete it, and it is written again when the study goes on."

EDGE = 0.01
"""Within so much of the least or the largest share that was trained, a share is at the edge."""

LOSS = "loss_"
"""What the columns of held-out losses by source begin with."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the runs of the first size say of every mixture."""

    names: tuple[str, ...]
    """The mixtures of which no run failed."""
    sources: tuple[str, ...]
    shares: np.ndarray
    """[mixtures, sources] float64."""
    seeds: tuple[int, ...]
    """Those in which every mixture is finished; losses are means over them."""
    losses: dict[str, np.ndarray]
    """By held-out source: [mixtures] in nats per token."""
    fits: dict[str, Fit]
    """By held-out source."""
    endpoint: np.ndarray
    """[mixtures] the weighted mean of the losses."""
    mean_fit: Fit
    """Of the endpoint, as the weighted mean of the sources' laws; its law is that of the endpoint
    alone."""
    own_fit: Fit
    """Of the endpoint alone."""
    has_floor: bool
    """Whether there were mixtures enough for the floors."""
    best: Shares
    """The predicted best mixture, within what was trained and what the text allows at the second
    size."""
    best_loss: float
    """Its predicted endpoint at the first size."""

    @property
    def at_edge(self) -> list[str]:
        """The sources of which the best mixture has the least or the most that was trained."""
        low, high = self.shares.min(axis=0), self.shares.max(axis=0)
        return [
            name
            for at, name in enumerate(self.sources)
            if not low[at] + EDGE < self.best[name] < high[at] - EDGE
        ]


def usable(study: MixtureStudy, failed: Collection[str]) -> dict[str, list[Item]]:
    """Return the runs of the first size by mixture, without mixtures of which one failed.

    The other runs of those are the ones that went well, so they would mislead the law.
    """
    return {
        name: items
        for name, items in study.runs(FIRST).items()
        if not any(item.name in failed for item in items)
    }


def predict(
    study: MixtureStudy, drawn: Drawn, rows: Sequence[Row], failed: Collection[str] = ()
) -> Prediction | None:
    """Fit the laws and find the best mixture.

    None until every mixture that is `usable` has a common seed, or if they are too few.
    """
    known = {row["run"]: row for row in rows}
    runs = usable(study, failed)
    common = [
        of_seed for of_seed in zip(*runs.values()) if all(item.name in known for item in of_seed)
    ]
    if not common or len(runs) < LEAST_MIXTURES:
        return None
    names, sources = tuple(runs), tuple(drawn.sequences)
    table = {name: [known[each[at].name] for each in common] for at, name in enumerate(names)}
    first = table[names[0]][0]
    heldout = [name.removeprefix(LOSS) for name in first if name.startswith(LOSS)]
    losses = {
        source: np.array(
            [np.mean([row[f"{LOSS}{source}"] for row in table[name]]) for name in names]
        )
        for source in heldout
    }
    shares = np.array([[drawn.first[name][source] for source in sources] for name in names])
    weights = _weights(study, heldout)
    fits = {source: fit(shares, each) for source, each in losses.items()}
    endpoint = weights @ np.stack(list(losses.values()))
    own = fit(shares, endpoint)
    mean = weights @ np.stack([each.predicted for each in fits.values()])
    best = _best(study, drawn, list(fits.values()), weights, shares)
    return Prediction(
        names=names,
        sources=sources,
        shares=shares,
        seeds=tuple(of_seed[0].seed for of_seed in common),
        losses=losses,
        fits=fits,
        endpoint=endpoint,
        mean_fit=judge(own.law, mean, endpoint),
        own_fit=own,
        has_floor=has_floor(len(np.unique(shares, axis=0)), len(sources)),
        best=best,
        best_loss=_mean_loss([each.law for each in fits.values()], weights, best, sources),
    )


def prediction(
    study: MixtureStudy, folder: StudyFolder, rows: Sequence[Row], failed: Collection[str]
) -> Prediction | None:
    """Return the prediction as the study stands; a best mixture that is written down stays.

    None until the mixtures are drawn and `predict` finds one.
    """
    if not folder.mixtures.exists():
        return None
    found = predict(study, read_drawn(folder), rows, failed)
    if found is None or not folder.best.exists():
        return found
    best, weights = read_best(folder), _weights(study, list(found.fits))
    laws = [each.law for each in found.fits.values()]
    return replace(found, best=best, best_loss=_mean_loss(laws, weights, best, found.sources))


def _weights(study: MixtureStudy, heldout: Sequence[str]) -> np.ndarray:
    """Return the weight of each held-out source in the endpoint; they add up to 1."""
    given = study.config.curriculum.weights
    weights = np.array([given.get(source, 1.0) for source in heldout])
    return weights / weights.sum()


def _mean_loss(
    laws: Sequence[Law], weights: np.ndarray, shares: Shares, sources: Sequence[str]
) -> float:
    at = np.array([shares[source] for source in sources])
    return float(weights @ np.array([float(law(at)) for law in laws]))


def _best(
    study: MixtureStudy,
    drawn: Drawn,
    fits: Sequence[Fit],
    weights: np.ndarray,
    shares: np.ndarray,
) -> Shares:
    """Return the best mixture in whole sequences of the second size.

    No source has less or more than in a mixture that was trained: beyond them the law of a few
    mixtures is wrong by far more than it gains.
    """
    sources, total = list(drawn.sequences), study.total(SECOND)
    there = np.array([min(1.0, drawn.sequences[name] / total) for name in sources])
    starts = np.array([[each[name] for name in sources] for each in drawn.second.values()])
    trained = np.vstack([shares, starts])  # the second size rounds otherwise
    most = np.minimum(trained.max(axis=0), there)
    least = np.minimum(trained.min(axis=0), most)
    found = best_shares([each.law for each in fits], weights, most, starts, least)
    wanted = {name: float(found[at]) for at, name in enumerate(sources)}
    return cut(wanted, drawn.sequences, total)


def write_best(prediction: Prediction, folder: StudyFolder) -> None:
    """Write the best mixture down, with the laws that it is from."""
    record: dict[str, Any] = {
        "study": read_digest(folder),
        "shares": prediction.best,
        "predicted_loss": prediction.best_loss,
        "laws": {
            name: {
                "floor": each.law.floor,
                "slopes": dict(zip(prediction.sources, each.law.slopes.tolist())),
                "penalty": each.law.penalty,
                "error": each.error,
                "naive_error": each.naive_error,
            }
            for name, each in prediction.fits.items()
        },
    }
    write_json(folder.best, record)


def read_best(folder: StudyFolder) -> Shares:
    """Return the best mixture that was written down. Raises `ArtifactError` if it is damaged."""
    plain = read_json(folder.best, fix=_FIX)
    try:
        if plain["study"] != read_digest(folder):
            raise ValueError("it is of another study")
        return {name: float(share) for name, share in plain["shares"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{folder.best} is damaged ({error}). {_FIX}") from None
