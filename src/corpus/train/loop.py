"""The training loop: one phase under a budget, resumable at any step.

It is given batches and validation as functions of progress, and knows neither text nor problems. The order within a step matters:
the weights move first, then metrics are written, then the state is saved, and only then is anything evaluated.
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
from corpus.config.train import TrainConfig
from corpus.runtime.parallelize import is_sharded
from corpus.train.ahead import Ahead, Feed
from corpus.train.averaging import Averaging
from corpus.train.budget import Clock, Pace
from corpus.train.checkpoint import (
    Checkpoint,
    load_newest,
    load_trained,
    save_checkpoint,
    trained_tensors,
)
from corpus.train.metrics import Metrics
from corpus.train.optimizer import load_optimizer_tensors, optimizer_tensors
from corpus.train.spikes import BELIEVED, WINDOW, largest_norm
from corpus.train.step import StepResult, TrainStep


@dataclass(kw_only=True)
class Position:
    """How far a phase is; with the weights, the optimizer and the feed's cursor, all that a checkpoint holds."""

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
    finished: bool = False


Validate = Callable[[], tuple[dict[str, float], dict[str, float]]]
"""Returns held-out loss and next-token accuracy by source."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What is done once in the middle of a phase and changes what its feed hands out from there on."""

    name: str
    at: float
    """The progress from which on it is due."""
    do: Callable[[Callable[[], float], Callable[[], bool]], str | None]
    """Does it and returns what to record; None where it was stopped before it was done. It is given the phase's progress, which under a
    clock goes on meanwhile, and whether somebody wants to stop. All ranks call it, and get the same."""
    repeat: Callable[[], None]
    """Puts the feed into the state after it, in a session that goes on from a later checkpoint; the cursor is restored after that."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One stretch of training: pre-training or fine-tuning."""

    name: str
    feed: Feed
    pace: Pace
    learning_rate: Callable[[float], float]
    validate: Validate | None
    turn: Turn | None = None


