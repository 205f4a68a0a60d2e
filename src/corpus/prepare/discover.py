"""Find the data of a run: the starter text, a hub data set, or a folder, recognized by content.

For every file below a folder (hidden files and `__pycache__` are skipped), the first rule that
fits decides:

0. A folder with a run of Corpus is ignored, with everything in it.
1. Files about the data (README, LICENSE, CHANGELOG, requirements …) are never text, unless they
   have an ending of code.
2. A file that `problems.registry.recognise` knows, whatever its name, is of a problem set; such
   files are not text.
3. Files of records are JSON lines (also gzip or zstd), Parquet, and files of unknown endings that
   have such records. The first record decides. With `meta.redpajama_set_name` they are SlimPajama
   records. With `text` alone they are text of the source named after their top folder, unless
   `prepare.set_names` maps a record's `meta.pile_set_name`. Others are ignored.
4. Plain text files (`files.ENDINGS`) are text of the source named after their top folder. If that
   folder also has records or problems, they are notes about those, and ignored.

A folder called `train`, `validation` (or `valid`, `val`, `dev`, `heldout`) or `test` in a file's
path gives its split and does not name a source. So does the first word of a file of records
(`test-00000-of-00001.parquet`), or the word before the number of a part. For plain text such a name
counts only beside a `train`, because code has `test` folders too. A `test` split is ignored, and so
are unknown endings.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.base.errors import ConfigError, DataError
from corpus.config.curriculum import PROBLEMS
from corpus.config.prepare import HUB, HUB_ID, STARTER, PrepareConfig
from corpus.config.problems import ProblemsConfig
from corpus.prepare.document import TextInput, TextSplit
from corpus.prepare.problem_files import without_twins
from corpus.prepare.sources.files import (
    CODE,
    FIELDS,
    PlainFiles,
    RecordFiles,
    has_text,
    problem_inputs,
    set_name_of,
    source_name,
)
from corpus.prepare.sources.hub import download_key, fetch_mathqa, fetch_text
from corpus.prepare.sources.records import EmptyFileError, parquet_columns, read_records
from corpus.prepare.sources.starter import Starter
from corpus.prepare.walk import Skip, is_no_file, kind_of, walk
from corpus.problems.registry import ProblemFile, is_cut_off

SPLITS: dict[str, TextSplit | None] = {
    "train": "train",
    "training": "train",
    **dict.fromkeys(("validation", "valid", "val", "dev", "heldout", "holdout"), "validation"),
    **dict.fromkeys(("test", "testing", "eval"), None),
}
"""Folder name → split; None is ignored."""

_PAPERS = re.compile(
    r"(readme|licen[cs]e|copying|copyright|notice|manifest|changelog|changes|authors|contributing"
    r"|contributors|citation|code_of_conduct|security|requirements|dataset_infos?|checksums?"
    r"|sha256sums?|md5sums?)([._-].*)?",
    re.IGNORECASE,
)


_SHARD = re.compile(r"[-_.]([a-z]+)[-_.]\d+[-_.]of[-_.]\d+")
"""The split in the name of a part, such as `c4-validation.00000-of-00008.json.gz`."""

_SPARK_PART = re.compile(r"part-\d+")
"""Spark and Hadoop write empty files for parts without a row."""


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
    empty: list[Path] = field(default_factory=list)
    """Files without a record."""
    others: list[Path] = field(default_factory=list)
    """Files of unknown kinds."""

    def skip(self, folder: Path) -> Skip:
        """Return a function that notes a path below `folder` as ignored, with the reason."""
        return lambda path, reason: self.ignored.append(
            f"{path.relative_to(folder).as_posix()} ({reason})"
        )


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
    for path in walk(folder, found.skip(folder)):
        _sort(path, folder, found)
    found.problems, twins = without_twins(found.problems)
    for twin, original in twins:
        found.skip(folder)(twin, f"the same problems as {original.relative_to(folder).as_posix()}")
    texts = _texts(folder, found, set_names or {})
    if as_text is not None:
        texts += problem_inputs(folder, found.problems, as_text)
    if found.papers:
        found.ignored.append(f"{_some(folder, found.papers)} (accompanies data)")
    if found.empty:
        are = "is" if len(found.empty) == 1 else "are"
        found.ignored.append(f"{_some(folder, found.empty)} {are} empty: no record")
    if found.others:
        endings = Counter(path.suffix.lower() or "without ending" for path in found.others)
        kinds = ", ".join(f"{count} {ending}" for ending, count in sorted(endings.items()))
        found.ignored.append(f"files of other kinds ({kinds}): {_some(folder, found.others)}")
    if not texts and not found.problems:
        reasons = "".join(f"\n  {line}" for line in found.ignored)
        raise DataError(
            f"{folder} holds nothing to train on. Expected records with a text (JSON lines, plain "
            "or compressed, or Parquet), plain text files, or a known problem set."
            f"{' Ignored:' if reasons else ' It is empty.'}{reasons}"
        )
    return FoundData(tuple(texts), tuple(found.problems), tuple(found.ignored), str(folder))


def _sort(path: Path, folder: Path, found: _Sorted) -> None:
    relative, skip = path.relative_to(folder), found.skip(folder)
    if is_no_file(path, skip):
        return
    if _PAPERS.fullmatch(path.name) and path.suffix.lower() not in CODE:
        found.papers.append(path)
        return
    kind = kind_of(path)
    if isinstance(kind, ProblemFile):
        found.problems.append(kind)
        found.data_folders.add(_top(relative))
    elif kind == "records":
        if split_of(path, folder, is_records=True) is None:
            skip(path, "a test split")
        else:
            _sort_records(path, folder, found)
    elif kind == "text":
        found.plain.setdefault(_top(relative), []).append(path)
    elif is_cut_off(path):
        raise DataError(
            f"{path} is empty or ends within its first record. The download or copy is incomplete; "
            "fetch the file again, or remove it from the folder."
        )
    else:
        found.others.append(path)


def _sort_records(path: Path, folder: Path, found: _Sorted) -> None:
    relative = path.relative_to(folder)
    try:
        _, record = next(read_records(path, fields=FIELDS))
    except EmptyFileError:
        if path.stat().st_size == 0 and not _SPARK_PART.match(path.name):
            raise  # most likely an incomplete copy
        found.empty.append(path)
        return
    if set_name_of(record) is not None:
        found.records.append(path)
    elif has_text(record):
        found.texts.setdefault(_top(relative), []).append(path)
    else:
        found.skip(folder)(path, f'its first record has no "text": {_shape(record, path)}')
        return
    found.data_folders.add(_top(relative))


def _shape(record: Any, path: Path) -> str:
    if not isinstance(record, dict):
        return f"a {type(record).__name__}"
    return f"keys {', '.join(map(repr, record or parquet_columns(path)))}"


def _texts(folder: Path, found: _Sorted, set_names: Mapping[str, str]) -> list[TextInput]:
    _check_names(folder, {*found.texts, *(found.plain.keys() - found.data_folders)})
    texts: list[TextInput] = []
    if found.records:
        splits = _by_split(folder, found.records, is_records=True)
        texts.append(RecordFiles(folder, splits, set_names=set_names))
    for top, paths in sorted(found.texts.items()):
        splits, source = _by_split(folder, paths, is_records=True), _source(top, folder)
        texts.append(RecordFiles(folder, splits, source=source, set_names=set_names))
    for top, paths in sorted(found.plain.items()):
        if top in found.data_folders:
            found.ignored.append(f"{_some(folder, paths)} (beside records or problems)")
            continue
        if tests := [path for path in paths if split_of(path, folder, is_records=False) is None]:
            found.ignored.append(f"{_some(folder, tests)} (a test split)")
        if splits := _by_split(folder, paths, is_records=False):
            texts.append(PlainFiles(folder, _source(top, folder), splits))
    return texts


def _check_names(folder: Path, tops: set[str]) -> None:
    """Raise `DataError` if the names of two folders of text are spelt alike as sources."""
    by_source: dict[str, str] = {}
    for top in sorted(tops):
        source = _source(top, folder)
        if source in by_source:
            raise DataError(
                f"{folder / by_source[source]} and {folder / top} would both become the source "
                f"{source!r}: a source name has only letters a to z, digits, dots, dashes and "
                f"underscores. Rename {folder / top}, or put both into one folder."
            )
        by_source[source] = top


def _some(folder: Path, paths: list[Path]) -> str:
    shown = ", ".join(path.relative_to(folder).as_posix() for path in paths[:3])
    return shown if len(paths) <= 3 else f"{shown} and {len(paths) - 3:,} more"


def _by_split(folder: Path, paths: list[Path], *, is_records: bool) -> dict[TextSplit, list[Path]]:
    splits: dict[TextSplit, list[Path]] = {}
    for path in paths:
        if split := split_of(path, folder, is_records=is_records):
            splits.setdefault(split, []).append(path)
    return splits


def split_of(path: Path, folder: Path, *, is_records: bool) -> TextSplit | None:
    """Return the split in the names below `folder`: by default `train`; None for a test split."""
    for part in list(path.relative_to(folder).parents)[-2::-1]:
        counts = is_records or (folder / part.parent / "train").is_dir()
        if part.name.lower() in SPLITS and counts:
            return SPLITS[part.name.lower()]
    name = path.name.lower()
    words = [path.stem.lower()]
    if is_records:
        words = [re.split(r"[-_.]", name)[0], *_SHARD.findall(name)]
    for word in words:
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
