"""Preparation of a run: find the data, say what was found, write problems, tokenizer and shards."""

import dataclasses
import os
from pathlib import Path

from corpus.base.console import say
from corpus.base.manifest import NAME, read_manifest
from corpus.config.prepare import HUB, PrepareConfig
from corpus.config.run import RunConfig
from corpus.prepare.discover import find_data
from corpus.prepare.problem_sets import prepare_problems
from corpus.prepare.text import prepare
from corpus.problems.contamination import COUNTS
from corpus.run.folder import RunFolder
from corpus.run.problems import training_problems

DOWNLOADS = Path("downloads")
"""Text from a hub is kept here, beside the run folders, so that several runs share it."""


def fetched(config: RunConfig, *, ranks: int) -> PrepareConfig:
    """Return the settings of preparation with the amount of text that a hub is asked for.

    It is what the budget can read with so many `ranks`, shared between the sources as the
    curriculum reads them, unless the settings say otherwise.
    """
    settings = config.prepare
    if settings.data.split(":")[0] != HUB or settings.max_tokens is not None:
        return settings
    # A source of weight 0 in the curriculum is not read, but scored.
    weights = {name: weight for name, weight in config.curriculum.weights.items() if weight > 0}
    weights |= settings.weights
    return dataclasses.replace(settings, max_tokens=config.needed_tokens(ranks), weights=weights)


def prepare_run(config: RunConfig, folder: RunFolder) -> None:
    """Prepare text and problems in a run folder; what is there from the same data is kept.

    A run that has begun to train keeps its data, so that it resumes even if the source is gone.
    """
    has_begun = folder.checkpoints.exists() or folder.final_weights.exists()
    if has_begun and all((place / NAME).exists() for place in (folder.prepared, folder.problems)):
        return
    settings = fetched(config, ranks=int(os.environ.get("WORLD_SIZE", "1")))
    found = find_data(settings, downloads=folder.path.parent / DOWNLOADS, problems=config.problems)
    for line in found.describe():
        say(line)
    known = prepare_problems(config, found.problems, folder)
    texts = [problem.text for problem in training_problems(folder)]
    prepared = prepare(found.texts, settings, out=folder.prepared, problem_texts=texts, known=known)
    problems = read_manifest(folder.problems, kind="problems").counts
    # Recorded as None if decontamination is off, so that a report can say so.
    folder.update_manifest(
        contamination={"problems": problems.get(COUNTS), "text": prepared.counts.get(COUNTS)}
    )
