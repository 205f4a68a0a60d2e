"""Contamination of a problem set that came later: its overlap with a run's training data.

The training text is decoded from the token shards, which takes about as long as preparing did.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from corpus.base.console import Task, progress
from corpus.base.errors import ArtifactError
from corpus.data.prepared import Prepared
from corpus.problems.contamination import KnownProblems
from corpus.problems.problem import Problem
from corpus.run.folder import RunFolder
from corpus.run.problems import training_problems


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Where the problems of a set occur in a run's training data."""

    num_problems: int
    num_in_rows: int
    """Problems inside a training problem."""
    num_equal: int
    """Those of them that are one word for word."""
    num_in_text: int
    """Problems inside a training document."""
    num_twins: int
    """Problems inside neither whose template was trained on."""
    clean: list[int]
    """The places of the problems inside neither."""
    examples: list[dict[str, str]]
    """The first ten that are inside one, and where."""

    def to_json(self, clean_scores: Mapping[str, Any]) -> dict[str, Any]:
        """Return the counts, with the accuracy on the clean problems, JSON-ready."""
        counts = {each.name: getattr(self, each.name) for each in fields(self)}
        del counts["clean"]
        return {
            **counts,
            "num_clean": len(self.clean),
            "accuracy_clean": clean_scores["accuracy"],
            "accuracy_clean_interval": clean_scores["accuracy_interval"],
        }


def find_overlap(problems: Sequence[Problem], folder: RunFolder) -> Overlap:
    """Search a run's training problems and text for the problems of a set.

    Raises `ArtifactError` if the prepared text is missing; `require_text` checks it beforehand.
    """
    known, rows = KnownProblems(problems), training_problems(folder)
    in_rows: dict[int, str] = {}
    equal: set[int] = set()
    for row, matches in zip(rows, known.index.find_each(row.text for row in rows), strict=True):
        for match in matches:
            if not match.other_numbers:
                in_rows.setdefault(match.problem, row.id)
                equal |= {match.problem} if match.is_equal else set()
    in_text = _find_in_text(known, folder)
    trained = {row.template for row in rows}
    clean = [
        place for place in range(len(problems)) if place not in in_rows and place not in in_text
    ]
    twins = [place for place in clean if problems[place].template in trained]
    where = {**in_text, **in_rows}
    return Overlap(
        num_problems=len(problems),
        num_in_rows=len(in_rows),
        num_equal=len(equal),
        num_in_text=len(in_text),
        num_twins=len(twins),
        clean=clean,
        examples=[
            {"problem": problems[place].id, "found_in": where[place]}
            for place in sorted(where)[:10]
        ],
    )


def require_text(folder: RunFolder) -> None:
    """Raise `ArtifactError` if the text that the run was trained on is missing."""
    if not folder.prepared.exists():
        raise ArtifactError(
            f"{folder.prepared} is missing, so the training text cannot be searched for the "
            "problems. Restore it from a copy, or score without: --overlap False"
        )


def _find_in_text(known: KnownProblems, folder: RunFolder) -> dict[int, str]:
    """Return the problems inside the training text, each with the first document that holds it."""
    found: dict[int, str] = {}
    prepared = Prepared.open(folder.prepared)
    with progress(
        "looking for the problems in the training text", prepared.train.num_tokens, "tokens"
    ) as task:
        for place, text in _documents(prepared, task):
            for match in known.index.find(text):
                if not match.other_numbers:
                    found.setdefault(match.problem, place)
    return found


def _documents(prepared: Prepared, task: Task) -> Iterator[tuple[str, str]]:
    for source, shard in prepared.train.items():
        for number in range(shard.num_documents):
            ids = shard.document(number)
            yield f"{source}/{number}", prepared.tokenizer.decode_array(ids)
            task.advance(len(ids))
