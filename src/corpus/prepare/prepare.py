"""Preparation: find the data, say what was found, then write problems, tokenizer and token shards."""

import dataclasses
from pathlib import Path
from typing import Any

from corpus.base.console import say, warn
from corpus.base.errors import ConfigError, DataError
from corpus.base.files import digest_json
from corpus.base.manifest import NAME, Manifest, is_done, make_key, read_manifest, write_manifest
from corpus.config.prepare import HUB
from corpus.config.run import RunConfig
from corpus.prepare.discover import Found
from corpus.prepare.document import mark_of
from corpus.prepare.find import find_data
from corpus.prepare.problem_sets import (
    generate_sets,
    known_problems,
    read_loaded,
    symbolic_sets,
    write_sets,
)
from corpus.prepare.text import prepare
from corpus.problems.choose import choose_sets
from corpus.problems.contamination import COUNTS, LIST, KnownProblems
from corpus.problems.held_out import TUNING
from corpus.problems.registry import ProblemFile
from corpus.run.folder import RunFolder
from corpus.run.problems import EVALUATION, training_problems

DOWNLOADS = Path("downloads")
"""Where text from a hub is kept, beside the run folders, so that several runs share it."""


def prepare_run(config: RunConfig, folder: RunFolder) -> None:
    """Prepare text and problems in a run folder; what is there already, of the same data and settings, is kept.

    A run that has begun to train keeps its data, so that it goes on even where the source has gone away.
    """
    begun = folder.checkpoints.exists() or folder.final_weights.exists()
    if begun and all((place / NAME).exists() for place in (folder.prepared, folder.problems)):
        return
    settings = config.prepare
    if settings.data.split(":")[0] == HUB and settings.max_tokens is None:
        settings = dataclasses.replace(settings, max_tokens=config.needed_tokens())
    found = find_data(settings, downloads=folder.path.parent / DOWNLOADS, problems=config.problems)
    for line in found.describe():
        say(line)
    known = _prepare_problems(config, found, folder)
    texts = [problem.text for problem in training_problems(folder)]
    prepared = prepare(found.texts, settings, out=folder.prepared, problem_texts=texts, known=known)
    problems = read_manifest(folder.problems, kind="problems").counts
    # Off is recorded as well, so that a report can say that nothing was looked for.
    folder.update_manifest(
        contamination={"problems": problems.get(COUNTS), "text": prepared.counts.get(COUNTS)}
    )


def _prepare_problems(config: RunConfig, found: Found, folder: RunFolder) -> KnownProblems:
    """Write the problem sets that are trained on and scored, those found or generated ones; return all evaluation problems known."""
    choice = choose_sets(found.problems, config.problems.sets)
    if found.problems:
        for line in choice.describe():
            say(line)
    splits = {
        **dict.fromkeys(choice.train, ("train", "dev")),
        **dict.fromkeys(choice.scored, ("dev",)),
    }
    usable = [file for file in found.problems if file.split in splits.get(file.set_name, ())]
    heldout = (
        dict.fromkeys(sorted(choice.held_out), config.problems.heldout_share)
        if config.problems.heldout_share
        else {}
    )
    if usable:
        sets = read_loaded(
            _one_file_a_split(usable), tuning_share=config.problems.tuning_share, heldout=heldout
        )
    else:
        if found.problems:
            say("none of the problem sets found can be trained on, so generated problems are used")
        if config.problems.tuning_share:
            raise ConfigError(
                "problems.tuning_share is for problem sets that are read, and here problems are generated, with templates held out already; "
                "leave it out, or give --data with a problem set"
            )
        sets = generate_sets(config.problems, seed=config.seed)
    known = known_problems(found.problems, sets)
    for file in found.problems:
        if not file.is_loadable and file.split not in (None, "train"):
            warn(
                f"{file.path} cannot be read by this version, so training is not kept free of its problems"
            )
    key = _problems_key(config, usable, heldout, known)
    if is_done(folder.problems, kind="problems", key=key):
        say(f"problems are prepared already: {folder.problems}")
        return known
    settings = config.problems
    sets |= symbolic_sets(settings, seed=config.seed)
    counts = write_sets(
        sets,
        folder,
        known=known if settings.decontaminate else None,
        drop_twins=settings.drop_twins,
    )
    for name, parts in counts.items():
        if name == COUNTS:
            continue
        if not parts.keys() & {TUNING, *EVALUATION}:
            warn(
                f"{name} has no dev split here, so this run scores it only on request: corpus evaluate RUN --problems {name}=FILE"
            )
        say(
            f"{name}: " + ", ".join(f"{count:,} {split} problems" for split, count in parts.items())
        )
    _say_dropped(counts.get(COUNTS), folder)
    _drop_others(folder, counts)
    write_manifest(
        folder.problems,
        Manifest(
            kind="problems", key=key, config=dataclasses.asdict(config.problems), counts=counts
        ),
    )
    return known


def _say_dropped(counts: dict[str, Any] | None, folder: RunFolder) -> None:
    """Say what training is kept free of, and what that took."""
    if counts is None:
        warn(
            "training problems are not compared with evaluation problems: problems.decontaminate is off"
        )
        return
    rows, known = (
        counts["rows"],
        ", ".join(f"{count:,} of {name}" for name, count in counts["known"].items()) or "none",
    )
    say(f"evaluation problems known: {known}")
    if rows["dropped"]:
        twins = f", {rows['twins_dropped']:,} their twins" if rows["twins_dropped"] else ""
        say(
            f"  {rows['dropped']:,} of {rows['rows']:,} training problems hold one and are left out ({rows['equal']:,} word for word{twins}): "
            f"{folder.problems / LIST}"
        )
    if rows["twins"]:
        say(
            f"  {rows['twins']:,} training problems are twins, equal but for the numbers, and stay (problems.drop_twins leaves them out)"
        )


def _drop_others(folder: RunFolder, counts: dict[str, dict[str, Any]]) -> None:
    """Delete the files of sets that an earlier preparation of other data left here."""
    kept = {f"{name}.{split}.jsonl" for name, splits in counts.items() for split in splits} | (
        {LIST} if COUNTS in counts else set()
    )
    for path in folder.problems.glob("*.jsonl"):
        if path.name not in kept:
            path.unlink()


def _problems_key(
    config: RunConfig, files: list[ProblemFile], heldout: dict[str, float], known: KnownProblems
) -> str:
    inputs = {f"{file.set_name} {file.split} {file.path}": mark_of(file.path) for file in files}
    known_as = known.digest if config.problems.decontaminate else None
    settings = {
        "problems": dataclasses.asdict(config.problems),
        "seed": config.seed,
        "known": known_as,
    }
    share = config.problems.tuning_share
    loaded: dict[str, Any] = ({"tuning_share": share} if share else {}) | (
        {"heldout": heldout} if heldout else {}
    )
    loaded |= {"known": known_as, "drop_twins": config.problems.drop_twins}
    if config.problems.symbolic_train:
        loaded |= {
            "symbolic": [config.problems.symbolic_train, config.problems.symbolic_heldout],
            "seed": config.seed,
        }
    return make_key(
        "problems", loaded if files else settings, inputs or {"generated": digest_json(settings)}
    )


def _one_file_a_split(files: list[ProblemFile]) -> dict[tuple[str, str], Path]:
    chosen: dict[tuple[str, str], Path] = {}
    for file in files:
        place = (file.set_name, file.split or "")
        if place in chosen:
            raise DataError(
                f"{chosen[place]} and {file.path} are both the {file.split} split of {file.set_name}; give a data folder with one of them"
            )
        chosen[place] = file.path
    return chosen
