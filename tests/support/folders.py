"""What a folder holds."""

from pathlib import Path

from corpus.base.files import digest_file


def contents(folder: Path) -> dict[str, str]:
    """Return the digest of every file below a folder, by its path in it."""
    return {
        str(path.relative_to(folder)): digest_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
