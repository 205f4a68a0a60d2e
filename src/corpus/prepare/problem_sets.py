"""The problem sets of a new run: read, generated, divided into splits, and written into its folder."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from corpus.base.console import progress
from corpus.base.errors import DataError
from corpus.base.files import write_lines
from corpus.base.seeds import derive
from corpus.config.problems import ProblemsConfig
from corpus.problems.contamination import (
    COUNTS,
    LIST,
    CleanRows,
    KnownProblems,
    add_counts,
    clean_rows,
)
from corpus.problems.generated.generator import SET_NAME as GENERATED
from corpus.problems.generated.generator import generate
from corpus.problems.held_out import HELDOUT, TUNING, is_in_part, rarest_templates
from corpus.problems.numbers import template_of
from corpus.problems.problem import Problem, write_problems
from corpus.problems.registry import ProblemFile, load_problems
from corpus.problems.symbolic.catalogue import Split
from corpus.problems.symbolic.generator import SET_NAME as SYMBOLIC
from corpus.problems.symbolic.generator import generate as generate_symbolic
from corpus.run.folder import RunFolder
from corpus.run.problems import TRAIN

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
    clean: dict[str, CleanRows] = {}
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
        part = HELDOUT if held else TUNING if template_of(problem.text) in tuning else TRAIN
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
