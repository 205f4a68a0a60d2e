"""The rows of a study: one file for each finished run, and all of them in runs.csv."""

import csv
import io
from typing import Any

from filelock import FileLock

from corpus.base.errors import ArtifactError
from corpus.base.files import read_json, write_json, write_text
from corpus.study.design import Design
from corpus.study.folder import Item, StudyFolder

Row = dict[str, Any]
"""Column → value; `run`, `order`, `schedule`, `seed` and `loss` are in every row."""

FIRST = ("run", "order", "schedule", "seed", "loss")

_FIX = "Delete it, and the run is trained again when the study goes on."


def write_row(study: Design, folder: StudyFolder, item: Item, row: Row) -> None:
    """Keep a finished run's row, and write runs.csv anew."""
    write_json(folder.row(item), row)
    write_table(study, folder)


def write_table(study: Design, folder: StudyFolder) -> None:
    """Write runs.csv from the rows of all finished runs."""
    with FileLock(folder.path / ".rows.lock"):  # another process may do the same
        rows = read_rows(study, folder)
        columns = dict.fromkeys(FIRST) | dict.fromkeys(name for row in rows for name in row)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(folder.rows, text.getvalue())


def read_rows(study: Design, folder: StudyFolder) -> list[Row]:
    """Return the rows of the finished runs, in the order of the study."""
    return [_read(folder, item) for item in study.items if is_finished(folder, item)]


def is_finished(folder: StudyFolder, item: Item) -> bool:
    """Return whether a run is finished."""
    return folder.row(item).exists()


def _read(folder: StudyFolder, item: Item) -> Row:
    path = folder.row(item)
    row = read_json(path, fix=_FIX)
    expected = item.columns
    fits = isinstance(row, dict) and {name: row.get(name) for name in expected} == expected
    if not fits or not isinstance(row.get("loss"), float):
        raise ArtifactError(f"{path} is not the row of run {item.name}. {_FIX}")
    return row
