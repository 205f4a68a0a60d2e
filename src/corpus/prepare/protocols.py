"""The published protocols of word-problem sets: what is trained on, and what is scored.

| protocol | trained on | scored |
| --- | --- | --- |
| svamp | MAWPS and ASDiv-A, as in the SVAMP repository | SVAMP |
| asdiv, mawps | four folds of five | the fifth |
| gsm8k, mathqa | train | test; without it dev, or a held-out part of train |

References: Patel et al. 2021, arXiv:2103.07191, sec. 4; Lan et al. 2021 (MWPToolkit),
arXiv:2109.00799, whose folds of ASDiv-A are in `asdiv_a_folds.json`.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.base.console import warn
from corpus.base.errors import ConfigError, DataError
from corpus.base.files import read_json
from corpus.base.seeds import derive
from corpus.config.problems import ProblemsConfig
from corpus.prepare.problem_folder import Sets
from corpus.problems.asdiv import problem_ids
from corpus.problems.families import join_families
from corpus.problems.held_out import HELDOUT, is_in_part
from corpus.problems.problem import Problem
from corpus.problems.registry import ProblemFile, load_problems

FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One protocol."""

    train: str
    """The set that is trained on."""
    scored: str
    """The set that is scored."""
    num_problems: int | None = None
    """Problems of the published set that is scored."""

    @property
    def num_folds(self) -> int:
        """Runs that it takes: each scores another fold of one set, or there is one run."""
        return FOLDS if self.train == self.scored and self.train in ("asdiv", "mawps") else 1


PROTOCOLS = {
    "svamp": Protocol(train="mawps_asdiv", scored="svamp", num_problems=1000),
    "asdiv": Protocol(train="asdiv", scored="asdiv", num_problems=1218),
    "mawps": Protocol(train="mawps", scored="mawps", num_problems=1987),
    "gsm8k": Protocol(train="gsm8k", scored="gsm8k"),
    "mathqa": Protocol(train="mathqa", scored="mathqa"),
}


def protocol_files(found: Sequence[ProblemFile], settings: ProblemsConfig) -> list[ProblemFile]:
    """Return the files that a protocol reads. Raises `ConfigError` if one is missing."""
    protocol = PROTOCOLS[settings.protocol]
    if protocol.num_folds > 1:
        return [_only_file(found, protocol.train, settings)]
    train = _of(found, protocol.train, ("train",), settings)
    if protocol.scored == protocol.train:
        scored = [file for file in found if file.set_name == protocol.train]
        for split in ("test", "dev"):
            if own := [file for file in scored if file.split == split]:
                return train + own
        return train
    return train + _of(found, protocol.scored, ("test", "dev", "train", None), settings)


def protocol_sets(files: Sequence[ProblemFile], settings: ProblemsConfig) -> Sets:
    """Read the files of a protocol: the training problems, and those that are scored as the
    held-out part.

    Raises `DataError` if there are none of one kind. A warning says where the files do not have
    as many problems as the published set.
    """
    sets = _read(files, settings)
    for name, parts in sets.items():
        for part, problems in parts.items():
            if not problems:
                raise DataError(
                    f"the protocol {settings.protocol} leaves no {part} problem of {name}: its "
                    "files have too few. Give the complete files"
                )
    protocol = PROTOCOLS[settings.protocol]
    count = sum(len(problems) for problems in sets[protocol.scored].values())
    if protocol.num_problems and count != protocol.num_problems:
        warn(
            f"{count:,} problems of {protocol.scored} are there, and the published set has "
            f"{protocol.num_problems:,}: the scores are not of the same problems"
        )
    return sets


def _read(files: Sequence[ProblemFile], settings: ProblemsConfig) -> Sets:
    protocol = PROTOCOLS[settings.protocol]
    if protocol.num_folds > 1:
        return {protocol.train: _fold(files[0], settings.fold)}
    if protocol.scored != protocol.train:
        return {
            protocol.train: {"train": _load(files, protocol.train, "train")},
            protocol.scored: {HELDOUT: _load(files, protocol.scored, "test")},
        }
    train = _load([file for file in files if file.split == "train"], protocol.train, "train")
    others = [file for file in files if file.split != "train"]
    if others:
        heldout = _load(others, protocol.train, others[0].split or "test")
        return {protocol.train: {"train": train, HELDOUT: heldout}}
    return {protocol.train: _heldout_part(train, settings.heldout_share)}


