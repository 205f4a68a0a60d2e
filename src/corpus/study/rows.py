"""The rows of a study: one file for each finished run, and all of them in runs.csv."""

import csv
import io
import math
from typing import Any

from corpus.base.console import warn
from corpus.base.errors import ArtifactError, TrainingError
from corpus.base.files import read_json, write_json, write_text
from corpus.run.lock import claimed
from corpus.study.design import Design
from corpus.study.folder import Item, StudyFolder
from corpus.study.record import read_digest

Row = dict[str, Any]
"""Column → value; those of `NEEDED` are in every row."""

FIRST = ("run", "order", "schedule", "seed", "loss")

NEEDED = (*FIRST, "seconds", "study", "weights_sha256", "order_sha256")

_FIX = "Delete it, and the run is measured again when the study goes on."


def write_row(study: Design, folder: StudyFolder, item: Item, row: Row) -> None:
    """Keep a finished run's row, and write runs.csv anew.

    Raises `TrainingError` if its loss is not finite.
    """
    if not math.isfinite(row["loss"]):
        raise TrainingError(
            f"{item.name} has the loss {row['loss']}: it diverged. Begin a study with a lower "
            "--train.schedule.learning-rate"
        )
    write_json(folder.row(item), row)
    write_table(study, folder)


def write_table(study: Design, folder: StudyFolder) -> None:
    """Write runs.csv from the rows of all finished runs."""
    with claimed(folder.whole, wait=True):  # another process may do the same
        rows = read_rows(study, folder)
        columns = dict.fromkeys(FIRST) | dict.fromkeys(name for row in rows for name in row)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(folder.rows, text.getvalue())


def read_rows(study: Design, folder: StudyFolder) -> list[Row]:
    """Return the rows of the finished runs, in the order of the study; damaged ones are left out
    with a warning."""
    digest, rows = read_digest(folder), []
    for item in study.items:
        if folder.row(item).exists():
            try:
                rows.append(_read(folder, item, digest))
            except ArtifactError as error:
                warn(str(error))
    return rows


def failures(study: Design, folder: StudyFolder) -> dict[str, str]:
    """Return the message of each run that could not be trained, by its name."""
    found = {}
    for item in study.items:
        if folder.failure(item).exists():
            plain = read_json(folder.failure(item))
            found[item.name] = str(plain.get("error")) if isinstance(plain, dict) else "unknown"
    return found


def is_done(folder: StudyFolder, item: Item) -> bool:
    """Return whether there is nothing left to do for a run: it is finished, or has failed."""
    if folder.failure(item).exists():
        return True
    try:
        return folder.row(item).exists() and bool(_read(folder, item, read_digest(folder)))
    except ArtifactError:
        return False


def _read(folder: StudyFolder, item: Item, digest: str) -> Row:
    path = folder.row(item)
    row = read_json(path, fix=_FIX)
    expected = {**item.columns, "study": digest}
    if not isinstance(row, dict) or not all(name in row for name in NEEDED):
        raise ArtifactError(f"{path} is not the row of a run. {_FIX}")
    different = [name for name, value in expected.items() if row.get(name) != value]
    if different:
        raise ArtifactError(f"{path} is the row of another run ({', '.join(different)}). {_FIX}")
    numbers = [row["loss"], row["seconds"]]
    if not all(isinstance(each, float) and math.isfinite(each) for each in numbers):
        raise ArtifactError(f"{path} has {numbers} where numbers are expected. {_FIX}")
    return row
