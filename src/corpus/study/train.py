"""Training one run of a study: the order decides which batches it reads, and nothing else."""

import shutil
from collections.abc import Callable

import numpy as np
import torch

from corpus.base.errors import TrainingError
from corpus.base.files import atomic_folder, storage_errors, write_json
from corpus.base.plain import to_plain
from corpus.base.seeds import derive
from corpus.base.units import parse_budget
from corpus.config.run import RunConfig
from corpus.data.prepared import Prepared
from corpus.evaluate.text import score_sources
from corpus.model.low_precision import compute_in
from corpus.model.transformer import Transformer
from corpus.model.weights import TOKENIZER, build_model, whole_tensors, write_model
from corpus.run.folder import RunFolder
from corpus.run.weights import MODEL_FILE
from corpus.study.loader import OrderedLoader
from corpus.study.sequences import Sequences
from corpus.text.tokenizer import EOS, PAD
from corpus.train.checkpoint import list_checkpoints
from corpus.train.schedule import StepPace
from corpus.train.session import Session

PHASE = "pretrain"


def pretrain(
    config: RunConfig,
    folder: RunFolder,
    sequences: Sequences,
    order: np.ndarray,
    *,
    num_steps: int,
    resume_hint: str,
    until: int | None = None,
) -> None:
    """Pre-train a model on sequences in an order, from the newest checkpoint if there is one.

    At its end the weights are written; `until` stops before that step and keeps a checkpoint. The
    weights before training depend on the seed alone.
    """
    prepared = sequences.prepared
    folder.path.mkdir(parents=True, exist_ok=True)
    if config.runtime.compile != "off":
        torch.compiler.reset()  # it keeps the graphs of a few models only, and a study has many
    session = Session(
        folder,
        budget=parse_budget(f"{num_steps} steps"),
        batch_tokens=config.batch_tokens,
        config=config.train,
        runtime=config.runtime,
        resume_hint=resume_hint,
    )
    with session:
        model = build_model(
            config.model.with_vocabulary(prepared.tokenizer.vocab_size),
            seed=derive(config.seed, "weights"),
            device=session.runtime.device,
        )
        compute_in(model, session.runtime.precision)

        def batches() -> OrderedLoader:
            return OrderedLoader(
                sequences,
                order,
                batch_size=config.train.sequences_per_batch,
                eos_id=prepared.tokenizer.token_id(EOS),
            )

        loader = batches()
        session.run(
            PHASE,
            model,
            loader=loader,
            pace=lambda: StepPace(num_steps=num_steps),
            schedule=config.train.schedule,
            validate=_validation(model, session, prepared, config),
            sample=lambda: batches().batch(0.0),  # of its own: a trial must not use up a batch
            until=until,
        )
        if loader.consumed != _expected(sequences, order, until or num_steps, config):
            raise TrainingError(
                f"{folder.path} did not read what its order says; this is a bug in Corpus"
            )
        if until is None:
            write_weights(folder, model, prepared, name="pretrained")


def _expected(
    sequences: Sequences, order: np.ndarray, num_steps: int, config: RunConfig
) -> dict[str, int]:
    """Return the tokens of each source in the first steps of an order."""
    read = sequences.source[order[: num_steps * config.train.sequences_per_batch]]
    counts = np.bincount(read, minlength=len(sequences.names))
    length = config.model.context_length
    return {name: int(count) * length for name, count in zip(sequences.names, counts)}


def _validation(
    model: Transformer, session: Session, prepared: Prepared, config: RunConfig
) -> Callable[[], tuple[dict[str, float], dict[str, float]]]:
    """Return the measurement of held-out loss by source."""
    return lambda: score_sources(
        model,
        session.runtime,
        prepared.validation,
        pad_id=prepared.tokenizer.token_id(PAD),
        max_tokens=config.train.validation_tokens,
    )


def write_weights(folder: RunFolder, model: Transformer, prepared: Prepared, *, name: str) -> None:
    """Write a model's weights as those of a run, with its config and the tokenizer."""
    folder.weights.mkdir(parents=True, exist_ok=True)
    prepared.tokenizer.save(folder.weights)
    write_json(folder.weights / MODEL_FILE, to_plain(model.config))
    tensors: dict[str, torch.Tensor] = whole_tensors(model)
    write_model(
        folder.weights / f"{name}.safetensors",
        tensors,
        metadata={TOKENIZER: prepared.tokenizer.digest},
    )


def has_begun(folder: RunFolder) -> bool:
    """Return whether a run has a checkpoint of its own."""
    return bool(list_checkpoints(folder.checkpoints, PHASE))


def take_beginning(beginning: RunFolder, folder: RunFolder, *, step: int) -> None:
    """Copy a shared beginning, complete at `step`, into a run's folder."""
    name = f"{PHASE}-{step:09d}"
    with storage_errors(folder.path):
        folder.path.mkdir(parents=True, exist_ok=True)
        for path in (beginning.path / "metrics.jsonl", beginning.clock):
            if path.exists():
                shutil.copyfile(path, folder.path / path.name)
        folder.checkpoints.mkdir(exist_ok=True)
    with atomic_folder(folder.checkpoints / name) as temporary:
        for path in sorted((beginning.checkpoints / name).iterdir()):
            shutil.copyfile(path, temporary / path.name)


def is_complete(beginning: RunFolder, *, step: int) -> bool:
    """Return whether a shared beginning was trained to its end."""
    return (beginning.checkpoints / f"{PHASE}-{step:09d}").is_dir()
