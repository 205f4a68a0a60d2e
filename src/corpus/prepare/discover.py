"""Find the data of a run: the starter text, a hub data set, or a folder, recognized by content.

For every file below a folder (hidden files and `__pycache__` are skipped), the first rule that
fits decides:

0. A folder with a run of Corpus is ignored, with everything in it.
1. Papers that accompany data (README, LICENSE, MANIFEST, CHANGELOG, requirements …) are never
   text, whatever their ending, unless it is that of code.
2. A file that `problems.registry.recognise` knows belongs to a problem set, whatever its name.
   Problem sets are not text.
3. Files of records (`.jsonl`, `.jsonl.zst`, `.jsonl.gz`, `.parquet`) are judged by their first
   record. With `meta.redpajama_set_name` they are SlimPajama records. With `text` and no such
   name they are text of the source named after their top folder, unless `prepare.set_names` maps
   the `meta.pile_set_name` of a record. Without `text` they are ignored.
4. Plain text files (`files.ENDINGS`) are text of the source named after their top folder, unless
   that folder also has records or problems: then they are notes about those, and ignored.

A folder called `train`, `validation` (or `valid`, `val`, `dev`, `heldout`) or `test` on the way
gives the split of a file and does not name a source. So does the first word of a file of records
(`test-00000-of-00001.parquet`). For plain text such a name counts only beside a `train`, because
code has `test` folders too. A `test` split is ignored, and so are unknown endings.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from corpus.base.errors import ConfigError, DataError
from corpus.config.curriculum import PROBLEMS
from corpus.config.prepare import HUB, HUB_ID, STARTER, PrepareConfig
from corpus.config.problems import ProblemsConfig
from corpus.prepare.document import TextInput, TextSplit
from corpus.prepare.sources.files import (
    CODE,
    PlainFiles,
    RecordFiles,
    is_plain_text_file,
    problem_inputs,
    set_name_of,
    source_name,
)
from corpus.prepare.sources.hub import download_key, fetch_mathqa, fetch_text
from corpus.prepare.sources.records import is_record_file, read_records
from corpus.prepare.sources.starter import Starter
from corpus.problems.registry import ProblemFile, is_cut_off, recognise

SPLITS: dict[str, TextSplit | None] = {
    "train": "train",
    "training": "train",
    **dict.fromkeys(("validation", "valid", "val", "dev", "heldout", "holdout"), "validation"),
    **dict.fromkeys(("test", "testing", "eval"), None),
}
"""Folder name → split; None is ignored."""

RUN_FILES = {"config.json", "manifest.json"}
"""A folder with these files and a folder `problems` is a run."""

_PAPERS = re.compile(
    r"(readme|licen[cs]e|copying|copyright|notice|manifest|changelog|changes|authors|contributing"
    r"|contributors|citation|code_of_conduct|security|requirements|dataset_infos?|checksums?"
    r"|sha256sums?|md5sums?)([._-].*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class FoundData:
    """What there is to read."""

    texts: tuple[TextInput, ...] = ()
    problems: tuple[ProblemFile, ...] = ()
    ignored: tuple[str, ...] = ()
    """What is not read, each with its reason."""
    place: str = ""

    def describe(self) -> list[str]:
        """Return lines for the user that say what was found."""
        lines = [f"found in {self.place}:"] if self.place else []
        lines += [f"  {line}" for text in self.texts for line in text.describe()]
        lines += [f"  {_problem_line(problem, self.place)}" for problem in self.problems]
        lines += [f"  ignored: {line}" for line in self.ignored]
        return lines


@dataclass
class _Sorted:
    """Files by kind."""

    records: list[Path] = field(default_factory=list)
    texts: dict[str, list[Path]] = field(default_factory=dict)
    """Files of `{"text": …}` by top folder."""
    plain: dict[str, list[Path]] = field(default_factory=dict)
    """Plain text files by top folder; "" is the folder itself."""
    problems: list[ProblemFile] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    data_folders: set[str] = field(default_factory=set)
    """Top folders that hold records or problems."""
    papers: list[Path] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    """Files of unknown kinds by ending."""


def find_data(
    config: PrepareConfig, *, downloads: Path, problems: ProblemsConfig | None = None
) -> FoundData:
    """Return what `config.data` holds. A hub data set is fetched into `downloads`, once.

    Args:
        config: where the data is and what is wanted of it.
        downloads: a folder that several runs share.
        problems: which problem sets are read as text, with `config.problems_as_text`.

    Raises:
        ConfigError: a setting makes no sense here.
        DataError: the folder or data set is missing or damaged, or holds nothing known.
    """
    for set_name, source in config.set_names.items():
        if source != source_name(source):
            raise ConfigError(
                f"prepare.set_names maps {set_name!r} to {source!r}, which cannot name a source; "
                f"write {source_name(source)!r}"
            )
    if config.data == STARTER:
        starter = Starter(config.starter_bytes)
        return FoundData(texts=(starter,), place="this Python installation (starter)")
    folder = Path(config.data).expanduser()
    if config.data.split(":")[0] == HUB:
        folder = _fetch(config.data.partition(":")[2] or HUB_ID, config, downloads)
    as_text = (problems or ProblemsConfig()) if config.problems_as_text else None
    return discover(folder, set_names=config.set_names, as_text=as_text)


def _fetch(hub_id: str, config: PrepareConfig, downloads: Path) -> Path:
    name = source_name(hub_id.replace("/", "--"))
    folder = downloads / f"{name}-{download_key(hub_id, config)[:12]}"
    fetch_text(hub_id, folder / "text", config)
    if config.problems_hub_id:
        fetch_mathqa(config.problems_hub_id, folder / "mathqa")
    return folder


def discover(
    folder: Path,
    *,
    set_names: Mapping[str, str] | None = None,
    as_text: ProblemsConfig | None = None,
) -> FoundData:
    """Return what the files below `folder` hold; no file is read beyond its first record.

    Args:
        folder: the data folder.
        set_names: SlimPajama set name → source, in addition to the seven known ones.
        as_text: chooses the problem sets whose training problems are text too.

    Raises:
        DataError: the folder is missing, empty or holds nothing that Corpus knows, or a file of
            records is damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        state = "does not exist. Check the path."
        if folder.exists():
            state = "is a file; give the folder that holds it."
        raise DataError(
            f"the data folder {folder} {state} For the hub write hub:owner/name, for built-in "
            "data starter."
        )
    found = _Sorted()
    for path in _files(folder, found):
        _sort(path, folder, found)
    texts = _texts(folder, found, set_names or {})
    if as_text is not None:
        texts += problem_inputs(folder, found.problems, as_text)
    if found.papers:
        found.ignored.append(f"{_some(folder, found.papers)} (accompanies data)")
    if found.others:
        kinds = ", ".join(f"{count} {ending}" for ending, count in sorted(found.others.items()))
        found.ignored.append(f"files of other kinds ({kinds})")
    if not texts and not found.problems:
        reasons = "".join(f"\n  {line}" for line in found.ignored)
        raise DataError(
            f"{folder} holds nothing to train on. Expected SlimPajama records (.jsonl, .jsonl.zst, "
            ".jsonl.gz, .parquet), plain text files, or a known problem set."
            f"{' Ignored were:' if reasons else ' It is empty.'}{reasons}"
        )
    return FoundData(tuple(texts), tuple(found.problems), tuple(found.ignored), str(folder))


