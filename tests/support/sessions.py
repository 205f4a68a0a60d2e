"""A small training session for tests: a tiny model, a loader of one batch, recorded choices."""

from pathlib import Path
from typing import Any

import torch

from corpus.base.units import parse_budget
from corpus.config.model import ModelConfig
from corpus.config.runtime import RuntimeConfig
from corpus.config.train import ScheduleConfig, TrainConfig
from corpus.data.batch import Batch
from corpus.model.transformer import Transformer
from corpus.run.folder import RunFolder
from corpus.train.schedule import ClockPace, StepPace
from corpus.train.session import Session

CONFIG = ModelConfig(
    vocab_size=64, dim=16, num_layers=1, num_heads=2, num_kv_heads=1, context_length=16
)
BATCH_TOKENS = 32
MANY = 10**9
"""More batches than any budget here: a cap on epochs that does not bind."""


def open_session(
    folder: Path, budget: str, *, train: TrainConfig | None = None, **runtime: Any
) -> Session:
    folder.mkdir(exist_ok=True)
    settings = RuntimeConfig(
        **{"device": "cpu", "precision": "fp32", "compile": "off", "num_threads": 1, **runtime}
    )
    return Session(
        RunFolder(folder),
        budget=parse_budget(budget),
        batch_tokens=BATCH_TOKENS,
        config=train or TrainConfig(sequences_per_batch=2),
        runtime=settings,
        resume_hint="corpus run again",
    )


def sample() -> Batch:
    tokens = torch.arange(2 * BATCH_TOKENS).reshape(4, 16)[::2] % 64
    return Batch(
        tokens=tokens,
        targets=tokens + 1,
        documents=torch.zeros_like(tokens),
        num_tokens=BATCH_TOKENS,
    )


def no_sample() -> Batch:
    raise AssertionError("nothing should be tried")


def choices(folder: Path) -> dict[str, Any]:
    return RunFolder(folder).read_manifest()["choices"]


def clock_pace(pace: Any) -> ClockPace:
    assert isinstance(pace, ClockPace)
    return pace


class Lines:
    """A loader of the same batch again and again."""

    def __init__(self) -> None:
        self.number = 0

    @property
    def done(self) -> float:
        return 0.0

    @property
    def consumed(self) -> dict[str, int]:
        return {"lines": BATCH_TOKENS * self.number}

    def batch(self, progress: float) -> Batch:
        self.number += 1
        return sample()

    def cursor(self) -> dict[str, Any]:
        return {"number": self.number}

    def restore(self, cursor: dict[str, Any]) -> None:
        self.number = cursor["number"]


def run(session: Session, model: Transformer, num_steps: int = 6, *, rate: float = 1e-2) -> int:
    return session.run(
        "pretrain",
        model,
        loader=Lines(),
        pace=lambda: StepPace(num_steps=num_steps),
        schedule=ScheduleConfig(learning_rate=rate),
        validate=None,
        sample=sample,
    )
