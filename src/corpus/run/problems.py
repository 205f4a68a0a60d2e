"""The problem sets of a run: one file of problems for each set and split in its `problems/` folder."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from corpus.base.console import progress
from corpus.base.errors import ArtifactError, DataError
from corpus.base.files import write_lines
from corpus.base.manifest import NAME, read_manifest
from corpus.base.seeds import derive
from corpus.config.problems import ProblemsConfig
from corpus.problems.choose import check_company
from corpus.problems.contamination import (
    COUNTS,
    LIST,
    CleanProblems,
    KnownProblems,
    add_counts,
    clean_rows,
)
from corpus.problems.generated.generator import generate
from corpus.problems.held_out import HELDOUT, TUNING, is_in_part, rarest_templates
from corpus.problems.number_words import digits_for_words
from corpus.problems.problem import (
    GENERATED,
    SYMBOLIC,
    Problem,
    read_problems,
    write_problems,
)
from corpus.problems.registry import (
    PREPARED,
    PROBLEM_SETS,
    ProblemFile,
    load_problems,
    recognise,
    split_of,
)
from corpus.problems.symbolic.catalogue import Split
from corpus.problems.symbolic.generator import generate as generate_symbolic
from corpus.run.folder import RunFolder

TRAIN, EVALUATION = "train", ("dev", HELDOUT)
"""The split that is trained on, and the splits that a run scores by itself where there is no tuning split (`TUNING`). A test split is scored
only on request."""


NOTHING: Mapping[str, float] = MappingProxyType({})


Sets = dict[str, dict[str, list[Problem]]]
"""Problems by set and split."""


def symbolic_sets(config: ProblemsConfig, *, seed: int) -> Sets:
    """Generate training and held-out problems over expressions, where any are asked for."""
    if not config.symbolic_train:
        return {}
    sets: dict[str, list[Problem]] = {}
    wanted: dict[Split, int] = {"train": config.symbolic_train, "heldout": config.symbolic_heldout}
    for split, count in wanted.items():
        with progress(f"making {split} problems over expressions", count, "problems") as task:
            sets[split] = list(
                generate_symbolic(
                    count, seed=derive(seed, SYMBOLIC, split), split=split, done=task.update
                )
            )
    return {SYMBOLIC: sets}


def generate_sets(config: ProblemsConfig, *, seed: int) -> Sets:
    """Generate training and held-out problems; none where the config asks for none."""
    if not config.generated_train:
        return {}
    train = generate(config.generated_train, seed=derive(seed, "generated", "train"), split="train")
    heldout = generate(
        config.generated_heldout, seed=derive(seed, "generated", "heldout"), split="heldout"
    )
    return {GENERATED: {"train": train, "heldout": heldout}}


def read_loaded(
    files: Mapping[tuple[str, str], Path],
    *,
    tuning_share: float = 0.0,
    heldout: Mapping[str, float] = NOTHING,
) -> Sets:
    """Read problem files by set and split.

    Args:
        files: what to read.
        tuning_share: share of the training problems that becomes the tuning split, in every set; templates with the fewest problems first.
        heldout: set → share of its templates that is held out; where none of its problems fall into that share, nothing is.
    """
    sets: Sets = {}
    for (name, split), path in files.items():
        problems = load_problems(name, path, split)
        parts = (
            _divide(problems, tuning_share, heldout.get(name, 0.0), path)
            if split == TRAIN
            else {split: problems}
        )
        sets.setdefault(name, {}).update(parts)
    return sets


def known_problems(found: Sequence[ProblemFile], sets: Sets) -> KnownProblems:
    """Return every evaluation problem that the run knows: those of its own sets, and of every dev or test file found, scored or not."""
    parts = [
        (split, problems)
        for splits in sets.values()
        for split, problems in splits.items()
        if split != TRAIN
    ]
    own = [
        dataclasses.replace(each, split=split) for split, problems in parts for each in problems
    ]  # a part of train has its own name
    there = {(name, split) for name, splits in sets.items() for split in splits}
    for file in found:
        if (
            file.split not in (None, TRAIN)
            and file.is_loadable
            and (file.set_name, file.split) not in there
        ):
            own += load_problems(file.set_name, file.path, str(file.split))
    return KnownProblems(own)


def write_sets(
    sets: Sets, folder: RunFolder, *, known: KnownProblems | None = None, drop_twins: bool = False
) -> dict[str, Any]:
    """Write the run's own copies of its problems; return the numbers by set and split, and those of what was left out.

    With `known`, training problems that hold one of those problems are left out, and listed in `contamination.jsonl`.
    """
    counts: dict[str, Any] = {}
    clean: dict[str, CleanProblems] = {}
    for name, splits in sets.items():
        if known is not None and TRAIN in splits:
            clean[name] = clean_rows(splits[TRAIN], known, drop_twins=drop_twins)
            splits = {**splits, TRAIN: clean[name].kept}
        counts[name] = {
            split: write_problems(folder.problems / f"{name}.{split}.jsonl", each)
            for split, each in splits.items()
        }
    if known is not None:
        write_lines(
            folder.problems / LIST, (record for each in clean.values() for record in each.dropped)
        )
        counts[COUNTS] = {
            "known": known.sets,
            "rows": add_counts(each.counts for each in clean.values()),
        }
    return counts


def _divide(
    problems: Sequence[Problem], tuning_share: float, heldout_share: float, path: Path
) -> dict[str, list[Problem]]:
    """Return training problems by part. Raises `DataError` where training or a tuning split is left empty."""
    parts: dict[str, list[Problem]] = {TRAIN: [], **({TUNING: []} if tuning_share else {})}
    held_out = [is_in_part(problem, HELDOUT, heldout_share) for problem in problems]
    others = (problem for problem, held in zip(problems, held_out, strict=True) if not held)
    tuning = rarest_templates(others, TUNING, tuning_share)
    for problem, held in zip(problems, held_out, strict=True):
        part = HELDOUT if held else TUNING if problem.template in tuning else TRAIN
        parts.setdefault(part, []).append(problem)
    if empty := [part for part, own in parts.items() if not own]:
        shares = (
            f"problems.tuning_share {tuning_share:g}"
            if tuning_share
            else f"problems.heldout_share {heldout_share:g}"
        )
        raise DataError(
            f"{shares} of {path} leaves the {empty[0]} split without a problem; give another share, or 0"
        )
    return parts


def training_problems(folder: RunFolder) -> list[Problem]:
    """Return all training problems of a run, of every set.

    Raises `ArtifactError` where there are none, or a file is damaged, and `ConfigError` where sets are there that must not train one model.
    """
    train = _read_split(folder, TRAIN)
    check_company(train, _sets_of(folder))
    found = [problem for problems in train.values() for problem in problems]
    if not found:
        raise ArtifactError(
            f"{folder.path} has no training problems; run `corpus prepare` on it first"
        )
    return found


def evaluation_sets(folder: RunFolder) -> dict[str, list[Problem]]:
    """Return the problems that the run scores by itself, by set. Raises `ArtifactError` where a file is missing or damaged."""
    tuning = _read_split(folder, TUNING)
    others = {
        name: problems
        for split in EVALUATION
        for name, problems in _read_split(folder, split).items()
    }
    return tuning | {
        name: problems for name, problems in others.items() if name == SYMBOLIC or not tuning
    }


def _read_split(folder: RunFolder, split: str) -> dict[str, list[Problem]]:
    """Read what the manifest beside the problems names of a split, by set, and no fewer than it says."""
    found = {}
    for name, counts in sorted(_sets_of(folder).items()):
        if split in counts:
            path = folder.problems / f"{name}.{split}.jsonl"
            found[name] = read_problems(path, fix=_fix(folder))
            if len(found[name]) != counts[split]:
                raise ArtifactError(
                    f"{path} holds {len(found[name]):,} problems; the manifest says {counts[split]:,}. {_fix(folder)}"
                )
    return found


def _sets_of(folder: RunFolder) -> dict[str, dict[str, int]]:
    """Return the numbers of problems by set and split, as the manifest beside them has it; empty where there is none."""
    if not (folder.problems / NAME).exists():
        return {}
    counts = read_manifest(folder.problems, kind="problems", fix=_fix(folder)).counts
    return {name: splits for name, splits in counts.items() if name != COUNTS}


def _fix(folder: RunFolder) -> str:
    return f"Delete {folder.problems} and prepare the data again."


def asked_as_trained(folder: RunFolder, text: str) -> str:
    """Return a question in the form that the run's training problems have: numbers in words as digits, where a set of it turns them."""
    trained = [name for name, counts in _sets_of(folder).items() if TRAIN in counts]
    has_digits = any(
        PROBLEM_SETS[name].has_words_as_digits for name in trained if name in PROBLEM_SETS
    )
    return digits_for_words(text) if has_digits else text


def load_problem_file(spec: str) -> list[Problem]:
    """Read one `SET=PATH` of the command line. Raises `DataError` for another form, or a file that cannot be read."""
    name, _, path = spec.partition("=")
    if not path:
        raise DataError(
            f"--problems {spec!r} is not of the form SET=PATH, such as mathqa=data/mathqa/test.json"
        )
    return _load(name, Path(path))


def load_problem_files(specs: Sequence[str]) -> dict[str, list[Problem]]:
    """Read each `SET=PATH` of the command line. Raises `DataError` for another form, a set given twice or one that cannot be read."""
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
            fix="Give a file of problems that a run holds, such as RUN/problems/generated.heldout.jsonl.",
        )
        if not problems:
            raise DataError(f"{path} holds no problem. Give a complete file.")
        own = next((each.set_name for each in problems if each.set_name != name), name)
    else:
        own = name if file is None or name not in PROBLEM_SETS else file.set_name
        problems = load_problems(name, path, split_of(path) or "test") if own == name else []
    if own != name:
        raise DataError(
            f"{path} holds problems of {own}, and was given as {name}; write {own}={path}"
        )
    return problems
