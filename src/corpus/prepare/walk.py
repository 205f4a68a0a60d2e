"""Walk a data folder, and recognise its files by content."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from corpus.base.errors import DataError
from corpus.prepare.sources.files import is_plain_text_file
from corpus.prepare.sources.records import holds_records, is_record_file
from corpus.problems.registry import ProblemFile, recognise

RUN_FILES = {"config.json", "manifest.json"}
"""A folder with these files and a folder `problems` is a run."""

Kind = Literal["records", "text"]

Skip = Callable[[Path, str], None]
"""Called with a path that is skipped, and the reason."""


def walk(folder: Path, skip: Skip) -> Iterator[Path]:
    """Yield every file below `folder` in a fixed order, through links to folders.

    Hidden files and `__pycache__` are left out. Runs of Corpus and folders that were walked
    already, under another name, are passed to `skip`.

    Raises:
        DataError: a folder cannot be read.
    """
    seen: dict[Path, Path] = {}
    for name, folders, names in os.walk(folder, followlinks=True, onerror=_unreadable):
        place = Path(name)
        real = place.resolve()
        if real in seen:
            skip(place, f"the same folder as {seen[real].relative_to(folder).as_posix()}")
            folders.clear()
            continue
        seen[real] = place
        if set(names) >= RUN_FILES and "problems" in folders:
            skip(place, "a run of Corpus")
            folders.clear()
            continue
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name != "__pycache__"
        )
        yield from (place / name for name in sorted(names) if not name.startswith("."))


def _unreadable(error: OSError) -> None:
    raise DataError(
        f"cannot read {error.filename}: {error.strerror}. Change its permissions, or move it out "
        "of the data folder."
    )


def is_no_file(path: Path, skip: Skip) -> bool:
    """True, with a call of `skip`, for a broken link, a pipe or a device.

    Raises `DataError` if its name promises records.
    """
    if path.is_file():
        return False
    what = "a broken link, a pipe or a device"
    if is_record_file(path):
        raise DataError(f"{path} is {what}. Put the file there, or remove it from the folder.")
    skip(path, what)
    return True


def kind_of(path: Path) -> Kind | ProblemFile | None:
    """Return what a file holds: problems of a known set, records, plain text; None for others."""
    if (problem := recognise(path)) is not None:
        return problem
    if is_record_file(path):
        return "records"
    if is_plain_text_file(path):
        return "text"
    return "records" if holds_records(path) else None
