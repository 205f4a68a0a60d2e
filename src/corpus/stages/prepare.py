"""Preparation: find the data, say what was found, then write problems, tokenizer and token shards."""

import dataclasses
from pathlib import Path

from corpus.base.console import say, warn
from corpus.base.errors import ConfigError, DataError
from corpus.base.files import digest_json
from corpus.base.manifest import NAME, Manifest, is_done, make_key, write_manifest
from corpus.base.run_folder import RunFolder
from corpus.prepare.config import HUB
from corpus.prepare.discover import Found
from corpus.prepare.document import mark_of
from corpus.prepare.find import find_data
from corpus.prepare.prepare import prepare
from corpus.problems.registry import ProblemFile
from corpus.recipes.config import RunConfig
from corpus.stages.problems import DEV, HELDOUT, TUNING, training_problems, write_generated, write_loaded, write_symbolic

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
    if settings.data.startswith(HUB) and settings.max_tokens is None:
        settings = dataclasses.replace(settings, max_tokens=config.needed_tokens())
    found = find_data(settings, downloads=folder.path.parent / DOWNLOADS)
    for line in found.describe():
        say(line)
    _prepare_problems(config, found, folder)
    texts = [problem.text for problem in training_problems(folder)]
    prepare(found.texts, settings, out=folder.prepared, problem_texts=texts)


def _prepare_problems(config: RunConfig, found: Found, folder: RunFolder) -> None:
    """Write the problem sets that are trained on and scored: those found, or generated ones."""
    usable = [file for file in found.problems if file.is_loadable and file.split in ("train", "dev")]
    trained = {file.set_name for file in usable if file.split == "train"}
    usable = [file for file in usable if file.set_name in trained]
    key = _problems_key(config, usable)
    if is_done(folder.problems, kind="problems", key=key):
        say(f"problems are prepared already: {folder.problems}")
        return
    if usable:
        counts = write_loaded(_one_file_a_split(usable), folder, tuning_share=config.problems.tuning_share)
    else:
        if found.problems:
            say("none of the problem sets found can be trained on, so generated problems are used")
        if config.problems.tuning_share:
            raise ConfigError(
                "problems.tuning_share is for problem sets that are read, and here problems are generated, with templates held out already; "
                "leave it out, or give --data with a problem set"
            )
        counts = write_generated(config.problems, folder, seed=config.seed)
    counts |= write_symbolic(config.problems, folder, seed=config.seed)
    for name, splits in counts.items():
        if not splits.keys() & {TUNING, DEV, HELDOUT}:
            warn(f"{name} has no dev split here, so this run scores it only on request: corpus evaluate RUN --problems {name}=FILE")
        say(f"{name}: " + ", ".join(f"{count:,} {split} problems" for split, count in splits.items()))
    _drop_others(folder, counts)
    write_manifest(folder.problems, Manifest(kind="problems", key=key, config=dataclasses.asdict(config.problems), counts=counts))


def _drop_others(folder: RunFolder, counts: dict[str, dict[str, int]]) -> None:
    """Delete the files of sets that an earlier preparation of other data left here."""
    kept = {f"{name}.{split}.jsonl" for name, splits in counts.items() for split in splits}
    for path in folder.problems.glob("*.jsonl"):
        if path.name not in kept:
            path.unlink()


def _problems_key(config: RunConfig, files: list[ProblemFile]) -> str:
    inputs = {f"{file.set_name} {file.split} {file.path}": mark_of(file.path) for file in files}
    settings = {"problems": dataclasses.asdict(config.problems), "seed": config.seed}
    share = config.problems.tuning_share
    loaded: dict[str, object] = {"tuning_share": share} if share else {}
    if config.problems.symbolic_train:
        loaded |= {"symbolic": [config.problems.symbolic_train, config.problems.symbolic_heldout], "seed": config.seed}
    return make_key("problems", loaded if files else settings, inputs or {"generated": digest_json(settings)})


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