def _unreadable(error: OSError) -> None:
    raise DataError(
        f"cannot read {error.filename}: {error.strerror}. Change its permissions, or move it out "
        "of the data folder."
    )


def _files(folder: Path, found: _Sorted) -> Iterator[Path]:
    """Yield every file below `folder` in a fixed order: through links, but no loops and no runs."""
    seen: set[Path] = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_unreadable):
        real = Path(place).resolve()
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        if set(names) >= RUN_FILES and "problems" in folders:
            relative = Path(place).relative_to(folder)
            found.ignored.append(f"{relative.as_posix()} (a run of Corpus)")
            folders.clear()
            continue
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name != "__pycache__"
        )
        yield from (Path(place) / name for name in sorted(names) if not name.startswith("."))


def _sort(path: Path, folder: Path, found: _Sorted) -> None:
    relative = path.relative_to(folder)
    if not path.is_file():
        what = "a link to nothing, a pipe or a device"
        if is_record_file(path):
            raise DataError(f"{path} is {what}. Put the file there, or remove it from the folder.")
        found.ignored.append(f"{relative.as_posix()} ({what})")
    elif _PAPERS.fullmatch(path.name) and path.suffix.lower() not in CODE:
        found.papers.append(path)
    elif (problem := recognise(path)) is not None:
        found.problems.append(problem)
        found.data_folders.add(_top(relative))
    elif is_record_file(path):
        if split_of(path, folder) is None:
            found.ignored.append(f"{relative.as_posix()} (a test split)")
        else:
            _sort_records(path, folder, found)
    elif is_plain_text_file(path):
        found.plain.setdefault(_top(relative), []).append(path)
    elif is_cut_off(path):
        raise DataError(
            f"{path} is empty or ends within its first record. The download or copy is incomplete; "
            "fetch the file again, or remove it from the folder."
        )
    else:
        found.others[path.suffix.lower() or "without ending"] += 1


