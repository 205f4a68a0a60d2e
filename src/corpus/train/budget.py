"""The budget: a clock that survives interruptions, and the pace it sets for each phase."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from corpus.base.errors import ArtifactError, CorpusError
from corpus.base.files import read_json, write_json

BEAT_SECONDS = 1.0
"""How often the time spent is written down: what a kill can hide from the clock."""


VALIDATION_SHARE = 0.1
"""The most of a phase that validations may take under a clock."""


class Clock:
    """Training seconds spent so far, over all sessions of a run.

    A thread writes the time to a small file once a second while the clock runs, so that the seconds before a kill count as well,
    those of a long trial or validation included.
    """

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        """With `writes` off, as on all but the first of several ranks, the time is not written down."""
        self._path, self._writes = path, writes
        self._before = self._read()
        self._began: float | None = None
        self._writing = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

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
        """Let the clock run; without effect when it runs already. Raises `StorageError` where the time cannot be written."""
        if self._began is None:
            self._began = time.monotonic()
            self.beat()
            self._stopped = threading.Event()
            self._thread = threading.Thread(
                target=self._beat_on, args=(self._stopped,), name="clock", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Halt the clock and write the time down; nothing writes it afterwards."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self._before, self._began = self.seconds, None
        self.beat()

    def beat(self) -> None:
        """Write the time down now."""
        if not self._writes:
            return
        with self._writing:
            write_json(self._path, {"seconds": self.seconds})

    def _beat_on(self, stopped: threading.Event) -> None:
        while not stopped.wait(BEAT_SECONDS):
            try:
                self.beat()
            except (
                CorpusError
            ):  # a full disk: the next save says so, and a beat that is missed costs a second
                continue


class Pace(Protocol):
    """How far a phase is, and whether it is over."""

    def progress(self, step: int) -> float:
        """Return the progress 0…1 of the phase before its `step`-th step (from 0)."""
        ...

    def is_over(self, step: int, step_seconds: float) -> bool:
        """Return whether the phase ends before its `step`-th step, when a step takes `step_seconds`."""
        ...

    def affords(self, spent_seconds: float, next_seconds: float) -> bool:
        """Return whether there is time for a validation of `next_seconds`, after `spent_seconds` on earlier ones of the phase."""
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
        """Return True: what is not timed must not depend on time."""
        return True


@dataclass(frozen=True, kw_only=True)
class ClockPace:
    """A stretch of the training clock, in seconds on it."""

    clock: Clock
    start: float
    end: float

    def progress(self, step: int) -> float:
        """Return the share of the stretch that is spent, at most 1."""
        return min(
            max((self.clock.seconds - self.start) / max(self.end - self.start, 1e-9), 0.0), 1.0
        )

    def is_over(self, step: int, step_seconds: float) -> bool:
        """Return whether the next step would end further past the stretch than stopping now falls short of it."""
        return self.clock.seconds + 0.5 * step_seconds >= self.end

    def affords(self, spent_seconds: float, next_seconds: float) -> bool:
        """Return whether all validations together stay below a tenth of the stretch, and this one within it."""
        fits = self.clock.seconds + next_seconds < self.end
        return fits and spent_seconds + next_seconds <= VALIDATION_SHARE * (self.end - self.start)