def _heldout_part(problems: Sequence[Problem], share: float) -> dict[str, list[Problem]]:
    held = [is_in_part(problem, HELDOUT, share) for problem in problems]
    return {
        "train": [problem for problem, out in zip(problems, held) if not out],
        HELDOUT: [problem for problem, out in zip(problems, held) if out],
    }


def _of(
    found: Sequence[ProblemFile],
    name: str,
    splits: Sequence[str | None],
    settings: ProblemsConfig,
) -> list[ProblemFile]:
    """Return the files of a set with one of these splits. Raises `ConfigError` if there is none."""
    files = [file for file in found if file.set_name == name and file.split in splits]
    if not files:
        what = f"a train file of {name}" if splits == ("train",) else f"a file of {name}"
        there = ", ".join(sorted({file.set_name for file in found})) or "no problem set"
        raise ConfigError(
            f"the protocol {settings.protocol} needs {what}, which the data does not have; found: "
            f"{there}. Put the file there, or give another --data"
        )
    return files


def _only_file(found: Sequence[ProblemFile], name: str, settings: ProblemsConfig) -> ProblemFile:
    files = _of(found, name, ("train", "dev", "test", None), settings)
    if len(files) > 1:
        raise ConfigError(
            f"the protocol {settings.protocol} divides one file of {name} into {FOLDS} folds; "
            f"{files[0].path} and {files[1].path} are two. Give a data folder with one of them"
        )
    return files[0]


def _load(files: Sequence[ProblemFile], name: str, split: str) -> list[Problem]:
    """Read all files of a set as one split; a problem of two files is read once."""
    problems: list[Problem] = []
    for file in files:
        if file.set_name == name:
            known = {problem.text for problem in problems}
            own = load_problems(name, file.path, split)
            problems += [each for each in own if each.text not in known]
    numbered = (dataclasses.replace(each, index=index) for index, each in enumerate(problems))
    return join_families(list(numbered))


def _fold(file: ProblemFile, fold: int) -> dict[str, list[Problem]]:
    """Return the problems of a fold as held-out part, the others as training problems."""
    problems = _load([file], file.set_name, "train")
    folds = _published_folds(file) or _own_folds(len(problems))
    return {
        "train": [problem for problem, own in zip(problems, folds, strict=True) if own != fold],
        HELDOUT: [problem for problem, own in zip(problems, folds, strict=True) if own == fold],
    }


def _own_folds(count: int) -> list[int]:
    """Return the fold of each problem: drawn at random, the same in every run, equally large."""
    drawn = sorted(range(count), key=lambda index: derive(0, "fold", str(index)))
    folds = [0] * count
    for place, index in enumerate(drawn):
        folds[index] = place * FOLDS // count
    return folds


def _published_folds(file: ProblemFile) -> list[int] | None:
    """Return the fold of each problem by the list of folds beside the file, None without one.

    Raises `DataError` if the list does not have every problem once.
    """
    path = folds_file(file.path)
    if file.set_name != "asdiv" or not path.exists():
        return None
    plain = read_json(path, fix="Get it again, or remove it to draw folds at random.")
    lists = list(plain.values()) if isinstance(plain, dict) else []
    if not all(isinstance(each, list) and each for each in lists):
        lists = []
    places = [(str(name), fold) for fold, names in enumerate(lists) for name in names]
    ids = problem_ids(file.path)
    if len(lists) != FOLDS or sorted(name for name, _ in places) != sorted(ids):
        raise DataError(
            f"{path} does not divide the {len(ids):,} problems of {file.path} into {FOLDS} folds; "
            "expected five lists of ids, every id once. Get it again, or remove it to draw folds "
            "at random."
        )
    fold_of = dict(places)
    return [fold_of[each] for each in ids]


def folds_file(path: Path) -> Path:
    """Return where the folds of a file are listed: `asdiv_a.json` → `asdiv_a_folds.json`."""
    return path.with_name(path.name.split(".")[0] + "_folds.json")