class PhaseTrainer:
    """Trains one phase to its end, or until it is interrupted."""

    def __init__(
        self,
        phase: Phase,
        step: TrainStep,
        *,
        config: TrainConfig,
        clock: Clock,
        metrics: Metrics,
        folder: Path,
        resume_hint: str,
    ) -> None:
        self._phase, self._step, self._config, self._clock, self._metrics = (
            phase,
            step,
            config,
            clock,
            metrics,
        )
        self._folder, self._resume_hint = folder, resume_hint
        self.position = Position()
        self._feed, self._average = Ahead(phase.feed), Averaging(step.model)
        self._step_seconds = 0.0
        self._validation_seconds, self._last_validation_seconds = 0.0, 0.0
        self._saved_at, self._saved_step = time.monotonic(), -1
        self._logged_at, self._logged_tokens = time.monotonic(), 0

    def resume(self) -> bool:
        """Go on from the newest checkpoint of this phase; return whether there was one."""
        checkpoint = load_newest(self._folder, self._phase.name, ranks=self._step.ranks)
        if checkpoint is None:
            self._metrics.drop_phase(self._phase.name)
            return False
        self._metrics.truncate(checkpoint.state["metrics_bytes"])
        load_trained(self._step.model, checkpoint.model)
        load_optimizer_tensors(self._step.model, self._step.optimizer, checkpoint.optimizer)
        self._step.scaler.load_state_dict(checkpoint.state["scaler"])
        self.position = Position(**checkpoint.state["position"])
        if self.position.turned and self._phase.turn:
            self._phase.turn.repeat()
        self._feed.restore(checkpoint.state["cursor"])
        self._average.restore(checkpoint.average, self.position.averaged)
        self._saved_step, self._logged_tokens = self.position.step, self.position.tokens
        say(f"going on with {self._phase.name} at step {self.position.step:,}")
        if not self.position.finished:
            self._event(
                "resumed", f"training was interrupted, and went on from step {self.position.step:,}"
            )
        return True

    @property
    def is_over(self) -> bool:
        """Whether the phase has no further step."""
        return self.position.finished or self._phase.pace.is_over(
            self.position.step, self._step_seconds
        )

    def train(self) -> None:
        """Run steps until the phase is over, then save. Raises `Interrupted` after saving when the user stops it."""
        phase, position = self._phase, self.position
        begun = 100 * phase.pace.progress(position.step)
        with _stop_flag() as stopped, progress(phase.name, 100, begun=begun) as task:
            if position.step:
                self._validate_when_due()
            while True:
                over, share = self._step.ranks.numbers(
                    self.is_over, phase.pace.progress(position.step)
                )
                if over:
                    break
                if self._is_turning(share):
                    self._turn(stopped)
                    if self._step.ranks.numbers(stopped())[0]:
                        self._stop()
                    continue  # under a clock that took time
                self._one_step(share)
                self._show(task, share)
                stop, save = self._step.ranks.numbers(stopped(), self._save_is_due())
                if stop:
                    self._stop()
                if save:
                    self.save()
                self._validate_when_due()
            if self._step.ranks.numbers(stopped())[0]:  # while the last step was saved or validated
                self._stop()
        if position.loss_count:
            self._log(1.0, last=None)
            self._saved_step = -1
        if self._average.count:
            self._average.put()
        if not position.finished:
            position.finished, self._saved_step = True, -1
        if phase.turn and not position.turned:
            warn(
                f"{phase.turn.name} was not done: no step began {phase.turn.at:.0%} of the way through {phase.name} or later"
            )
        if not position.step:
            warn(f"{phase.name} got no step: the budget leaves it no time; give a larger one")
        self.save()

    def _one_step(self, share: float) -> None:
        began, position, phase = time.monotonic(), self.position, self._phase
        batch = self._feed.batch(share)
        rate = phase.learning_rate(share)
        limit = largest_norm(
            position.norms, self._config.spike_factor, in_a_row=position.spikes_in_a_row
        )
        position.consumed = self._feed.consumed
        result = self._step(batch, rate, largest_norm=limit, meanwhile=self._prepare_next)
        position.step += 1
        position.tokens += batch.num_tokens
        self._count(result)
        if share >= 1 - self._config.averaging and self._config.averaging:
            self._average.add()
            position.averaged = self._average.count
        if position.step % self._config.log_every_steps == 0:
            self._log(share, last=(result, rate))
        seconds = time.monotonic() - began
        self._step_seconds = (
            seconds if not self._step_seconds else 0.9 * self._step_seconds + 0.1 * seconds
        )

    def _prepare_next(self) -> None:
        """Make the next batch while the device is busy. Under a clock it is a step early for its mixture, which moves as little."""
        step, pace = self.position.step + 1, self._phase.pace
        over, share = self._step.ranks.numbers(
            pace.is_over(step, self._step_seconds), pace.progress(step)
        )
        if not over:
            self._feed.prepare(share)

    def _count(self, result: StepResult) -> None:
        position = self.position
        if result.applied:
            if (
                position.spikes_in_a_row >= BELIEVED
            ):  # the new normal: what was usual before it says nothing any more
                position.norms = []
            position.skipped_in_a_row = position.spikes_in_a_row = 0
            position.norms = [*position.norms[1 - WINDOW :], result.gradient_norm]
            position.loss_sum += result.loss
            position.loss_count += 1
            return
        if math.isfinite(result.loss) and math.isfinite(result.gradient_norm):
            position.spikes_in_a_row += 1
            self._event(
                "spike",
                f"loss {result.loss:.4g}, gradient norm {result.gradient_norm:.4g}: a spike, the step was skipped",
            )
            return
        position.skipped_in_a_row += 1
        self._event(
            "skipped_step",
            f"loss {result.loss}, gradient norm {result.gradient_norm}: not finite, the step was skipped",
        )
        if position.skipped_in_a_row >= self._config.max_skipped_steps:
            raise TrainingError(
                f"{position.skipped_in_a_row} steps in a row had a loss or gradient that is not finite (step {position.step} of {self._phase.name}). "
                "Lower the learning rate, or use runtime.precision fp32, in a new run; the weights are those from before these steps."
            )

    def _event(self, name: str, message: str) -> None:
        self._metrics.write(
            "event",
            phase=self._phase.name,
            step=self.position.step,
            seconds=self._clock.seconds,
            name=name,
            message=message,
        )

    def _log(self, share: float, last: tuple[StepResult, float] | None) -> None:
        position = self.position
        if not position.loss_count:
            return
        now = time.monotonic()
        rate = (position.tokens - self._logged_tokens) / max(now - self._logged_at, 1e-9)
        values: dict[str, Any] = {
            "progress": round(share, 6),
            "tokens": position.tokens,
            "loss": position.loss_sum / position.loss_count,
        }
        if last is not None:
            norm = last[0].gradient_norm
            values |= {
                "learning_rate": last[1],
                "gradient_norm": norm if math.isfinite(norm) else None,
            }
        values["tokens_per_second"] = round(rate, 1)
        values["consumed"] = position.consumed
        self._metrics.write(
            "train",
            phase=self._phase.name,
            step=position.step,
            seconds=self._clock.seconds,
            **values,
        )
        self._logged_at, self._logged_tokens = now, position.tokens
        position.loss_sum, position.loss_count = 0.0, 0

    def _show(self, task: Task, share: float) -> None:
        position = self.position
        loss = f"loss {position.loss_sum / position.loss_count:.3f}" if position.loss_count else ""
        rate = position.tokens / position.step / max(self._step_seconds, 1e-9)
        note = " · ".join(
            part
            for part in (loss, f"{format_count(rate)} tokens/s", f"step {position.step:,}")
            if part
        )
        task.update(100 * share, note=note)

    def _save_is_due(self) -> bool:
        steps = self._config.checkpoint_steps
        late = time.monotonic() - self._saved_at >= self._config.checkpoint_seconds
        return late or bool(steps and self.position.step % steps == 0)

    def save(self) -> None:
        """Write a checkpoint of this very step, unless it is there already."""
        position = self.position
        if position.step != self._saved_step:
            state = {
                "position": asdict(position),
                "cursor": self._feed.cursor(),
                "scaler": self._step.scaler.state_dict(),
                "metrics_bytes": self._metrics.num_bytes,
            }
            checkpoint = Checkpoint(
                model=trained_tensors(self._step.model),
                optimizer=optimizer_tensors(self._step.model, self._step.optimizer),
                average=self._average.tensors,
                state=state,
            )
            save_checkpoint(
                self._folder,
                checkpoint,
                phase=self._phase.name,
                step=position.step,
                ranks=self._step.ranks,
                sharded=is_sharded(self._step.model),
            )
            self._saved_step = position.step
        self._saved_at = time.monotonic()
        self._clock.beat()

    def _is_turning(self, share: float) -> bool:
        turn = self._phase.turn
        return turn is not None and not self.position.turned and share >= turn.at

    def _turn(self, stopped: Callable[[], bool]) -> None:
        """Do what changes the feed; what was prepared of it is made anew. Saved before, for it may take long, and after."""
        turn, began = self._phase.turn, time.monotonic()
        assert turn is not None
        self.save()
        self._feed.forget()
        message = turn.do(lambda: self._phase.pace.progress(self.position.step), stopped)
        if message is not None:
            self.position.turned, self._saved_step = True, -1
            self._event(turn.name, message)
            self.save()
        self._logged_at += time.monotonic() - began

    def _validate_when_due(self) -> None:
        """Measure held-out loss at evenly spaced points of the phase (the end itself is left to the final scores)."""
        count, position, pace = self._config.validations, self.position, self._phase.pace
        share, afforded = self._step.ranks.numbers(
            pace.progress(position.step),
            pace.affords(self._validation_seconds, self._last_validation_seconds),
        )
        if (
            self._phase.validate is None
            or not count
            or int(share * count) <= position.validations
            or share >= 1
        ):
            return
        began, position.validations = time.monotonic(), int(share * count)
        if not afforded:
            return
        loss, accuracy = self._phase.validate()
        self._metrics.write(
            "validation",
            phase=self._phase.name,
            step=position.step,
            seconds=self._clock.seconds,
            tokens=position.tokens,
            loss=loss,
            accuracy=accuracy,
        )
        self._last_validation_seconds = time.monotonic() - began
        self._validation_seconds += self._last_validation_seconds
        self._logged_at += self._last_validation_seconds
        mean = sum(loss.values()) / max(len(loss), 1)
        say(
            f"  {self._phase.name} {share:.0%}: held-out loss {mean:.3f} after {format_count(position.tokens)} tokens"
        )

    def _stop(self) -> None:
        self.save()
        self._clock.stop()
        raise Interrupted(
            f"stopped at step {self.position.step:,} of {self._phase.name}, {format_duration(self._clock.seconds)} on the training clock; "
            f"everything is saved. Go on with:\n  {self._resume_hint}"
        )


@contextmanager
def _stop_flag() -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C and SIGTERM into a flag that the loop looks at between steps; a second Ctrl-C stops at once."""
    hit: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        hit.append(number)
        signal.signal(signal.SIGINT, before[signal.SIGINT])
        say("stopping after this step; press Ctrl-C again to stop at once")

    try:
        before = {name: signal.signal(name, note) for name in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread: signals are somebody else's business
        yield lambda: False
        return
    try:
        yield lambda: bool(hit)
    finally:
        for name, old in before.items():
            signal.signal(name, old)
