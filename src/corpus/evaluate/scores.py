"""`scores.json`: how its fields are made and named, and reading it back."""

import re
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any

from corpus.base.errors import ArtifactError
from corpus.base.files import read_json
from corpus.evaluate.intervals import clustered
from corpus.run.folder import RunFolder

Scores = dict[str, dict[str, Any]]
"""What `scores.json` holds: `text` by source, `problems` by set."""

RETRIEVAL, OPTIONS = "retrieval", "_options"
"""The way of answering in which similar training problems vote too; appended where the options
count."""

_WAY = re.compile(r"(?:vote_(\d+)|retrieval)(_options)?")
_FIELD = re.compile(r"accuracy_((?:vote_\d+|retrieval)(?:_options)?)")


def read_scores(folder: RunFolder) -> Scores:
    """Return what `evaluate_run` wrote into a run.

    Raises `ArtifactError` if it is missing or damaged.
    """
    plain = read_json(folder.scores)
    if not _is_scores(plain):
        raise ArtifactError(
            f"{folder.scores} does not hold the scores of a run. Delete it and score the run again."
        )
    return plain


def holds_scores(path: Path) -> bool:
    """Return whether a file has the form of scores, of whatever run."""
    try:
        return _is_scores(read_json(path))
    except ArtifactError:
        return False


def _is_scores(plain: Any) -> bool:
    return isinstance(plain, dict) and all(
        isinstance(plain.get(group), dict) for group in ("text", "problems")
    )


def share_fields(
    name: str, hits: Iterable[bool | None], clusters: Sequence[Hashable]
) -> dict[str, Any]:
    """Return the share of `hits` among those that are not None, and its 95 % interval.

    Both are None if there are none. The interval is cluster-robust; see `Problem.cluster`.
    """
    counted = [
        (hit, cluster) for hit, cluster in zip(hits, clusters, strict=True) if hit is not None
    ]
    right = [hit for hit, _ in counted]
    interval = clustered(right, [cluster for _, cluster in counted])
    return {
        name: sum(right) / len(right) if right else None,
        f"{name}_interval": list(interval) if interval else None,
    }


def vote_way(count: int) -> str:
    """Return the name of majority voting over `count` programs."""
    return f"vote_{count}"


def ways(fields: Iterable[str]) -> list[tuple[str, str]]:
    """Return name and title of every way of answering among the fields of a score, in order.

    Greedy decoding, the plain `accuracy`, is not among them.
    """
    found = [match[1] for field in fields if (match := _FIELD.fullmatch(field))]
    return [(way, title(way)) for way in found]


def title(way: str) -> str:
    """Return the title of a way of answering in a sentence or a table."""
    match = _WAY.fullmatch(way)
    assert match is not None
    voters = f"maj@{match[1]}" if match[1] else "majority voting with similar training problems"
    return voters + (", options known" if match[2] else "")
