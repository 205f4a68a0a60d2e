"""The schedule: a clock that survives interruptions, the pace of each phase, the learning rate.

Everything depends on the progress 0…1 of a phase, which a number of steps or a clock can drive.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from corpus.base.errors import ArtifactError, CorpusError
from corpus.base.files import read_json, write_json
from corpus.base.units import Budget
from corpus.config.model import ModelConfig
from corpus.config.train import ScheduleConfig

BEAT_SECONDS = 1.0
"""Seconds between writes of the clock to disk: a kill loses at most this much."""

VALIDATION_SHARE = 0.1
"""Under a clock, validations may take at most this share of a phase."""

STEP_OVERHEAD = 1.15
"""Time of a whole step relative to its forward and backward pass."""

SAVE_BYTES_PER_SECOND = 200e6
"""A cautious guess of the rate at which the last checkpoint and the weights are written."""


def suspended_seconds() -> float:
    """Return how long this machine was suspended since it started; 0 if the system does not say."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)  # Linux only
    if boot is None:
        return 0.0
    return time.clock_gettime(boot) - time.clock_gettime(time.CLOCK_MONOTONIC)


class Clock:
    """Training seconds spent so far, over all sessions of a run.

    The time for which the machine is suspended does not count on Linux and macOS, as the time
    between two sessions does not: nothing is computed in it. `suspended` says how long that was.

    A thread writes the time to a small file once a second while the clock runs, so that the seconds
    before a kill count as well, in a long trial or validation too.
    """

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        """Without `writes`, as on all but the first of several ranks, no time is written."""
        self._path, self._writes = path, writes
        self._before = self._read()
        self._began: float | None = None
        self._suspended_before = 0.0
        self._writing = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def _read(self) -> float:
        if not self._path.exists():
            return 0.0
        plain = read_json(self._path)
        if not isinstance(plain, dict) or not isinstance(plain.get("seconds"), (int, float)):
            raise ArtifactError(
                f"{self._path} is damaged: expected the seconds spent. Write "
                '{"seconds": N} into it, or start in another folder.'
            )
        return float(plain["seconds"])

    @property
    def seconds(self) -> float:
        """Seconds spent: in earlier sessions and, while the clock runs, in this one."""
        return self._before + (time.monotonic() - self._began if self._began is not None else 0.0)

    @property
    def suspended(self) -> float:
        """Seconds for which the machine was suspended since the clock last started."""
        return max(0.0, suspended_seconds() - self._suspended_before)

    def start(self) -> None:
        """Start the clock, unless it runs. Raises `StorageError` if it cannot be written."""
        if self._began is None:
            self._began, self._suspended_before = time.monotonic(), suspended_seconds()
            self.beat()
            self._stopped = threading.Event()
            self._thread = threading.Thread(
                target=self._beat_on, args=(self._stopped,), name="clock", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Stop the clock and write the time."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self._before, self._began = self.seconds, None
        self.beat()

    def beat(self) -> None:
        """Write the time now."""
        if self._writes:
            with self._writing:
                write_json(self._path, {"seconds": self.seconds})

    def _beat_on(self, stopped: threading.Event) -> None:
        while not stopped.wait(BEAT_SECONDS):
            try:
                self.beat()
            except CorpusError:  # a full disk: the next save reports it
                continue


class Pace(Protocol):
    """The progress of a phase, and its end."""

    def progress(self, step: int) -> float:
        """Return the progress 0…1 of the phase before its `step`-th step (from 0)."""
        ...

    def is_over(self, step: int, step_seconds: float) -> bool:
        """Return whether the phase ends before its `step`-th step, which takes `step_seconds`."""
        ...

    def affords(self, spent_seconds: float, next_seconds: float) -> bool:
        """Return whether there is time for a validation of `next_seconds`.

        `spent_seconds` is what earlier validations of the phase took.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class StepPace:
    """A fixed number of steps: the same on every machine."""

    num_steps: int

    def progress(self, step: int) -> float:
        """Return the share of the steps done."""
        return step / max(self.num_steps, 1)

    def is_over(self, step: int, step_seconds: float) -> bool:
        """Return whether all steps are done."""
        return step >= self.num_steps

    def affords(self, spent_seconds: float, next_seconds: float) -> bool:
        """Return True: a budget of steps must not depend on time."""
        return True


@dataclass(frozen=True, kw_only=True)
class ClockPace:
    """A part of the training clock, from `start` to `end` in seconds on it."""

    clock: Clock
    start: float
    end: float
    begun: float = 0.0
    """Progress of the phase at `start`: above 0 if its end was planned again there."""

    def progress(self, step: int) -> float:
        """Return the progress: it rises evenly with the time, from `begun` to 1."""
        share = (self.clock.seconds - self.start) / max(self.end - self.start, 1e-9)
        return self.begun + (1 - self.begun) * min(max(share, 0.0), 1.0)

    def is_over(self, step: int, step_seconds: float) -> bool:
        """Return whether stopping now is closer to the end than one more step."""
        return self.clock.seconds + 0.5 * step_seconds >= self.end

    def affords(self, spent_seconds: float, next_seconds: float) -> bool:
        """Return whether validations stay within a tenth of the phase and this one ends in it."""
        fits, whole = self.clock.seconds + next_seconds < self.end, self.end - self.start
        whole /= max(1 - self.begun, 1e-9)
        return fits and spent_seconds + next_seconds <= VALIDATION_SHARE * whole


@dataclass(frozen=True, kw_only=True)
class BudgetSplit:
    """The pace of each phase; each is made when its phase begins."""

    pretrain: Callable[[], Pace]
    finetune: Callable[[], Pace]
    replan: Callable[[float, float], Pace] | None = None
    """Returns the pace of pre-training from a progress on, given it and the seconds of a step."""


def split_steps(
    budget: Budget, *, batch_tokens: int, share: float, finetune_batches: int
) -> BudgetSplit:
    """Divide a budget of steps or tokens.

    Fine-tuning gets its share, at most `finetune_batches`. Pre-training gets the rest, where there
    is any pre-training.
    """
    total = max(1, int(budget.amount // (1 if budget.kind == "steps" else batch_tokens)))
    finetune = min(round(total * share), finetune_batches)
    return BudgetSplit(
        pretrain=lambda: StepPace(num_steps=0 if share == 1 else total - finetune),
        finetune=lambda: StepPace(num_steps=finetune),
    )


def saving_seconds(shape: ModelConfig) -> float:
    """Return the seconds kept back for the last checkpoint and the weights (20 bytes/parameter)."""
    return 0.25 + 20 * shape.num_parameters / SAVE_BYTES_PER_SECOND


def learning_rate(config: ScheduleConfig, progress: float) -> float:
    """Return the learning rate at `progress`: warm-up, then decay to `floor` times the peak."""
    if config.warmup > 0 and progress < config.warmup:
        return config.learning_rate * max(progress / config.warmup, 1e-3)
    begin = config.warmup
    if config.decay == "stable":
        begin = max(begin, 1 - config.decay_share)
    if progress <= begin or begin >= 1:
        return config.learning_rate
    done = min((progress - begin) / (1 - begin), 1.0)
    left = 0.5 * (1 + math.cos(math.pi * done)) if config.decay == "cosine" else 1 - done
    return config.learning_rate * (config.floor + (1 - config.floor) * left)
