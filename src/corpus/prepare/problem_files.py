"""The files of a problem set: parts of one split are joined, and a repeated file is left out."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from corpus.base.console import warn
from corpus.base.errors import DataError
from corpus.problems.families import join_families
from corpus.problems.problem import Problem
from corpus.problems.registry import ProblemFile, load_problems

_SOCRATIC = re.compile(r"(^|[^a-z])socratic([^a-z]|$)")
"""GSM8K's second form: the same problems, their solutions as questions and answers."""

_PART = re.compile(r"(\d+)[-_.]of[-_.](\d+)", re.IGNORECASE)
_NAMES = "train.json, dev.json or test.json"


def without_twins(
    files: Sequence[ProblemFile],
) -> tuple[list[ProblemFile], list[tuple[Path, Path]]]:
    """Return the files without socratic copies, and each copy with the file that it repeats."""
    plain = {
        (file.set_name, file.split): file.path for file in files if not _is_socratic(file.path)
    }
    kept, twins = [], []
    for file in files:
        original = plain.get((file.set_name, file.split))
        if original is not None and _is_socratic(file.path):
            twins.append((file.path, original))
        else:
            kept.append(file)
    return kept, twins


def _is_socratic(path: Path) -> bool:
    return any(_SOCRATIC.search(name.lower()) for name in (path.name, path.parent.name))


def join_parts(files: Sequence[ProblemFile]) -> dict[tuple[str, str], list[Path]]:
    """Return set and split → its files in order.

    Raises:
        DataError: two files of one split are not parts of it: their names differ in more than
            numbers.
    """
    paths: dict[tuple[str, str], list[Path]] = {}
    for file in files:
        paths.setdefault((file.set_name, file.split or ""), []).append(file.path)
    for (set_name, split), group in paths.items():
        group.sort(key=_in_order)
        if not are_parts(group):
            raise DataError(
                f"{group[0]} and {group[1]} are both the {split} split of {set_name}; give a data "
                "folder with one of them"
            )
        if (found := _PART.search(group[0].name)) and int(found[2]) != len(group):
            warn(
                f"{group[0].parent} has {len(group)} of the {int(found[2])} parts of the {split} "
                f"split of {set_name}"
            )
    return paths


def are_parts(paths: Sequence[Path]) -> bool:
    """True for one file, and for files whose names differ in numbers only."""
    return len({path.with_name(re.sub(r"(?<![vV])\d+", "#", path.name)) for path in paths}) == 1


def _in_order(path: Path) -> list[tuple[int, str]]:
    words = re.split(r"(\d+)", path.as_posix())
    return [(int(word), "") if word.isdigit() else (0, word) for word in words]


def load_parts(set_name: str, paths: Sequence[Path], split: str) -> list[Problem]:
    """Read the files of a split as one, numbered from 0, with the families of all of them."""
    problems = load_problems(set_name, paths[0], split)
    for path in paths[1:]:
        problems += [
            dataclasses.replace(problem, index=index)
            for index, problem in enumerate(load_problems(set_name, path, split), len(problems))
        ]
    return join_families(problems)


def check_splits(
    found: Sequence[ProblemFile], *, named: Sequence[str], chosen: Sequence[ProblemFile]
) -> None:
    """Warn about files of known sets whose split is unknown.

    Args:
        found: all files.
        named: the sets that the config names.
        chosen: the files that are used.

    Raises:
        DataError: a named set has only such files, or nothing is used.
    """
    unknown = [file for file in found if file.split is None and file.is_loadable]
    with_split = {file.set_name for file in found if file.split is not None}
    for file in unknown:
        message = (
            f"{file.path} holds problems of {file.set_name}, but neither the file name nor the "
            f"folder name gives the split. Rename it to {_NAMES}"
        )
        if not chosen or (file.set_name in named and file.set_name not in with_split):
            raise DataError(f"{message}, or remove it from the data folder.")
        warn(f"{message}; it is not used.")
