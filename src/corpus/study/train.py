"""Training one run of a study: the order decides which batches it reads, and nothing else."""

import shutil
from collections.abc import Callable

import numpy as np
import torch

from corpus.base.files import digest_json, write_json
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


def beginning_key(config: RunConfig, order: np.ndarray, *, num_steps: int, shared: int) -> str:
    """Return a name for the beginning of a run: equal ones read the same at the same rate."""
    read = order[: shared * config.train.sequences_per_batch]
    part = {"seed": config.seed, "steps": [shared, num_steps], "order": read.tolist()}
    return digest_json(part)[:16]


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
        loader = OrderedLoader(
            sequences,
            order,
            batch_size=config.train.sequences_per_batch,
            eos_id=prepared.tokenizer.token_id(EOS),
        )
        session.run(
            PHASE,
            model,
            loader=loader,
            pace=lambda: StepPace(num_steps=num_steps),
            schedule=config.train.schedule,
            validate=_validation(model, session, prepared, config),
            sample=lambda: loader.batch(0.0),  # not called: steps have no trials
            until=until,
        )
        if until is None:
            write_weights(folder, model, prepared, name="pretrained")


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
    folder.path.mkdir(parents=True, exist_ok=True)
    metrics = "metrics.jsonl"
    shutil.copyfile(beginning.path / metrics, folder.path / metrics)
    temporary = folder.path / f".{name}.copy"
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.copytree(beginning.checkpoints / name, temporary)
    folder.checkpoints.mkdir(exist_ok=True)
    temporary.rename(folder.checkpoints / name)


def is_complete(beginning: RunFolder, *, step: int) -> bool:
    """Return whether a shared beginning was trained to its end."""
    return (beginning.checkpoints / f"{PHASE}-{step:09d}").is_dir()
