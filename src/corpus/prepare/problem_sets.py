"""The problem sets of a new run: chosen, read or generated, and divided into splits."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from corpus.base.console import progress, say, warn
from corpus.base.errors import ConfigError, DataError
from corpus.base.files import digest_file, digest_json
from corpus.base.manifest import Manifest, is_done, make_key, write_manifest
from corpus.base.seeds import derive
from corpus.config.problems import ProblemsConfig
from corpus.config.run import RunConfig
from corpus.prepare.digests import Mark, digest_of, other_data
from corpus.prepare.problem_files import are_parts, check_splits, join_parts, load_parts
from corpus.prepare.problem_folder import Sets, delete_others, say_counts, write_sets
from corpus.prepare.protocols import folds_file, protocol_files, protocol_sets
from corpus.problems.choose import choose_sets
from corpus.problems.contamination import KnownProblems
from corpus.problems.generated.generator import generate
from corpus.problems.held_out import HELDOUT, TUNING, is_in_part, rarest_groups
from corpus.problems.problem import GENERATED, SYMBOLIC, Problem
from corpus.problems.registry import PROBLEM_SETS, ProblemFile
from corpus.problems.symbolic.catalogue import Split
from corpus.problems.symbolic.generator import generate as generate_symbolic
from corpus.run.folder import RunFolder
from corpus.run.problems import TRAIN

NOTHING: Mapping[str, float] = MappingProxyType({})


def prepare_problems(
    config: RunConfig,
    found: Sequence[ProblemFile],
    folder: RunFolder,
    *,
    mark: Mark = digest_of,
    must_be: str | None = None,
) -> KnownProblems:
    """Write the problem sets that are trained on and scored; return all known evaluation problems.

    The sets are those found, or generated ones if none of those can be trained on. Problems already
    prepared from the same data and settings are kept. `must_be` is the key that they must have;
    another one is a `ConfigError`. `mark` returns the identity of a file's content.
    """
    settings, chosen = config.problems, _choose(found, config.problems)
    share = settings.tuning_share
    if settings.protocol:
        sets = _with_tuning(protocol_sets(chosen.files, settings), share)
    elif chosen.files:
        _check_sources(chosen, settings)
        sets = read_sets(chosen.by_split(), tuning_share=share, heldout=chosen.heldout)
    else:
        sets = generate_sets(settings, seed=config.seed)
    others = [file for file in found if file not in chosen.files] if settings.protocol else found
    known = known_problems(others, sets)
    key = _key(config, chosen, known, mark)
    if must_be is not None and must_be == _key(
        config, chosen, known, mark, version=WITHOUT_REPAIRS
    ):
        return known  # prepared by a version without repairs
    if must_be is not None and key != must_be:
        raise other_data(folder.problems, config.prepare.data)
    if is_done(folder.problems, kind="problems", key=key):
        say(f"problems are already prepared: {folder.problems}")
        return known
    sets |= symbolic_sets(settings, seed=config.seed)
    _warn_of_unknown(sets, known)
    counts = write_sets(
        sets,
        folder,
        known=known if settings.decontaminate else None,
        drop_twins=settings.drop_twins,
        repair=settings.repair,
    )
    say_counts(counts, folder)
    delete_others(folder, counts)
    write_manifest(
        folder.problems,
        Manifest(kind="problems", key=key, config=dataclasses.asdict(settings), counts=counts),
    )
    return known


@dataclass(frozen=True)
class _Chosen:
    """The files that a run reads, and set → share of its templates that is held out."""

    files: list[ProblemFile]
    heldout: dict[str, float]

    def by_split(self) -> dict[tuple[str, str], list[Path]]:
        """Return set and split → files. Raises `DataError` for two files of one split that are not
        parts of it.
        """
        return join_parts(self.files)


def _choose(found: Sequence[ProblemFile], settings: ProblemsConfig) -> _Chosen:
    if settings.protocol:
        return _Chosen(protocol_files(found, settings), {})
    if settings.sets:
        named = [file for file in found if file.set_name in settings.sets]
        check_splits(named, named=settings.sets, chosen=named)
    choice = choose_sets(found, settings.sets)
    splits = {
        **dict.fromkeys(choice.train, ("train", "dev")),
        **dict.fromkeys(choice.scored, ("dev",)),
    }
    files = [file for file in found if file.split in splits.get(file.set_name, ())]
    if not settings.sets:
        check_splits(found, named=(), chosen=files)
    if found:
        for line in choice.describe():
            say(line)
        if not files:
            say("none of the problem sets found can be trained on, so problems are generated")
    if settings.tuning_share and not files:
        raise ConfigError(
            f"problems.tuning_share is {settings.tuning_share:g}, but it needs a problem set in "
            "the data, and this run generates its problems; leave it out, or give --data with a "
            "problem set"
        )
    share = settings.heldout_share
    return _Chosen(files, dict.fromkeys(sorted(choice.held_out), share) if share else {})


def _check_sources(chosen: _Chosen, settings: ProblemsConfig) -> None:
    """Raise `ConfigError` if a set is trained on beside one that was made from it, and nothing
    keeps the twins of evaluation problems out."""
    there = {file.set_name for file in chosen.files}
    for file in chosen.files:
        made = sorted(PROBLEM_SETS[file.set_name].source_of & there)
        if made and file.split == TRAIN and not settings.decontaminate:
            raise ConfigError(
                f"{file.set_name} is trained on beside {made[0]}, whose evaluation problems have "
                "twins in it, and problems.decontaminate is off; turn it on, or name one of the "
                "two sets alone in problems.sets"
            )


def _warn_of_unknown(sets: Sets, known: KnownProblems) -> None:
    """Warn where a set may hold problems of a test file that is not among the data."""
    tested = {problem.set_name for problem in known.problems if problem.split == "test"}
    for name, splits in sets.items():
        made = PROBLEM_SETS[name].source_of if name in PROBLEM_SETS else frozenset()
        for other in sorted(made - tested):
            if TRAIN in splits:
                warn(
                    f"{name} has many problems of {other}'s test file, which is not in the data, "
                    "so they cannot be left out. Before you score that file, put it beside the "
                    "others and prepare again; a test file is not scored by itself"
                )


def generate_sets(config: ProblemsConfig, *, seed: int) -> Sets:
    """Generate training and held-out problems, if the config asks for any."""
    if not config.generated_train:
        return {}
    train = generate(config.generated_train, seed=derive(seed, "generated", "train"), split="train")
    heldout = generate(
        config.generated_heldout, seed=derive(seed, "generated", "heldout"), split="heldout"
    )
    return {GENERATED: {"train": train, "heldout": heldout}}


def symbolic_sets(config: ProblemsConfig, *, seed: int) -> Sets:
    """Generate training and held-out problems over expressions, if the config asks for any."""
    if not config.symbolic_train:
        return {}
    sets: dict[str, list[Problem]] = {}
    wanted: dict[Split, int] = {"train": config.symbolic_train, "heldout": config.symbolic_heldout}
    for split, count in wanted.items():
        with progress(f"making {split} problems over expressions", count, "problems") as task:
            own = derive(seed, SYMBOLIC, split)
            sets[split] = list(generate_symbolic(count, seed=own, split=split, done=task.update))
    return {SYMBOLIC: sets}


def read_sets(
    files: Mapping[tuple[str, str], Sequence[Path]],
    *,
    tuning_share: float = 0.0,
    heldout: Mapping[str, float] = NOTHING,
) -> Sets:
    """Read problem files by set and split.

    Args:
        files: set and split → its files, parts in order.
        tuning_share: share of the training problems of each set that becomes the tuning split;
            templates with the fewest problems first.
        heldout: set → share of its templates that is held out. If no problem falls into that
            share, nothing is held out.
    """
    sets: Sets = {}
    for (name, split), paths in files.items():
        problems = load_parts(name, paths, split)
        parts = {split: problems}
        if split == TRAIN:
            parts = _divide(problems, tuning_share, heldout.get(name, 0.0), paths[0])
        sets.setdefault(name, {}).update(parts)
    return sets


def _divide(
    problems: Sequence[Problem], tuning_share: float, heldout_share: float, path: Path
) -> dict[str, list[Problem]]:
    """Divide training problems. Raises `DataError` if training or the tuning split gets none."""
    parts: dict[str, list[Problem]] = {TRAIN: [], **({TUNING: []} if tuning_share else {})}
    held_out = [is_in_part(problem, HELDOUT, heldout_share) for problem in problems]
    others = (problem for problem, held in zip(problems, held_out, strict=True) if not held)
    tuning = rarest_groups(others, TUNING, tuning_share)
    for problem, held in zip(problems, held_out, strict=True):
        part = HELDOUT if held else TUNING if problem.group in tuning else TRAIN
        parts.setdefault(part, []).append(problem)
    if empty := [part for part, own in parts.items() if not own]:
        share = f"problems.heldout_share {heldout_share:g}"
        if tuning_share:
            share = f"problems.tuning_share {tuning_share:g}"
        raise DataError(
            f"{share} of {path} leaves the {empty[0]} split without a problem; give another "
            "share, or 0"
        )
    return parts


def _with_tuning(sets: Sets, share: float) -> Sets:
    """Return the sets of a protocol with a tuning split cut from their training problems."""
    if not share:
        return sets
    return {
        name: {
            **parts,
            **(_divide(parts[TRAIN], share, 0.0, Path(name)) if TRAIN in parts else {}),
        }
        for name, parts in sets.items()
    }


def known_problems(found: Sequence[ProblemFile], sets: Sets) -> KnownProblems:
    """Return every evaluation problem that the run knows: those of its own sets, and those of every
    dev or test file found, scored or not."""
    own = [
        dataclasses.replace(each, split=split)  # a held-out part of train is its own split
        for splits in sets.values()
        for split, problems in splits.items()
        if split != TRAIN
        for each in problems
    ]
    there = {(name, split) for name, splits in sets.items() for split in splits}
    unread = []
    others: dict[tuple[str, str], list[Path]] = {}
    for file in found:
        if file.split is None or file.split == TRAIN:
            continue
        if not file.is_loadable:
            unread.append(file.path)
        elif (file.set_name, file.split) not in there:
            others.setdefault((file.set_name, file.split), []).append(file.path)
    for (name, split), paths in others.items():
        for part in [paths] if are_parts(paths) else [[path] for path in paths]:
            own += load_parts(name, part, split)
    for path in unread:
        warn(f"{path} cannot be read by this version: its problems may be in the training data")
    return KnownProblems(own)


VERSION = 3
"""Raised when the same data gives other problem files."""


WITHOUT_REPAIRS = 2
"""The last version that did not know repairs and protocols."""


def _key(
    config: RunConfig,
    chosen: _Chosen,
    known: KnownProblems,
    mark: Mark,
    *,
    version: int = VERSION,
) -> str:
    """Return the digest of everything that decides what is written by a version."""
    problems = config.problems
    known_as = known.digest if problems.decontaminate else None
    if not chosen.files:
        plain = dataclasses.asdict(problems)
        if version == WITHOUT_REPAIRS:
            for name in ("repair", "protocol", "fold"):
                del plain[name]
        settings = {
            "problems": plain,
            "seed": config.seed,
            "known": known_as,
            "version": version,
        }
        return make_key("problems", settings, {"generated": digest_json(settings)})
    inputs = {
        f"{file.set_name} {file.split} {number}": mark(file.path)
        for number, file in enumerate(chosen.files)
    }
    loaded: dict[str, Any] = {
        "known": known_as,
        "drop_twins": problems.drop_twins,
        "version": version,
    }
    if version > WITHOUT_REPAIRS:
        loaded["repair"] = problems.repair
    if problems.protocol:
        for file in chosen.files:
            if folds_file(file.path).exists():
                inputs["folds"] = digest_file(folds_file(file.path))
        loaded["protocol"] = [problems.protocol, problems.fold, problems.heldout_share]
    if problems.tuning_share:
        loaded["tuning_share"] = problems.tuning_share
    if any(PROBLEM_SETS[file.set_name].source_of for file in chosen.files):
        loaded["programs of rationales"] = True  # older versions read none
    if chosen.heldout:
        loaded["heldout"] = chosen.heldout
    if problems.symbolic_train:
        loaded["symbolic"] = [problems.symbolic_train, problems.symbolic_heldout]
        loaded["seed"] = config.seed
    return make_key("problems", loaded, inputs)
