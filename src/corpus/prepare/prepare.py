"""Preparation of a run: find the data, say what was found, write problems, tokenizer and shards."""

import dataclasses
from pathlib import Path

from corpus.base.console import say
from corpus.base.files import read_json
from corpus.base.manifest import NAME, read_manifest
from corpus.config.prepare import HUB, whole_path
from corpus.config.run import RunConfig
from corpus.prepare.digests import ContentDigests
from corpus.prepare.discover import find_data
from corpus.prepare.problem_sets import prepare_problems
from corpus.prepare.text import prepare
from corpus.problems.contamination import COUNTS
from corpus.run.folder import RunFolder
from corpus.run.problems import training_problems

DOWNLOADS = Path("downloads")
"""Text from a hub is kept here, beside the run folders, so that several runs share it."""


def prepare_run(config: RunConfig, folder: RunFolder) -> None:
    """Prepare text and problems in a run folder; what is there from the same data is kept.

    The same data is that of the same content, wherever it is. A run that has begun to train keeps
    its data, so that it resumes even if the source is gone.

    Raises `ConfigError` if it is given other data then.
    """
    has_begun = folder.checkpoints.exists() or folder.final_weights.exists()
    is_prepared = all((place / NAME).exists() for place in (folder.prepared, folder.problems))
    keep = has_begun and is_prepared
    if keep and _is_where_it_was(config.prepare.data, folder):
        return
    settings = config.prepare
    if settings.data.split(":")[0] == HUB and settings.max_tokens is None:
        settings = dataclasses.replace(settings, max_tokens=config.needed_tokens())
    found = find_data(settings, downloads=folder.path.parent / DOWNLOADS, problems=config.problems)
    for line in found.describe():
        say(line)
    digests = ContentDigests(folder.inputs)
    known = prepare_problems(config, found.problems, folder, mark=digests, keep=keep)
    texts = [problem.text for problem in training_problems(folder)]
    prepared = prepare(
        found.texts,
        settings,
        out=folder.prepared,
        problem_texts=texts,
        known=known,
        mark=digests,
        keep=keep,
    )
    digests.save()
    problems = read_manifest(folder.problems, kind="problems").counts
    # Recorded as None if decontamination is off, so that a report can say so.
    folder.update_manifest(
        contamination={"problems": problems.get(COUNTS), "text": prepared.counts.get(COUNTS)}
    )


def _is_where_it_was(data: str, folder: RunFolder) -> bool:
    """Whether the data is given by the path that it was prepared from."""
    before = read_json(folder.prepared / NAME).get("config", {}).get("data")
    return before is None or whole_path(before) == whole_path(data)
