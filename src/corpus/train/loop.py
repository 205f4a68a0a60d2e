"""The training loop: one phase under a budget, resumable at any step.

It receives batches and validation as functions of progress, and knows nothing about text or
problems. The order within a step matters: update weights, write metrics, save the state, and only
then evaluate.
"""

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from corpus.base.console import Task, progress, say, warn
from corpus.base.errors import Interrupted, TrainingError
from corpus.base.units import format_count, format_duration
from corpus.config.train import ScheduleConfig, TrainConfig
from corpus.data.loader import Loader, Prefetcher
from corpus.runtime.parallelize import is_sharded
from corpus.train.checkpoint import (
    Checkpoint,
    load_newest,
    load_trained,
    save_checkpoint,
    trained_tensors,
)
from corpus.train.metrics import Metrics
from corpus.train.optimizer import WeightAverage, load_optimizer_tensors, optimizer_tensors
from corpus.train.schedule import Clock, Pace, learning_rate
from corpus.train.step import SPIKE_WINDOW, SPIKES_IN_A_ROW, StepResult, TrainStep, largest_norm

Validate = Callable[[], tuple[dict[str, float], dict[str, float]]]
"""Returns held-out loss and next-token accuracy by source."""


@dataclass(frozen=True, kw_only=True)
class Callback:
    """Runs once in the middle of a phase and changes what its loader hands out from there on."""

    name: str
    at: float
    """The progress at which it is due."""
    run: Callable[[Callable[[], float], Callable[[], bool]], str | None]
    """Returns the message to record, or None if it was stopped.

    Its arguments are two functions. The first returns the progress of the phase, which moves on
    under a clock. The second returns whether the user asked to stop. All ranks call it, with the
    same result."""
    repeat: Callable[[], object]
    """Brings the loader into the state after `run` in a session that resumes from a later
    checkpoint; the cursor is restored afterwards."""


@dataclass(frozen=True, kw_only=True)
class TrainingPhase:
    """Pre-training or fine-tuning."""

    name: str
    loader: Loader
    pace: Pace
    schedule: ScheduleConfig
    validate: Validate | None
    callback: Callback | None = None


@dataclass(kw_only=True)
class Position:
    """The progress of a phase. Its fields are the keys of `position` in a checkpoint."""

    step: int = 0
    tokens: int = 0
    validations: int = 0
    skipped_in_a_row: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    consumed: dict[str, int] = field(default_factory=dict)
    averaged: int = 0
    norms: list[float] = field(default_factory=list)
    spikes_in_a_row: int = 0
    turned: bool = False
    """Whether the callback has run."""
    finished: bool = False


