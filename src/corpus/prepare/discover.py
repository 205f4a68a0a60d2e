"""What a folder holds, told by content: text to train on, problems, and what is neither.

The rules, in this order, for every file below the folder (hidden ones and `__pycache__` are not looked at):

0. A folder that holds a run of Corpus is left alone, with everything in it.
1. Papers that accompany data (README, LICENSE, MANIFEST, CHANGELOG, requirements …, whatever their ending, unless it is that of
   code) are never text.
2. A file that `problems.registry.recognise` knows belongs to a problem set, whatever it is called. Problem sets are not text.
3. Files of records (`.jsonl`, `.jsonl.zst`, `.jsonl.gz`, `.parquet`) are told by their first record: with a set name they are
   SlimPajama records; with `text` alone they are text of the source named after their top folder; with neither they are left alone.
4. Plain text files (`local.ENDINGS`) are text of the source named after their top folder, unless that folder also holds records or
   problems: then they are notes about those, and left alone.

A folder called `train`, `validation` (or `valid`, `val`, `dev`, `heldout`) or `test` on the way says which split a file belongs to
and does not name a source; so does the first word of a file of records (`test-00000-of-00001.parquet`). For plain text such a name
counts only where a `train` stands beside it, for code has its `test` folders too. A `test` split is left alone, and so is what has
no known ending.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from corpus.base.errors import DataError
from corpus.config.curriculum import PROBLEMS
from corpus.config.problems import ProblemsConfig
from corpus.prepare.document import Split, TextInput
from corpus.prepare.sources.local import CODE, PlainFiles, is_plain_text_file, source_name
from corpus.prepare.sources.problems import problem_texts
from corpus.prepare.sources.records import is_record_file, read_records
from corpus.prepare.sources.slimpajama import RecordFiles, set_name_of
from corpus.problems.registry import ProblemFile, is_cut_off, recognise

SPLITS: dict[str, Split | None] = {
    "train": "train",
    "training": "train",
    **dict.fromkeys(("validation", "valid", "val", "dev", "heldout", "holdout"), "validation"),
    **dict.fromkeys(("test", "testing", "eval"), None),
}
"""The split that a folder's name stands for; None is left alone."""

RUN_FILES = {"config.json", "manifest.json"}
"""What, beside a folder `problems`, tells the folder of a run; it holds problems that the run is scored on."""

