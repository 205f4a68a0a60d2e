"""Preparation of a run: find the data, say what was found, write problems, tokenizer and shards."""

import dataclasses
import os
from pathlib import Path

from corpus.base.console import say
from corpus.base.files import read_json, write_json
from corpus.base.manifest import NAME, read_manifest
from corpus.config.prepare import HUB, PrepareConfig, whole_path
from corpus.config.run import RunConfig
from corpus.prepare.digests import ContentDigests
from corpus.prepare.discover import FoundData, find_data
from corpus.prepare.document import format_size
from corpus.prepare.problem_sets import prepare_problems
from corpus.prepare.text import prepare
from corpus.problems.contamination import COUNTS
from corpus.problems.repair import REPAIR_COUNTS
from corpus.run.folder import RunFolder
from corpus.run.problems import training_problems

DOWNLOADS = Path("downloads")
"""Text from a hub is kept here, beside the run folders, so that several runs share it."""

LARGE = 10**9
"""Bytes of text from which a line says that its content is read to identify it."""


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

    The same data is that of the same content, wherever it is. A run that has begun to train keeps
    its data, and is not prepared again while the data is given by the same path, so that it resumes
    even if the source is gone.

    Raises `ConfigError` if such a run is given other data.
    """
    has_begun = folder.checkpoints.exists() or any(folder.weights.glob("*.safetensors"))
    is_prepared = all((place / NAME).exists() for place in (folder.prepared, folder.problems))
    trained = folder.read_manifest().get("data", {}) if has_begun else {}
    path = whole_path(config.prepare.data)
    # Runs of older versions have no record of their data.
    if has_begun and is_prepared and trained.get("path", path) == path:
        return
    settings = fetched(config, ranks=int(os.environ.get("WORLD_SIZE", "1")))
    found = find_data(settings, downloads=folder.path.parent / DOWNLOADS, problems=config.problems)
    for line in found.describe():
        say(line)
    digests = _read_digests(found, folder)
    known = prepare_problems(
        config, found.problems, folder, mark=digests, must_be=trained.get("problems")
    )
    texts = [problem.text for problem in training_problems(folder)]
    prepared = prepare(
        found.texts,
        settings,
        out=folder.prepared,
        problem_texts=texts,
        known=known,
        mark=digests,
        must_be=trained.get("text"),
    )
    problems = read_manifest(folder.problems, kind="problems")
    # Recorded as None if decontamination is off, so that a report can say so.
    folder.update_manifest(
        contamination={
            "problems": problems.counts.get(COUNTS),
            "text": prepared.counts.get(COUNTS),
        },
        repairs=problems.counts.get(REPAIR_COUNTS),
        data={
            "path": path,
            "problems": problems.key,
            "text": prepared.key,
        },
    )
    _keep_path(config, folder)


def _read_digests(found: FoundData, folder: RunFolder) -> ContentDigests:
    """Return the digests of all files, computed now where they are not known."""
    digests = ContentDigests(folder.inputs)
    sizes = (text.size(split) for text in found.texts for split in ("train", "validation"))
    if (total := sum(sizes)) > LARGE:
        say(f"identifying {format_size(total)} of text by its content")
    for text in found.texts:
        text.inputs(digests)
    digests.save()
    return digests


def _keep_path(config: RunConfig, folder: RunFolder) -> None:
    """Write the path of the data into config.json, if the same data was found in another place."""
    plain = read_json(folder.config) if folder.config.exists() else None
    if plain and plain.get("prepare", {}).get("data") not in (None, config.prepare.data):
        plain["prepare"]["data"] = config.prepare.data
        write_json(folder.config, plain)
