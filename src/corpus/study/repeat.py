"""One run of a study again, from its seed: the same bits, or a sentence that says what differs."""

import shutil

from corpus.base.console import say
from corpus.base.errors import ArtifactError, ConfigError, did_you_mean
from corpus.base.files import write_json
from corpus.run.lock import claimed
from corpus.study.folder import Item
from corpus.study.rows import Row, read_rows
from corpus.study.work import Work

MACHINE = ("device", "threads", "precision", "torch", "version", "commit")
"""Columns whose values may explain other bits."""

UNCOMPARED = (*MACHINE, "seconds", "date", "study")


def repeat(work: Work, name: str) -> None:
    """Train run `name` again from the start, without a shared beginning, and compare its row.

    Raises `ConfigError` if there is no such finished run, `ArtifactError` if the bits differ.
    """
    study, folder = work.study, work.folder
    finished = {row["run"] for row in read_rows(study, folder)}
    items = {item.name: item for item in study.items if item.name in finished}
    if name not in items:
        raise ConfigError(
            f"{folder.path} has no finished run {name!r}; see the column run of {folder.rows}."
            f"{did_you_mean(name, items)}"
        )
    before = {row["run"]: row for row in read_rows(study, folder)}[name]
    row = _again(work, items[name])
    different = [column for column in before if column not in UNCOMPARED]
    different = [column for column in different if before[column] != row.get(column)]
    if not different:
        say(f"{name}: the same bits (weights {row['weights_sha256'][:16]}…, loss {row['loss']!r})")
        return
    listed = ", ".join(f"{each} {before[each]!r} → {row.get(each)!r}" for each in different)
    machines = [each for each in MACHINE if before.get(each) != row.get(each)]
    why = ", ".join(f"{each} {before.get(each)} → {row[each]}" for each in machines)
    because = f" The machine is another one: {why}." if machines else " The machine is the same."
    raise ArtifactError(f"{name} did not repeat: {listed}.{because}")


def _again(work: Work, item: Item) -> Row:
    """Train and measure a run in a folder of its own, which is deleted afterwards."""
    place = work.folder.again(item)
    with claimed(place):
        try:
            shutil.rmtree(place.weights, ignore_errors=True)
            shutil.rmtree(place.checkpoints, ignore_errors=True)
            write_json(place.shared_data, {"data": "../../data"})
            return work.train(item, place, work.new_order(item))
        finally:
            shutil.rmtree(place.path, ignore_errors=True)