_PAPERS = re.compile(
    r"(readme|licen[cs]e|copying|copyright|notice|manifest|changelog|changes|authors|contributing|contributors|citation|code_of_conduct"
    r"|security|requirements|dataset_infos?|checksums?|sha256sums?|md5sums?)([._-].*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Found:
    """What there is to read."""

    texts: tuple[TextInput, ...] = ()
    problems: tuple[ProblemFile, ...] = ()
    left_alone: tuple[str, ...] = ()
    """What was seen and is not read, each with its reason."""
    place: str = ""

    def describe(self) -> list[str]:
        """Return lines that say what was found, to print before any work."""
        lines = [f"found in {self.place}:"] if self.place else []
        lines += [f"  {line}" for text in self.texts for line in text.describe()]
        lines += [f"  {_problem_line(problem, self.place)}" for problem in self.problems]
        lines += [f"  left alone: {line}" for line in self.left_alone]
        return lines


@dataclass
class _Sorted:
    """Files by what they are."""

    records: list[Path] = field(default_factory=list)
    texts: dict[str, list[Path]] = field(default_factory=dict)
    """Files of `{"text": …}` by top folder."""
    plain: dict[str, list[Path]] = field(default_factory=dict)
    """Plain text files by top folder; "" is the folder itself."""
    problems: list[ProblemFile] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    data_folders: set[str] = field(default_factory=set)
    """Top folders that hold records or problems."""
    papers: list[Path] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    """Files of unknown kinds by ending."""


def discover(
    folder: Path,
    *,
    set_names: Mapping[str, str] | None = None,
    as_text: ProblemsConfig | None = None,
) -> Found:
    """Look at every file below `folder` and return what it holds; no file is read beyond its first record.

    With `as_text`, the training problems that it chooses are text as well.

    Raises:
        DataError: the folder is missing or empty, holds nothing that Corpus knows, or a file of records is damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        kind = (
            "is a file; give the folder that holds it."
            if folder.exists()
            else "does not exist. Check the path."
        )
        raise DataError(
            f"the data folder {folder} {kind} For the hub write hub:owner/name, for built-in data starter."
        )
    found = _Sorted()
    for path in _files(folder, found):
        _sort(path, folder, found)
    texts = _texts(folder, found, set_names or {})
    if as_text is not None:
        texts += problem_texts(folder, found.problems, as_text)
    if found.papers:
        found.left_alone.append(f"{_some(folder, found.papers)} (accompanies data)")
    if found.others:
        kinds = ", ".join(f"{count} {ending}" for ending, count in sorted(found.others.items()))
        found.left_alone.append(f"files of other kinds ({kinds})")
    if not texts and not found.problems:
        reasons = "".join(f"\n  {line}" for line in found.left_alone)
        raise DataError(
            f"{folder} holds nothing to train on. Expected SlimPajama records (.jsonl, .jsonl.zst, .jsonl.gz, .parquet), "
            f"plain text files, or a known problem set.{' Left alone were:' if reasons else ' It is empty.'}{reasons}"
        )
    return Found(tuple(texts), tuple(found.problems), tuple(found.left_alone), str(folder))


def _unreadable(error: OSError) -> None:
    raise DataError(
        f"cannot read {error.filename}: {error.strerror}. Change its permissions, or take it out of the data folder."
    )


def _files(folder: Path, found: _Sorted) -> Iterator[Path]:
    """Yield every file below `folder` in a fixed order, following links but no loop, and into no run of Corpus."""
    seen: set[Path] = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_unreadable):
        real = Path(place).resolve()
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        if set(names) >= RUN_FILES and "problems" in folders:
            found.left_alone.append(
                f"{Path(place).relative_to(folder).as_posix()} (a run of Corpus)"
            )
            folders.clear()
            continue
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name != "__pycache__"
        )
        yield from (Path(place) / name for name in sorted(names) if not name.startswith("."))


def _sort(path: Path, folder: Path, found: _Sorted) -> None:
    relative = path.relative_to(folder)
    if not path.is_file() and is_record_file(path):
        raise DataError(
            f"{path} is a link to nothing, a pipe or a device. Put the file there, or remove it from the folder."
        )
    if not path.is_file():
        found.left_alone.append(f"{relative.as_posix()} (a link to nothing, a pipe or a device)")
    elif _PAPERS.fullmatch(path.name) and path.suffix.lower() not in CODE:
        found.papers.append(path)
    elif (problem := recognise(path)) is not None:
        found.problems.append(problem)
        found.data_folders.add(_top(relative))
    elif is_record_file(path):
        if split_of(path, folder) is None:
            found.left_alone.append(f"{relative.as_posix()} (a test split)")
        else:
            _sort_records(path, folder, found)
    elif is_plain_text_file(path):
        found.plain.setdefault(_top(relative), []).append(path)
    elif is_cut_off(path):
        raise DataError(
            f"{path} is empty or ends within its first record. The download or copy is incomplete; fetch the file again, or remove it "
            "from the folder."
        )
    else:
        found.others[path.suffix.lower() or "without ending"] += 1


def _sort_records(path: Path, folder: Path, found: _Sorted) -> None:
    relative = path.relative_to(folder)
    _, record = next(read_records(path))
    is_text = isinstance(record, dict) and isinstance(record.get("text"), str)
    if set_name_of(record) is not None:
        found.records.append(path)
    elif is_text and "meta" not in record:
        found.texts.setdefault(_top(relative), []).append(path)
    elif is_text:
        found.records.append(path)  # reading it says which line has no set name
    else:
        shape = (
            f"keys {', '.join(map(repr, record))}"
            if isinstance(record, dict)
            else f"a {type(record).__name__}"
        )
        found.left_alone.append(f'{relative.as_posix()} (its first record has no "text": {shape})')
        return
    found.data_folders.add(_top(relative))


def _texts(folder: Path, found: _Sorted, set_names: Mapping[str, str]) -> list[TextInput]:
    texts: list[TextInput] = []
    if found.records:
        texts.append(RecordFiles(folder, _by_split(folder, found.records), set_names=set_names))
    for top, paths in sorted(found.texts.items()):
        texts.append(RecordFiles(folder, _by_split(folder, paths), source=_source(top, folder)))
    for top, paths in sorted(found.plain.items()):
        if top in found.data_folders:
            found.left_alone.append(f"{_some(folder, paths)} (beside records or problems)")
            continue
        if tests := [path for path in paths if split_of(path, folder) is None]:
            found.left_alone.append(f"{_some(folder, tests)} (a test split)")
        if splits := _by_split(folder, paths):
            texts.append(PlainFiles(folder, _source(top, folder), splits))
    return texts


def _some(folder: Path, paths: list[Path]) -> str:
    shown = ", ".join(path.relative_to(folder).as_posix() for path in paths[:3])
    return shown if len(paths) <= 3 else f"{shown} and {len(paths) - 3:,} more"


def _by_split(folder: Path, paths: list[Path]) -> dict[Split, list[Path]]:
    splits: dict[Split, list[Path]] = {}
    for path in paths:
        if split := split_of(path, folder):
            splits.setdefault(split, []).append(path)
    return splits


def split_of(path: Path, folder: Path) -> Split | None:
    """Return the split that the names below `folder` give a file; `train` where they give none, None for a test split."""
    is_records = is_record_file(path)
    for part in (*list(path.relative_to(folder).parents)[-2::-1],):
        if part.name.lower() in SPLITS and (
            is_records or (folder / part.parent / "train").is_dir()
        ):
            return SPLITS[part.name.lower()]
    word = re.split(r"[-_.]", path.name.lower())[0] if is_records else path.stem.lower()
    if word in SPLITS and (is_records or path.with_stem("train").is_file()):
        return SPLITS[word]
    return "train"


def _top(relative: Path) -> str:
    """Return the first folder on the way that does not name a split; "" for the folder itself."""
    return next((part for part in relative.parent.parts if part.lower() not in SPLITS), "")


def _source(top: str, folder: Path) -> str:
    """Return the name of the source that a top folder makes. Raises `DataError` for a name that is taken."""
    name = source_name(top or folder.resolve().name)
    if name == PROBLEMS:
        raise DataError(
            f"{folder / top} is a folder of text called {name!r}, a name kept for rendered problems; rename the folder."
        )
    return name


def _problem_line(problem: ProblemFile, place: str) -> str:
    path = (
        problem.path.relative_to(place)
        if place and problem.path.is_relative_to(place)
        else problem.path
    )
    notes = [problem.set_name, problem.split or "split unknown"]
    if problem.split != "train":
        notes.append("never text")
    if not problem.is_loadable:
        notes.append("recognised, not used by this version")
    return f"problems: {path.as_posix()} ({', '.join(notes)})"