def _sort_records(path: Path, folder: Path, found: _Sorted) -> None:
    relative = path.relative_to(folder)
    _, record = next(read_records(path))
    is_text = isinstance(record, dict) and isinstance(record.get("text"), str)
    if set_name_of(record) is not None:
        found.records.append(path)
    elif is_text:
        found.texts.setdefault(_top(relative), []).append(path)
    else:
        shape = f"a {type(record).__name__}"
        if isinstance(record, dict):
            shape = f"keys {', '.join(map(repr, record))}"
        found.ignored.append(f'{relative.as_posix()} (its first record has no "text": {shape})')
        return
    found.data_folders.add(_top(relative))


def _texts(folder: Path, found: _Sorted, set_names: Mapping[str, str]) -> list[TextInput]:
    texts: list[TextInput] = []
    if found.records:
        texts.append(RecordFiles(folder, _by_split(folder, found.records), set_names=set_names))
    for top, paths in sorted(found.texts.items()):
        splits, source = _by_split(folder, paths), _source(top, folder)
        texts.append(RecordFiles(folder, splits, source=source, set_names=set_names))
    for top, paths in sorted(found.plain.items()):
        if top in found.data_folders:
            found.ignored.append(f"{_some(folder, paths)} (beside records or problems)")
            continue
        if tests := [path for path in paths if split_of(path, folder) is None]:
            found.ignored.append(f"{_some(folder, tests)} (a test split)")
        if splits := _by_split(folder, paths):
            texts.append(PlainFiles(folder, _source(top, folder), splits))
    return texts


def _some(folder: Path, paths: list[Path]) -> str:
    shown = ", ".join(path.relative_to(folder).as_posix() for path in paths[:3])
    return shown if len(paths) <= 3 else f"{shown} and {len(paths) - 3:,} more"


def _by_split(folder: Path, paths: list[Path]) -> dict[TextSplit, list[Path]]:
    splits: dict[TextSplit, list[Path]] = {}
    for path in paths:
        if split := split_of(path, folder):
            splits.setdefault(split, []).append(path)
    return splits


def split_of(path: Path, folder: Path) -> TextSplit | None:
    """Return the split in the names below `folder`: by default `train`; None for a test split."""
    is_records = is_record_file(path)
    for part in list(path.relative_to(folder).parents)[-2::-1]:
        counts = is_records or (folder / part.parent / "train").is_dir()
        if part.name.lower() in SPLITS and counts:
            return SPLITS[part.name.lower()]
    word = re.split(r"[-_.]", path.name.lower())[0] if is_records else path.stem.lower()
    if word in SPLITS and (is_records or path.with_stem("train").is_file()):
        return SPLITS[word]
    return "train"


def _top(relative: Path) -> str:
    """Return the first folder on the way that names no split; "" for the data folder itself."""
    return next((part for part in relative.parent.parts if part.lower() not in SPLITS), "")


def _source(top: str, folder: Path) -> str:
    """Return the source of a top folder. Raises `DataError` for a reserved name."""
    name = source_name(top or folder.resolve().name)
    if name == PROBLEMS:
        raise DataError(
            f"{folder / top} is a folder of text called {name!r}, a name reserved for rendered "
            "problems; rename the folder."
        )
    return name


def _problem_line(problem: ProblemFile, place: str) -> str:
    path = problem.path
    if place and path.is_relative_to(place):
        path = path.relative_to(place)
    notes = [problem.set_name, problem.split or "split unknown"]
    if problem.split != "train":
        notes.append("never text")
    if not problem.is_loadable:
        notes.append("known, but not read by this version")
    return f"problems: {path.as_posix()} ({', '.join(notes)})"
