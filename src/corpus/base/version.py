"""Which Corpus this is: its version, and the commit it runs from."""

import subprocess
from functools import cache
from pathlib import Path

import corpus

_ROOT = Path(corpus.__file__).parents[2]


@cache
def identify() -> dict[str, str | None]:
    """Return `version` and `commit`, which ends in `-dirty` if files were changed since.

    The commit is None if Corpus does not run from a checkout, or git is not there.
    """
    return {"version": corpus.__version__, "commit": _commit()}


def _commit() -> str | None:
    if not (_ROOT / ".git").exists():
        return None
    command = ["git", "-C", str(_ROOT), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        found = subprocess.run(
            [*command, "--exclude=*"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None
