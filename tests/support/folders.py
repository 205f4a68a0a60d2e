"""What a folder holds."""

import json
from pathlib import Path
from typing import Any

from corpus.base.files import digest_file


def contents(folder: Path) -> dict[str, str]:
    """Return the digest of every file below a folder, by its path in it."""
    return {
        str(path.relative_to(folder)): digest_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def scores_in(path: Path) -> dict[str, Any]:
    """Return the scores of a file, without which run they are of: that differs with its name."""
    scores = json.loads(path.read_text(encoding="utf-8"))
    assert {"name", "seed", "config_digest", "version", "commit"} <= scores.pop("run").keys()
    return scores
