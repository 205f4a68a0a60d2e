"""Data sets of the Hugging Face hub, streamed into a local folder up to the limits of the config.

They are written as `<split>/part-00000.jsonl.zst`, a format that `files` reads, so the rest is the
same as for a folder of the user. A cursor (file, row, bytes taken by source) is written after each
part: fetching resumes where it stopped, and a finished folder needs no network.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import zstandard

from corpus.base.console import Task, progress, say
from corpus.base.errors import ConfigError, CorpusError, DataError
from corpus.base.files import atomic_path, read_json, write_json
from corpus.base.manifest import NAME, Manifest, is_done, make_key, write_manifest
from corpus.base.plain import to_plain
from corpus.config.prepare import BYTES_PER_TOKEN, PrepareConfig
from corpus.prepare.collect import Quota
from corpus.prepare.document import format_size
from corpus.prepare.pool import encode
from corpus.prepare.sources.files import SET_NAMES, to_document

KIND = "download"
LIMITS = (
    "max_tokens",
    "weights",
    "max_source_tokens",
    "max_source_bytes",
    "validation_tokens",
    "max_validation_tokens",
    "set_names",
)
"""The settings that decide what is fetched."""

CURSOR = ".cursor.json"
ROWS_PER_PART = 5_000
"""Records between two writes of the cursor: some 20 MB of text."""


def fetch_text(hub_id: str, folder: Path, config: PrepareConfig) -> Path:
    """Stream SlimPajama records into `folder`; return it.

    Args:
        hub_id: `owner/name`, or a local folder with the layout of a data set.
        folder: where they are written.
        config: how much is wanted.

    Raises:
        ConfigError: there is no limit to how much is taken.
        DataError: the hub cannot be reached or has no such data set, or a record has another shape.
    """
    if config.max_tokens is None:
        raise ConfigError(
            "prepare.max_tokens is not set, so the whole data set would be fetched; set it to the "
            "number of tokens that the run needs"
        )
    wanted, key = _wanted(hub_id, config), download_key(hub_id, config)
    if is_done(folder, kind=KIND, key=key):
        return folder
    total = config.max_tokens * BYTES_PER_TOKEN
    say(f"fetching {hub_id} from the hub: about {format_size(total)} of text")
    with _hub_errors(hub_id), progress("fetching", total, "bytes") as task:
        fetch = _Fetch(hub_id, folder, config, key, task)
        fetch.split("validation")
        fetch.split("train")
    write_manifest(
        folder,
        Manifest(
            kind=KIND,
            key=key,
            config=wanted,
            counts={"bytes": fetch.cursor["quotas"]["train"]["taken"]},
        ),
    )
    return folder


def download_key(hub_id: str, config: PrepareConfig) -> str:
    """Return the digest of what is fetched, which names its folder."""
    return make_key(KIND, _wanted(hub_id, config), {})


def _wanted(hub_id: str, config: PrepareConfig) -> dict[str, Any]:
    return {"hub_id": hub_id, **{name: to_plain(getattr(config, name)) for name in LIMITS}}


class _Fetch:
    """One fetch and its cursor: splits that are done, file and row of the next record, quotas."""

    def __init__(
        self, hub_id: str, folder: Path, config: PrepareConfig, key: str, task: Task
    ) -> None:
        self._hub_id, self._folder, self._config, self._task = hub_id, folder, config, task
        self._set_names = {**SET_NAMES, **config.set_names}
        self.cursor: dict[str, Any] = {
            "key": key,
            "done": [],
            "file": 0,
            "row": 0,
            "part": 0,
            "quotas": {},
        }
        saved = read_json(folder / CURSOR) if (folder / CURSOR).exists() else None
        if saved and saved["key"] == key:
            self.cursor = saved
        else:  # the folder has parts of another config
            for stale in (folder / NAME, *folder.glob("*/part-*.jsonl.zst")):
                stale.unlink(missing_ok=True)

    def split(self, name: str) -> None:
        """Fetch what is still wanted of a split; the validation split may be missing."""
        if name in self.cursor["done"]:
            return
        stream = _open(self._hub_id, name)
        if stream is None and name == "train":
            raise DataError(f"{self._hub_id} has no split called train. Give another data set.")
        if stream is not None:
            self._files(name, stream)
        self.cursor["done"].append(name)
        self.cursor.update(file=0, row=0, part=0)
        write_json(self._folder / CURSOR, self.cursor)

    def _files(self, name: str, stream: Any) -> None:
        most_bytes = self._config.max_validation_tokens * BYTES_PER_TOKEN
        quota = Quota(self._config, most_bytes=most_bytes if name == "validation" else None)
        quota.restore(self.cursor["quotas"].get(name))
        while self.cursor["file"] < stream.num_shards:
            file = stream.shard(num_shards=stream.num_shards, index=self.cursor["file"])
            rows = iter(file.skip(self.cursor["row"]) if self.cursor["row"] else file)
            while batch := list(islice(rows, ROWS_PER_PART)):
                self._part(name, batch, quota)
                self.cursor.update(
                    row=self.cursor["row"] + len(batch), part=self.cursor["part"] + 1
                )
                self.cursor["quotas"][name] = quota.state()
                write_json(self._folder / CURSOR, self.cursor)
                if quota.is_met:
                    return
            self.cursor.update(file=self.cursor["file"] + 1, row=0)

    def _part(self, name: str, batch: list[dict[str, Any]], quota: Quota) -> None:
        """Write the wanted records of `batch` as one part."""
        kept = []
        for number, record in enumerate(batch, start=self.cursor["row"] + 1):
            where = f"{self._hub_id} {name} file {self.cursor['file']} row {number}"
            document = to_document(record, where, self._set_names)
            size = len(encode(document.text))
            if quota.room(document.source) > 0:
                quota.take(document.source, size)
                plain = {"text": document.text, "meta": record["meta"]}
                kept.append(json.dumps(plain, ensure_ascii=False))
                self._task.advance(size if name == "train" else 0)
            else:
                quota.refuse(size)
        if kept:
            data = zstandard.ZstdCompressor(level=3).compress(encode("\n".join(kept) + "\n"))
            path = self._folder / name / f"part-{self.cursor['part']:05d}.jsonl.zst"
            with atomic_path(path) as temporary:
                temporary.write_bytes(data)


def fetch_mathqa(hub_id: str, folder: Path) -> Path:
    """Fetch MathQA into `folder`, as the official files `train.json`, `dev.json` and `test.json`.

    Raises `DataError` if the hub cannot be reached or the data set is not MathQA.
    """
    with _hub_errors(hub_id):
        for theirs, ours in (("train", "train"), ("validation", "dev"), ("test", "test")):
            path = folder / f"{ours}.json"
            stream = None if path.exists() else _open(hub_id, theirs)
            if stream is None:
                continue
            say(f"fetching {hub_id} {theirs} from the hub")
            rows = [dict(row) for row in stream]
            if rows and "linear_formula" not in rows[0]:
                raise DataError(
                    f"{hub_id} is not MathQA: its columns are {', '.join(rows[0])}. Give another "
                    "id with prepare.problems_hub_id, or an empty one."
                )
            write_json(path, rows)
    if not (folder / "train.json").exists():
        raise DataError(
            f"{hub_id} has no split called train. Give another id with prepare.problems_hub_id, "
            "or an empty one."
        )
    return folder


def _open(hub_id: str, split: str) -> Any | None:
    """Return a stream of a split, or None if the data set lacks it."""
    import datasets  # heavy, and only a hub needs it

    datasets.disable_progress_bars()
    names = datasets.get_dataset_split_names(hub_id)
    return datasets.load_dataset(hub_id, split=split, streaming=True) if split in names else None


@contextmanager
def _hub_errors(hub_id: str) -> Iterator[None]:
    """Turn whatever `datasets` and the network raise into a `DataError`."""
    try:
        yield
    except CorpusError:
        raise
    except Exception as error:  # the libraries raise dozens of types, which change
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"data set {hub_id!r} could not be read from the hub ({first}). Check its name and the "
            "network, then run the same command again: it resumes where it stopped. Without "
            "network, give a folder with --data, or --data starter."
        ) from error
