"""The curriculum as it happened: stretches of pre-training, by the tokens read from each source."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from corpus.train.metrics import TrainPoint

COMPANION = 0.6
"""A source belongs to a phase's name when its share is at least this part of the largest share."""

MAX_NAMED = 2
"""A stretch led by more sources than this (C4 with CommonCrawl are two) counts as a mixture."""

SHORTEST = 0.015
"""A stretch that holds less than this share of the tokens is noise, and joins the one before it."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Consecutive steps led by the same sources (`names`, empty if none leads).

    `consumed` counts the tokens within it.
    """

    names: tuple[str, ...]
    first: TrainPoint
    last: TrainPoint
    consumed: dict[str, float]

    @property
    def title(self) -> str:
        """The leading sources, or `mixed`."""
        return " + ".join(self.names) or "mixed"

    @property
    def mixture(self) -> dict[str, float]:
        """Share of each source, largest first."""
        total = sum(self.consumed.values())
        return {
            name: count / total
            for name, count in sorted(self.consumed.items(), key=lambda item: -item[1])
            if count > 0
        }


def find_phases(points: Sequence[TrainPoint]) -> tuple[Stretch, ...]:
    """Return the stretches of pre-training in order, without a gap, from first to last point.

    They rest on differences of the cumulative `consumed`: an interrupted or re-weighted run shows
    what was read, not what was planned. An interval across two phases goes to the earlier one.
    """
    if not points:
        return ()
    stretches = [
        _stretch(before, after)
        for before, after in zip((_origin(points[0]), *points), points, strict=False)
    ]
    stretches = _merge_equal([stretch for stretch in stretches if stretch.consumed])
    total = sum(sum(stretch.consumed.values()) for stretch in stretches)
    return tuple(_merge_equal(_absorb(stretches, total)))


def _origin(first: TrainPoint) -> TrainPoint:
    return replace(first, step=0, seconds=0.0, tokens=0.0, consumed={})


def _stretch(before: TrainPoint, after: TrainPoint) -> Stretch:
    read = {name: count - before.consumed.get(name, 0.0) for name, count in after.consumed.items()}
    read = {name: count for name, count in read.items() if count > 0}
    return Stretch(names=_leaders(read), first=before, last=after, consumed=read)


def _leaders(read: dict[str, float]) -> tuple[str, ...]:
    top = max(read.values(), default=0.0)
    named = tuple(sorted(name for name, count in read.items() if count >= COMPANION * top))
    return named if len(named) <= MAX_NAMED else ()


def _join(one: Stretch, two: Stretch, *, names: tuple[str, ...] | None = None) -> Stretch:
    consumed = {
        name: one.consumed.get(name, 0.0) + two.consumed.get(name, 0.0)
        for name in {**one.consumed, **two.consumed}
    }
    return Stretch(
        names=one.names if names is None else names,
        first=one.first,
        last=two.last,
        consumed=consumed,
    )


def _merge_equal(stretches: Sequence[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for stretch in stretches:
        if merged and merged[-1].names == stretch.names:
            merged[-1] = _join(merged[-1], stretch)
        else:
            merged.append(stretch)
    return merged


def _absorb(stretches: Sequence[Stretch], total: float) -> list[Stretch]:
    """Join short or straddling stretches to the one before, a short first one to the next."""
    kept: list[Stretch] = []
    for index, stretch in enumerate(stretches):
        following = stretches[index + 1].names if index + 1 < len(stretches) else ()
        if not kept:
            kept.append(stretch)
        elif _is_short(stretch, total) or _straddles(stretch, kept[-1].names, following):
            kept[-1] = _join(kept[-1], stretch)
        elif len(kept) == 1 and _is_short(kept[0], total):
            kept[0] = _join(kept[0], stretch, names=stretch.names)
        else:
            kept.append(stretch)
    return kept


def _is_short(stretch: Stretch, total: float) -> bool:
    return sum(stretch.consumed.values()) < SHORTEST * total


def _straddles(stretch: Stretch, before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    """True if one phase ends and the next begins here: sources of both lead, and no others."""
    names = set(stretch.names)
    return (
        bool(names & {*before})
        and bool(names & {*after})
        and names <= {*before, *after}
        and before != after
    )
