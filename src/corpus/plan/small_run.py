"""A small run: pre-training of one shape from nothing, and the held-out loss that it ends with."""

import statistics
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corpus.base.seeds import derive
from corpus.base.units import Budget
from corpus.config.curriculum import CurriculumConfig
from corpus.config.model import ModelConfig
from corpus.config.runtime import RuntimeConfig
from corpus.config.train import TrainConfig
from corpus.data.curriculum import plan_phases
from corpus.data.loader import TextLoader
from corpus.data.prepared import Prepared
from corpus.evaluate.text import score_sources
from corpus.model.weights import build_model
from corpus.run.folder import RunFolder
from corpus.runtime.parallelize import checkpoint_activations
from corpus.text.tokenizer import EOS, PAD
from corpus.train.session import Session

NEVER = 1e9
"""Seconds between checkpoints: the run is never resumed."""


@dataclass(frozen=True, kw_only=True)
class SmallRun:
    """A run and its loss."""

    shape: ModelConfig
    tokens: int
    steps: int
    seconds: float
    loss: float
    """Held-out, in nats per token: the mean over the sources."""
    by_source: dict[str, float]
    precision: str
    threads: int
    machine: str

    def record(self) -> dict[str, Any]:
        """Return the run as a plan records it."""
        return {
            "dim": self.shape.dim,
            "num_layers": self.shape.num_layers,
            "num_parameters": self.shape.num_parameters,
            "tokens": self.tokens,
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            "loss": round(self.loss, 4),
            "by_source": {name: round(loss, 4) for name, loss in self.by_source.items()},
        }


def pretrain_once(
    prepared: Prepared,
    shape: ModelConfig,
    *,
    budget: Budget,
    train: TrainConfig,
    curriculum: CurriculumConfig,
    runtime: RuntimeConfig,
    seed: int,
    heldout_tokens: int,
    num_added: int = 0,
) -> SmallRun:
    """Pre-train once in a temporary folder.

    Args:
        prepared: the text.
        shape: its vocabulary follows the tokenizer.
        budget: all of it goes to pre-training.
        train: batch, schedule and optimizer; nothing is validated, and only the end is saved.
        curriculum: the order of the sources.
        runtime: the machine.
        seed: decides the weights and the order of the text.
        heldout_tokens: of each source, at most.
        num_added: ids that the model has beside those of text: whole programs.
    """
    eos = prepared.tokenizer.token_id(EOS)
    shape = shape.with_vocabulary(prepared.tokenizer.vocab_size + num_added)
    train = replace(train, validations=0, checkpoint_seconds=NEVER, finetune_share=0.0)
    phases = plan_phases(curriculum, list(prepared.train.tokens))

    def loader() -> TextLoader:
        return TextLoader(
            dict(prepared.train.tokens),
            phases,
            context_length=shape.context_length,
            batch_size=train.sequences_per_batch,
            eos_id=eos,
            seed=derive(seed, "pretrain"),
        )

    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(Path(path))
        session = Session(
            folder,
            budget=budget,
            batch_tokens=train.sequences_per_batch * shape.context_length,
            config=train,
            runtime=runtime,
            resume_hint="",
        )
        model = build_model(shape, seed=derive(seed, "weights"), device=session.runtime.device)
        if runtime.checkpoint_activations:
            checkpoint_activations(model)
        sample = lambda: loader().batch(0.0)  # noqa: E731
        with session:
            tokens = session.run(
                "pretrain",
                model,
                loader=loader(),
                pace=session.split(
                    finetune_batches=1, model=model, sample=sample, text_sample=sample
                ).pretrain,
                schedule=train.schedule,
                validate=None,
                sample=sample,
            )
            seconds = session.clock.seconds
        manifest: dict[str, Any] = folder.read_manifest()
    pad = prepared.tokenizer.token_id(PAD)
    loss, _ = score_sources(
        model, session.runtime, prepared.validation, pad_id=pad, max_tokens=heldout_tokens
    )
    return SmallRun(
        shape=shape,
        tokens=tokens,
        steps=manifest["steps"]["pretrain"],
        seconds=seconds,
        loss=statistics.fmean(loss.values()),
        by_source=loss,
        precision=session.runtime.precision,
        threads=session.runtime.num_threads,
        machine=manifest["environment"]["device_name"],
    )