class PhaseTrainer:
    """Trains one phase to its end, or until it is interrupted."""

    def __init__(
        self,
        phase: TrainingPhase,
        step: TrainStep,
        *,
        config: TrainConfig,
        clock: Clock,
        metrics: Metrics,
        folder: Path,
        resume_hint: str,
    ) -> None:
        """`folder` holds the checkpoints."""
        self._phase, self._step, self._config = phase, step, config
        self._clock, self._metrics, self._ranks = clock, metrics, step.ranks
        self._folder, self._resume_hint = folder, resume_hint
        self.position = Position()
        self._loader, self._average = Prefetcher(phase.loader), WeightAverage(step.model)
        self._step_seconds = 0.0
        self._validation_seconds, self._last_validation_seconds = 0.0, 0.0
        self._saved_at, self._saved_step = time.monotonic(), -1
        self._logged_at, self._logged_tokens = time.monotonic(), 0

    @property
    def is_over(self) -> bool:
        """Whether the phase has no further step."""
        position = self.position
        return position.finished or self._phase.pace.is_over(position.step, self._step_seconds)

    def train(self) -> None:
        """Run steps until the phase is over, then save.

        Raises `Interrupted`, after saving, if the user stops it.
        """
        phase, position = self._phase, self.position
        begun = 100 * phase.pace.progress(position.step)
        with _stop_flag() as stopped, progress(phase.name, 100, begun=begun) as task:
            if position.step:
                self._validate_when_due()
            while True:
                over, share = self._ranks.numbers(self.is_over, phase.pace.progress(position.step))
                if over:
                    break
                if self._callback_is_due(share):
                    self._run_callback(stopped)
                    self._stop_if(stopped)
                    continue  # under a clock, the callback took time from the phase
                self._one_step(share)
                self._show(task, share)
                stop, save = self._ranks.numbers(stopped(), self._save_is_due())
                if stop:
                    self._stop()
                if save:
                    self.save()
                self._validate_when_due()
            self._stop_if(stopped)  # while the last step was saved or validated
        self._finish()

    def _one_step(self, share: float) -> None:
        """Take the step at this share of the phase, and count what it did."""
        began, position = time.monotonic(), self.position
        batch, rate = self._loader.batch(share), learning_rate(self._phase.schedule, share)
        limit = largest_norm(
            position.norms, self._config.spike_factor, in_a_row=position.spikes_in_a_row
        )
        position.consumed = self._loader.consumed
        result = self._step(batch, rate, largest_norm=limit, meanwhile=self._prefetch)
        position.step += 1
        position.tokens += batch.num_tokens
        self._count(result)
        if share >= 1 - self._config.averaging and self._config.averaging:
            self._average.add()
            position.averaged = self._average.count
        if position.step % self._config.log_every_steps == 0:
            norm = result.gradient_norm if math.isfinite(result.gradient_norm) else None
            self._log(share, learning_rate=rate, gradient_norm=norm)
        seconds, smoothed = time.monotonic() - began, self._step_seconds
        self._step_seconds = 0.9 * smoothed + 0.1 * seconds if smoothed else seconds

    def _prefetch(self) -> None:
        """Make the next batch while the device is busy.

        Under a clock its mixture is that of a moment before its step.
        """
        step, pace = self.position.step + 1, self._phase.pace
        over, share = self._ranks.numbers(
            pace.is_over(step, self._step_seconds), pace.progress(step)
        )
        if not over:
            self._loader.prefetch(share)

    def _count(self, result: StepResult) -> None:
        """Record a step that was applied, or why it was skipped."""
        position = self.position
        if result.applied:
            if position.spikes_in_a_row >= SPIKES_IN_A_ROW:  # the new normal
                position.norms = []
            position.skipped_in_a_row = position.spikes_in_a_row = 0
            position.norms = [*position.norms[1 - SPIKE_WINDOW :], result.gradient_norm]
            position.loss_sum += result.loss
            position.loss_count += 1
            return
        if math.isfinite(result.loss) and math.isfinite(result.gradient_norm):
            position.spikes_in_a_row += 1
            self._event(
                "spike",
                f"loss {result.loss:.4g}, gradient norm {result.gradient_norm:.4g}: a spike, "
                "the step was skipped",
            )
            return
        position.skipped_in_a_row += 1
        self._event(
            "skipped_step",
            f"loss {result.loss}, gradient norm {result.gradient_norm}: not finite, "
            "the step was skipped",
        )
        if position.skipped_in_a_row >= self._config.max_skipped_steps:
            raise TrainingError(
                f"{position.skipped_in_a_row} steps in a row had a loss or gradient that is not "
                f"finite (step {position.step} of {self._phase.name}). Lower the learning rate, or "
                "use runtime.precision fp32, in a new run; the weights are those from before these "
                "steps."
            )

    def _write(self, kind: str, **values: Any) -> None:
        self._metrics.write(
            kind,
            phase=self._phase.name,
            step=self.position.step,
            seconds=self._clock.seconds,
            **values,
        )

    def _event(self, name: str, message: str) -> None:
        self._write("event", name=name, message=message)

    def _log(self, share: float, **step: float | None) -> None:
        """Write the mean loss since the last line; `step` says more about the last step."""
        position = self.position
        if not position.loss_count:
            return
        now = time.monotonic()
        rate = (position.tokens - self._logged_tokens) / max(now - self._logged_at, 1e-9)
        self._write(
            "train",
            progress=round(share, 6),
            tokens=position.tokens,
            loss=position.loss_sum / position.loss_count,
            **step,
            tokens_per_second=round(rate, 1),
            consumed=position.consumed,
        )
        self._logged_at, self._logged_tokens = now, position.tokens
        position.loss_sum, position.loss_count = 0.0, 0

    def _show(self, task: Task, share: float) -> None:
        position = self.position
        rate = position.tokens / position.step / max(self._step_seconds, 1e-9)
        notes = [f"{format_count(rate)} tokens/s", f"step {position.step:,}"]
        if position.loss_count:
            notes.insert(0, f"loss {position.loss_sum / position.loss_count:.3f}")
        task.update(100 * share, note=" · ".join(notes))

    def _validate_when_due(self) -> None:
        """Measure held-out loss at evenly spaced points of the phase.

        Its end is left to the final scores.
        """
        count, position, pace = self._config.validations, self.position, self._phase.pace
        share, afforded = self._ranks.numbers(
            pace.progress(position.step),
            pace.affords(self._validation_seconds, self._last_validation_seconds),
        )
        is_due = int(share * count) > position.validations and share < 1
        if self._phase.validate is None or not is_due:
            return
        began, position.validations = time.monotonic(), int(share * count)
        if not afforded:
            return
        loss, accuracy = self._phase.validate()
        self._write("validation", tokens=position.tokens, loss=loss, accuracy=accuracy)
        self._last_validation_seconds = time.monotonic() - began
        self._validation_seconds += self._last_validation_seconds
        self._logged_at += self._last_validation_seconds
        mean = sum(loss.values()) / max(len(loss), 1)
        say(
            f"  {self._phase.name} {share:.0%}: held-out loss {mean:.3f} "
            f"after {format_count(position.tokens)} tokens"
        )

    def _callback_is_due(self, share: float) -> bool:
        callback = self._phase.callback
        return callback is not None and not self.position.turned and share >= callback.at

    def _run_callback(self, stopped: Callable[[], bool]) -> None:
        """Run the callback, saving before it, since it may take long, and after it."""
        callback, began = self._phase.callback, time.monotonic()
        assert callback is not None
        self.save()
        self._loader.discard()
        message = callback.run(lambda: self._phase.pace.progress(self.position.step), stopped)
        if message is not None:
            self.position.turned, self._saved_step = True, -1
            self._event(callback.name, message)
            self.save()
        self._logged_at += time.monotonic() - began

    def _save_is_due(self) -> bool:
        steps = self._config.checkpoint_steps
        late = time.monotonic() - self._saved_at >= self._config.checkpoint_seconds
        return late or bool(steps and self.position.step % steps == 0)

    def save(self) -> None:
        """Write a checkpoint of this step, unless it exists."""
        if self.position.step != self._saved_step:
            save_checkpoint(
                self._folder,
                Checkpoint(
                    model=trained_tensors(self._step.model),
                    optimizer=optimizer_tensors(self._step.model, self._step.optimizer),
                    average=self._average.tensors,
                    state={
                        "position": asdict(self.position),
                        "cursor": self._loader.cursor(),
                        "scaler": self._step.scaler.state_dict(),
                        "metrics_bytes": self._metrics.flush(),
                    },
                ),
                phase=self._phase.name,
                step=self.position.step,
                ranks=self._ranks,
                sharded=is_sharded(self._step.model),
            )
            self._saved_step = self.position.step
        self._saved_at = time.monotonic()
        self._clock.beat()

    def resume(self) -> bool:
        """Continue from the newest checkpoint of this phase; return whether there was one."""
        checkpoint = load_newest(self._folder, self._phase.name, ranks=self._ranks)
        if checkpoint is None:
            self._metrics.drop_phase(self._phase.name)
            return False
        self._metrics.truncate(checkpoint.state["metrics_bytes"])
        load_trained(self._step.model, checkpoint.model)
        load_optimizer_tensors(self._step.model, self._step.optimizer, checkpoint.optimizer)
        self._step.scaler.load_state_dict(checkpoint.state["scaler"])
        self.position = Position(**checkpoint.state["position"])
        if self.position.turned and self._phase.callback:
            self._phase.callback.repeat()
        self._loader.restore(checkpoint.state["cursor"])
        self._average.restore(checkpoint.average, self.position.averaged)
        self._saved_step, self._logged_tokens = self.position.step, self.position.tokens
        say(f"resuming {self._phase.name} at step {self.position.step:,}")
        if not self.position.finished:
            self._event(
                "resumed",
                f"training was interrupted and resumed from step {self.position.step:,}",
            )
        return True

    def _finish(self) -> None:
        """Log the last steps, take the averaged weights, and save."""
        position, callback, name = self.position, self._phase.callback, self._phase.name
        if position.loss_count:
            self._log(1.0)
            self._saved_step = -1
        if self._average.count:
            self._average.put()
        if not position.finished:
            position.finished, self._saved_step = True, -1
        if callback and not position.turned:
            warn(
                f"{callback.name} was skipped: no step of {name} began at {callback.at:.0%} or "
                "later"
            )
        if not position.step:
            warn(f"{name} had no step: the budget leaves no time for it; give a larger one")
        self.save()

    def _stop_if(self, stopped: Callable[[], bool]) -> None:
        if self._ranks.numbers(stopped())[0]:
            self._stop()

    def _stop(self) -> None:
        self.save()
        self._clock.stop()
        raise Interrupted(
            f"stopped at step {self.position.step:,} of {self._phase.name}, "
            f"{format_duration(self._clock.seconds)} on the training clock; everything is saved. "
            f"Resume with:\n  {self._resume_hint}"
        )


@contextmanager
def _stop_flag() -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C and SIGTERM into a flag for the loop; a second Ctrl-C stops at once."""
    hit: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        hit.append(number)
        signal.signal(signal.SIGINT, before[signal.SIGINT])
        say("stopping after this step; press Ctrl-C again to stop at once")

    try:
        before = {name: signal.signal(name, note) for name in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread, which alone may handle signals
        yield lambda: False
        return
    try:
        yield lambda: bool(hit)
    finally:
        for name, old in before.items():
            signal.signal(name, old)
