"""The problem sets of a run: one file of problems for each set and split in its `problems/`
folder."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpus.base.errors import ArtifactError, DataError
from corpus.base.manifest import NAME, read_manifest
from corpus.base.plain import short
from corpus.problems.contamination import COUNTS
from corpus.problems.families import join_families
from corpus.problems.held_out import HELDOUT, TUNING
from corpus.problems.problem import GENERATED, SYMBOLIC, Problem, read_problems
from corpus.problems.registry import PREPARED, PROBLEM_SETS, load_problems, recognise, split_of
from corpus.problems.repair import (
    REPAIR_COUNTS,
    REPAIRS,
    Repair,
    count_repairs,
    read_repairs,
    repaired,
)
from corpus.run.folder import RunFolder

NOT_SETS = (COUNTS, REPAIR_COUNTS)
"""The counts of the manifest of problems that are not those of a set."""

_PART_OF_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""The name of a set or of a split: they are parts of a file name."""

TRAIN, EVALUATION = "train", ("dev", HELDOUT)
"""The split that is trained on, and the splits that a run scores by itself where there is no tuning
split (`TUNING`). A test split is scored only on request."""


def training_problems(folder: RunFolder, *, repair: bool = True) -> list[Problem]:
    """Return all training problems of a run, of every set, with repaired programs.

    Without `repair` the programs are those of the data.

    Raises `ArtifactError` if there are none, or a file is damaged.
    """
    train = read_split(folder, TRAIN)
    found = [problem for problems in train.values() for problem in problems]
    if not found:
        raise ArtifactError(
            f"{folder.path} has no training problems; run `corpus prepare` on it first"
        )
    return repaired(found, _repairs(folder)) if repair else found


def has_repairs(folder: RunFolder) -> bool:
    """True if programs of the run's training problems were repaired."""
    return REPAIR_COUNTS in _counts(folder)


def _repairs(folder: RunFolder) -> dict[str, Repair]:
    if not has_repairs(folder):
        return {}
    path = folder.problems / REPAIRS
    repairs = read_repairs(path, fix=_fix(folder))
    if count_repairs(repairs.values()) != _counts(folder)[REPAIR_COUNTS]:
        raise ArtifactError(
            f"{path} does not have the repairs that the manifest counts. {_fix(folder)}"
        )
    return repairs


def evaluation_sets(folder: RunFolder) -> dict[str, list[Problem]]:
    """Return the problems that the run scores by itself, by set. Raises `ArtifactError` if a
    file is missing or damaged."""
    tuning = read_split(folder, TUNING)
    others = {
        name: problems
        for split in EVALUATION
        for name, problems in read_split(folder, split).items()
    }
    return tuning | {
        name: problems for name, problems in others.items() if name == SYMBOLIC or not tuning
    }


def read_split(folder: RunFolder, split: str) -> dict[str, list[Problem]]:
    """Read the problems of a split by set. Raises `ArtifactError` if their number differs from the
    manifest.
    """
    found = {}
    for name, counts in sorted(_sets_of(folder).items()):
        if split in counts:
            path = folder.problems / f"{name}.{split}.jsonl"
            found[name] = read_problems(path, fix=_fix(folder))
            if len(found[name]) != counts[split]:
                raise ArtifactError(
                    f"{path} holds {len(found[name]):,} problems; the manifest says "
                    f"{counts[split]:,}. {_fix(folder)}"
                )
    return found


def _sets_of(folder: RunFolder) -> dict[str, dict[str, int]]:
    """Return the numbers of problems by set and split from the manifest; empty without one.

    Raises `ArtifactError` for a name that is no file's, or a number that is none.
    """
    found = {name: splits for name, splits in _counts(folder).items() if name not in NOT_SETS}
    for name, splits in found.items():
        if (
            not _PART_OF_NAME.fullmatch(name)
            or not isinstance(splits, dict)
            or not all(
                _PART_OF_NAME.fullmatch(split) and type(count) is int
                for split, count in splits.items()
            )
        ):
            raise ArtifactError(
                f"{folder.problems / NAME} is damaged: counts.{short(name)} is {short(splits)}. "
                f"{_fix(folder)}"
            )
    return found


def _counts(folder: RunFolder) -> dict[str, Any]:
    if not (folder.problems / NAME).exists():
        return {}
    return read_manifest(folder.problems, kind="problems", fix=_fix(folder)).counts


def _fix(folder: RunFolder) -> str:
    return f"Delete {folder.problems} and prepare the data again."


def reads_words_as_digits(folder: RunFolder) -> bool:
    """True if the run trains on a set whose numbers in words are turned into digits."""
    trained = [name for name, counts in _sets_of(folder).items() if TRAIN in counts]
    return any(PROBLEM_SETS[name].has_words_as_digits for name in trained if name in PROBLEM_SETS)


def load_problem_file(spec: str) -> list[Problem]:
    """Read one `SET=PATH` of the command line. Raises `DataError` for another form, or a file that
    cannot be read."""
    name, _, path = spec.partition("=")
    if not path:
        raise DataError(
            f"--problems {spec!r} is not of the form SET=PATH, such as mathqa=data/mathqa/test.json"
        )
    return _load(name, Path(path))


def load_problem_files(specs: Sequence[str]) -> dict[str, list[Problem]]:
    """Read each `SET=PATH` of the command line. Raises `DataError` for another form, a set given
    twice or one that cannot be read."""
    found: dict[str, list[Problem]] = {}
    for spec in specs:
        name = spec.partition("=")[0]
        if name in found:
            raise DataError(
                f"--problems names the set {name!r} twice; score one file of a set at a time"
            )
        found[name] = load_problem_file(spec)
    return found


def _load(name: str, path: Path) -> list[Problem]:
    file = recognise(path) if path.is_file() else None
    if name in (GENERATED, SYMBOLIC) or (file is not None and file.set_name == PREPARED):
        problems = read_problems(
            path,
            fix="Give a file of problems that a run holds, such as "
            "RUN/problems/generated.heldout.jsonl.",
        )
        if not problems:
            raise DataError(f"{path} holds no problem. Give a complete file.")
        own = next((each.set_name for each in problems if each.set_name != name), name)
    else:
        own = name if file is None or name not in PROBLEM_SETS else file.set_name
        read = load_problems(name, path, split_of(path) or "test") if own == name else []
        problems = join_families(read)
    if own != name:
        raise DataError(
            f"{path} holds problems of {own}, but was given as {name}; write {own}={path}"
        )
    return problems
