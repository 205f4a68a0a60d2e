"""`scores.json`: how its fields are made and named, and reading it back."""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus.base.errors import ArtifactError
from corpus.base.files import read_json
from corpus.evaluate.intervals import clustered
from corpus.run.folder import RunFolder

Scores = dict[str, dict[str, Any]]
"""What `scores.json` holds: `text` by source, `problems` by set."""

MODEL, NEAREST, NEIGHBOURS = "accuracy", "baseline_nearest", "baseline_neighbours"
MAJORITY, GOLD = "baseline_majority", "ceiling_gold"
"""Who answers, by the field of the score: one greedy program; the program of the most similar
training problem; similar training problems voting alone; the most common answer; gold programs."""

RETRIEVAL = "accuracy_retrieval"
"""The model's programs vote together with those of similar training problems."""

NEAREST_PLAUSIBLE = "baseline_nearest_plausible"
"""The nearest neighbour under the vote's rules for values and unused quantities."""

NEAREST_GIVEN, NEIGHBOURS_GIVEN = f"{NEAREST}_given", f"{NEIGHBOURS}_given"
"""The same baselines with the programs that the data gives, where the model's were repaired."""

OPTIONS, VALUE = "_options", "_value"
"""Appended to a field where the options are known to who answers; where the value itself is right,
without the help of the options."""

NOVEL = "novel"
"""The share of problems with a program that no training problem has; with the model's field before
it, of those that are right by such a program."""

MADE = "made with the answer"
"""The value of `gold_programs` in a set whose gold programs were made from written solutions and
kept if they give the gold answer. Then they are no ceiling that a predictor of programs has."""

_ANSWER = re.compile(
    r"(accuracy|accuracy_vote_(\d+)|accuracy_retrieval|baseline_neighbours(?:_given)?"
    r"|baseline_nearest(?:_given|_plausible)?|baseline_majority|ceiling_gold)(_options)?"
)
_TITLES = {
    MODEL: "this model",
    RETRIEVAL: "majority voting with retrieval",
    NEIGHBOURS: "retrieval alone, without the model",
    NEIGHBOURS_GIVEN: "retrieval alone, programs not repaired",
    NEAREST: "nearest neighbour",
    NEAREST_GIVEN: "nearest neighbour, programs not repaired",
    NEAREST_PLAUSIBLE: "nearest neighbour by the vote's rules",
    MAJORITY: "majority",
    GOLD: "gold programs (ceiling)",
}


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


def vote_field(count: int) -> str:
    """Return the field of majority voting over `count` programs."""
    return f"{MODEL}_vote_{count}"


def answers(scores: Mapping[str, Any]) -> dict[str, str]:
    """Return every way of answering among the scores of a set, with its title.

    What knows no options comes before what knows them, and in each group the model before the
    baselines. Majority and gold programs come last.
    """
    found = [match for field in scores if (match := _ANSWER.fullmatch(field))]
    order = list(_TITLES)

    def rank(match: re.Match[str]) -> tuple[int, int, int]:
        votes, group = int(match[2] or 0), 2 if match[1] in (MAJORITY, GOLD) else bool(match[3])
        return group, 0 if votes else order.index(match[1]), votes

    found.sort(key=rank)
    titles = {match[0]: _title(match) for match in found}
    if GOLD in titles and scores.get("gold_programs") == MADE:
        titles[GOLD] = f"programs {MADE}"
    return titles


def _title(match: re.Match[str]) -> str:
    title = f"maj@{match[2]}" if match[2] else _TITLES[match[1]]
    return title + (", options known" if match[3] else "")


def title(field: str) -> str:
    """Return the title of a way of answering in a sentence or a table."""
    match = _ANSWER.fullmatch(field)
    if match is None:
        raise ValueError(f"{field} is no way of answering")
    return _title(match)
