"""Paired differences: does one way of answering, or one run, answer more of the same problems?

Two shares of one set are not independent: both find the same problems hard. So the difference is
taken problem by problem, and its interval is cluster-robust, as those of the shares are.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.base.errors import ArtifactError, ConfigError, DataError, did_you_mean
from corpus.base.files import read_lines
from corpus.base.plain import short
from corpus.evaluate.intervals import Z, effective_size
from corpus.evaluate.scores import MADE, MODEL, answers, title
from corpus.problems.registry import PROBLEM_SETS
from corpus.run.folder import RunFolder

Json = dict[str, Any]

GROUPS = (("all", None), ("template seen", True), ("unseen", False))
"""The groups of problems, and their value of `seen`."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A paired difference of two shares of the same problems."""

    num_problems: int
    first: float
    second: float
    """The shares, 0…1."""
    interval: tuple[float, float]
    """The 95 % interval of the difference."""

    @property
    def difference(self) -> float:
        """The first share less the second."""
        return self.first - self.second

    def __str__(self) -> str:
        low, high = (100 * each for each in self.interval)
        return f"{100 * self.difference:+.1f} ({low:+.1f} to {high:+.1f})"


def paired(
    first: Sequence[bool], second: Sequence[bool], clusters: Sequence[Hashable]
) -> Difference | None:
    """Return the difference of two shares of the same problems; None without problems.

    The interval is Agresti and Min's for the effective number of pairs (see `intervals.clustered`):
    half a pair is added to each cell of the table of both answers. So it has a width where few
    clusters disagree, or none.

    References: Miller 2024, arXiv:2411.00640, sec. 4; Agresti and Min 2005, Stat. Med. 24:729.
    """
    total = len(first)
    if not total:
        return None
    gaps = [int(one) - int(other) for one, other in zip(first, second, strict=True)]
    size = effective_size(gaps, clusters)
    more, less = ((gaps.count(sign) / total * size + 0.5) / (size + 2) for sign in (1, -1))
    middle = more - less
    margin = Z * math.sqrt(max(0.0, more + less - middle**2) / (size + 2))
    return Difference(
        num_problems=total,
        first=sum(first) / total,
        second=sum(second) / total,
        interval=(max(-1.0, middle - margin), min(1.0, middle + margin)),
    )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two ways of answering one set, in one run or in two."""

    set_name: str
    first: str
    second: str
    """The titles of both."""
    groups: dict[str, Difference | None]
    """By the names in `GROUPS`."""


def compare(
    run: Path,
    other: Path | None = None,
    *,
    way: str = MODEL,
    other_way: str | None = None,
    set_name: str | None = None,
    by_value: bool = False,
) -> list[Comparison]:
    """Compare ways of answering, problem by problem.

    Args:
        run: a scored run's folder, or a folder of outcomes.
        other: another one, scored on the same problems; None compares within `run`.
        way: the field of the first way of answering.
        other_way: that of the second; None is the same way of `other`, or within `run` every other
            one.
        set_name: the problem set; None is every set that both have.
        by_value: count right values instead of right answers.

    Raises `ArtifactError` where outcomes are missing or damaged, `ConfigError` where there is no
    such set or way, `DataError` where the problems are not the same.
    """
    ours = read_outcomes(run)
    theirs = ours if other is None else read_outcomes(other)
    names = [name for name in ours if name in theirs]
    if set_name is not None and set_name not in names:
        raise ConfigError(
            f"there are no outcomes of {set_name!r} to compare; there are: "
            f"{', '.join(names) or 'none'}.{did_you_mean(set_name, names)}"
        )
    if not names:
        raise DataError(f"{run} and {other} have no problem set in common, so nothing is compared")
    found, known = [], dict[str, str]()
    for name in names if set_name is None else [set_name]:
        pairs = _pairs(ours[name], theirs[name], name)
        own, others = (_answers(records, name, by_value) for records in zip(*pairs))
        known |= own | others
        second = [other_way or way]
        if other is None and other_way is None:
            second = [each for each in others if each != way]
        if way in own:
            asked = [each for each in second if each in others]
            found += [_compare(name, pairs, way, each, other, by_value) for each in asked]
    if not found:
        wrong = next((each for each in (way, other_way) if each and each not in known), way)
        raise ConfigError(
            f"no set was answered by {wrong!r}; the names are: {', '.join(known)}."
            f"{did_you_mean(wrong, known)}"
        )
    return found


def _answers(records: Sequence[Json], name: str, by_value: bool) -> dict[str, str]:
    """Return the ways of answering a set that can be compared, with their titles."""
    ways = records[0]["ways"]
    kept = {way: 0 for way in ways if not by_value or ways[way]["value_right"] is not None}
    made = name in PROBLEM_SETS and PROBLEM_SETS[name].makes_programs
    return answers(kept | ({"gold_programs": MADE} if made else {}))


def _compare(
    name: str,
    pairs: list[tuple[Json, Json]],
    way: str,
    other_way: str,
    other: Path | None,
    by_value: bool,
) -> Comparison:
    field = "value_right" if by_value else "right"
    groups: dict[str, Difference | None] = {}
    for group, seen in GROUPS:
        part = [pair for pair in pairs if seen is None or pair[0]["seen"] is seen]
        groups[group] = paired(
            [first["ways"][way][field] for first, _ in part],
            [second["ways"][other_way][field] for _, second in part],
            [first["cluster"] for first, _ in part],
        )
    second = title(other_way) if other is None else f"{title(other_way)} of {other}"
    return Comparison(set_name=name, first=title(way), second=second, groups=groups)


def _pairs(ours: list[Json], theirs: list[Json], name: str) -> list[tuple[Json, Json]]:
    """Pair the outcomes of the same problems. Whether a template was seen is the first run's."""
    known = {each["id"]: each for each in theirs}
    same = len(known) == len(ours) and all(
        each["id"] in known and known[each["id"]]["text"] == each["text"] for each in ours
    )
    if not same or not ours:
        raise DataError(
            f"the outcomes of {name} are not of the same problems, so they cannot be paired. "
            "Score both runs on the same file: corpus evaluate RUN --problems SET=FILE"
        )
    return [(each, known[each["id"]]) for each in ours]


def read_outcomes(path: Path) -> dict[str, list[Json]]:
    """Return the outcomes in a run or a folder, by set.

    Raises `ArtifactError` where they are missing, damaged or of an older version.
    """
    folder = RunFolder(path).outcomes if RunFolder(path).config.exists() else path
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    if not files:
        raise ArtifactError(
            f"{path} has no outcomes of problems. Score the run first: corpus evaluate {path}"
        )
    found = {file: read_lines(file, _outcome, what=_WHAT, fix=_FIX) for file in files}
    for file, records in found.items():
        if len({tuple(each["ways"]) for each in records}) > 1:
            raise ArtifactError(f"the outcomes in {file} have different ways of answering. {_FIX}")
    return {file.stem: records for file, records in found.items()}


_WHAT = "the outcome of a problem, with every way of answering"
_FIX = "An older version may have written it. Score the run again with `corpus evaluate`."


def _outcome(plain: Json) -> Json:
    """Return one outcome. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
    for name in ("id", "text", "cluster"):
        if not isinstance(plain[name], str):
            raise ValueError(f"{name} is {short(plain[name])}")
    ways = plain["ways"].values()
    marks = [plain["seen"], *(each["right"] for each in ways)]
    marks += [each["value_right"] for each in ways if each["value_right"] is not None]
    if not ways or not all(isinstance(each, bool) for each in marks):
        raise ValueError("it is neither right nor wrong")
    return plain
