"""A run's scores, read back for the table, the report's card and the export."""

from pathlib import Path
from typing import Any

from corpus.base.errors import ArtifactError
from corpus.base.files import read_json
from corpus.run.folder import RunFolder

Scores = dict[str, dict[str, Any]]
"""What `scores.json` holds: `text` by source, `problems` by set."""


def read_scores(folder: RunFolder) -> Scores:
    """Return what `evaluate_run` wrote into a run. Raises `ArtifactError` where it is missing or damaged."""
    plain = read_json(folder.scores)
    if not _is_scores(plain):
        raise ArtifactError(
            f"{folder.scores} does not hold the scores of a run. Delete it and score the run again."
        )
    return plain


def holds_scores(path: Path) -> bool:
    """Whether a file has the form of scores, whosever they are."""
    try:
        return _is_scores(read_json(path))
    except ArtifactError:
        return False


def _is_scores(plain: Any) -> bool:
    return isinstance(plain, dict) and all(
        isinstance(plain.get(group), dict) for group in ("text", "problems")
    )
