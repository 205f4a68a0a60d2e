"""The budget: a clock that survives interruptions, and the pace it sets for each phase."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from corpus.base.errors import ArtifactError
from corpus.base.files import read_json, write_json

BEAT_SECONDS = 1.0
"""How often the time spent is written down: what a kill can hide from the clock."""


class Clock:
    """Training seconds spent so far, over all sessions of a run.

    The time is written to a small file about once a second, so that the seconds before a kill count as well.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = self._read()
        self._began: float | None = None
        self._beaten = 0.0

    def _read(self) -> float:
        if not self._path.exists():
            return 0.0
        plain = read_json(self._path)
        if not isinstance(plain, dict) or not isinstance(plain.get("seconds"), (int, float)):
            raise ArtifactError(
                f'{self._path} is damaged: expected the seconds spent. Write {{"seconds": N}} into it, or start in another folder.'
            )
        return float(plain["seconds"])

    @property
    def seconds(self) -> float:
        """Seconds spent: in earlier sessions and, while the clock runs, in this one."""
        return self._before + (time.monotonic() - self._began if self._began is not None else 0.0)

    def start(self) -> None:
        """Let the clock run; without effect when it runs already."""
        if self._began is None:
            self._began = time.monotonic()

    def stop(self) -> None:
        """Halt the clock and write the time down."""
        self._before, self._began = self.seconds, None
        self.beat(force=True)

    def beat(self, *, force: bool = False) -> None:
        """Write the time down, unless that was done within the last second."""
        now = time.monotonic()
        if force or now - self._beaten >= BEAT_SECONDS:
            self._beaten = now
            write_json(self._path, {"seconds": self.seconds})


class Pace(Protocol):
    """How far a phase is, and whether it is over."""

    def progress(self, step: int) -> float:
        """Return the progress 0…1 of the phase before its `step`-th step (from 0)."""
        ...

    def is_over(self, step: int, step_seconds: float) -> bool:
        """Return whether the phase ends before its `step`-th step, when a step takes `step_seconds`."""
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


@dataclass(frozen=True, kw_only=True)
class ClockPace:
    """A stretch of the training clock, in seconds on it."""

    clock: Clock
    start: float
    end: float

    def progress(self, step: int) -> float:
        """Return the share of the stretch that is spent, at most 1."""
        return min(max((self.clock.seconds - self.start) / max(self.end - self.start, 1e-9), 0.0), 1.0)

    def is_over(self, step: int, step_seconds: float) -> bool:
        """Return whether the next step would end further past the stretch than stopping now falls short of it."""
        return self.clock.seconds + 0.5 * step_seconds >= self.end
