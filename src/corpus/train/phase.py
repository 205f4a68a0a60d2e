"""A phase of training, as the loop receives it, and the position in it that a checkpoint stores."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from corpus.base.plain import from_plain
from corpus.config.train import ScheduleConfig
from corpus.data.batch import Batch
from corpus.data.loader import Loader
from corpus.train.schedule import Pace

Validate = Callable[[], tuple[dict[str, float], dict[str, float]]]
"""Returns held-out loss and next-token accuracy by source."""


@dataclass(frozen=True, kw_only=True)
class Callback:
    """Runs in the middle of a phase and changes what its loader hands out from there on."""

    name: str
    at: tuple[float, ...]
    """The progress at which it is due, rising: once for each."""
    run: Callable[[int, Callable[[], float], Callable[[], bool]], str | None]
    """Returns the message to record, or None if it was stopped.

    Its arguments are how often it ran before, and two functions. The first returns the progress of
    the phase, which moves on under a clock. The second returns whether the user asked to stop. All
    ranks call it, with the same result."""
    repeat: Callable[[int], object]
    """Brings the loader into the state after this many runs in a session that resumes from a later
    checkpoint; the cursor is restored afterwards."""


@dataclass(frozen=True, kw_only=True)
class Review:
    """Looks now and then at how a phase computes, and may change it."""

    name: str
    at: tuple[float, ...]
    """The progress at which it is due, rising."""
    run: Callable[[Batch], str | None]
    """Returns the message to record, or None if there is nothing to say, given the batch of the
    last step. All ranks call it."""


@dataclass(frozen=True, kw_only=True)
class TrainingPhase:
    """Pre-training or fine-tuning."""

    name: str
    loader: Loader
    pace: Pace
    schedule: ScheduleConfig
    validate: Validate | None
    callback: Callback | None = None
    replan: Callable[[float, float], Pace] | None = None
    """Returns the pace from a progress on, given it and the seconds of a measured step. Called once
    the phase has come to each of `REPLAN_AT`; all ranks call it."""
    review: Review | None = None
    live_from: float = math.inf
    """The progress from which on batches depend on the weights, so that none is made early."""


@dataclass(kw_only=True)
class Position:
    """The progress of a phase. Its fields are the keys of `position` in a checkpoint."""

    step: int = 0
    tokens: int = 0
    validations: int = 0
    skipped_in_a_row: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    reward_sum: float = 0.0
    reward_count: int = 0
    consumed: dict[str, int] = field(default_factory=dict)
    averaged: int = 0
    norms: list[float] = field(default_factory=list)
    spikes_in_a_row: int = 0
    turned: int = 0
    """How often the callback has run. An older checkpoint has true or false."""
    finished: bool = False

    @classmethod
    def from_json(cls, plain: Any) -> "Position":
        """Read what `dataclasses.asdict` returned. Raises `ConfigError` for anything else."""
        if isinstance(plain, dict) and isinstance(plain.get("turned"), bool):
            plain = {**plain, "turned": int(plain["turned"])}
        return from_plain(cls, plain, where="position")
