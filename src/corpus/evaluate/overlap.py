"""Overlap of a problem set that came later with what a run was given to train on: its training problems and its prepared text.

The text is read back from the token shards, so nothing has to be kept for it; it takes about as long as reading it did when it was prepared.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from corpus.base.console import Task, progress
from corpus.base.errors import ArtifactError
from corpus.data.prepared import Prepared
from corpus.evaluate.intervals import clustered
from corpus.problems.contamination import KnownProblems
from corpus.problems.kin import kin_of
from corpus.problems.numbers import template_of
from corpus.problems.problem import Problem
from corpus.run.folder import RunFolder
from corpus.run.problems import training_problems


def measure_overlap(
    problems: Sequence[Problem], folder: RunFolder, *, right: Sequence[bool]
) -> dict[str, Any]:
    """Return which share of a set the run was given to train on, and its accuracy on the rest, JSON-ready.

    Fields: `num_problems`; `num_in_rows`, those that stand in a training problem, of them `num_equal` word for word; `num_in_text`, those that
    stand in a training document; `num_twins`, of the others those whose template was trained on; `num_clean` and `accuracy_clean` (with its
    interval), problems that stand in neither; `examples`, the first ten that do.

    Args:
        problems: the set.
        folder: the run.
        right: whether each problem was answered rightly.

    Raises `ArtifactError` where the prepared text is gone (`require_text` tells beforehand).
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
    trained = {template_of(row.text) for row in rows}
    clean = [
        place for place in range(len(problems)) if place not in in_rows and place not in in_text
    ]
    twins = [place for place in clean if template_of(problems[place].text) in trained]
    solved = sum(right[place] for place in clean)
    interval = clustered(
        [right[place] for place in clean], [kin_of(problems[place]) for place in clean]
    )
    where = {**in_text, **in_rows}
    return {
        "num_problems": len(problems),
        "num_in_rows": len(in_rows),
        "num_equal": len(equal),
        "num_in_text": len(in_text),
        "num_twins": len(twins),
        "num_clean": len(clean),
        "accuracy_clean": solved / len(clean) if clean else None,
        "accuracy_clean_interval": list(interval) if interval else None,
        "examples": [
            {"problem": problems[place].id, "found_in": where[place]}
            for place in sorted(where)[:10]
        ],
    }


def require_text(folder: RunFolder) -> None:
    """Raise `ArtifactError` where the text that the run was trained on is gone, so that nothing can be looked for in it."""
    if not folder.prepared.exists():
        raise ArtifactError(
            f"{folder.prepared} is gone, so the problems cannot be looked for in the text that was trained on. Restore it from a copy, or score without: "
            "--overlap False"
        )


def _find_in_text(known: KnownProblems, folder: RunFolder) -> dict[int, str]:
    """Return the problems that stand in the prepared training text, each with the first document that holds it."""
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
