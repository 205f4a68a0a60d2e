"""The training loop: one phase under a budget, resumable at any step.

It receives batches and validation as functions of progress, and knows nothing about text or
problems. The order within a step matters: update weights, write metrics, save the state, and only
then evaluate.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from corpus.base.console import Task, progress, say, warn
from corpus.base.errors import Interrupted, TrainingError
from corpus.base.units import format_count, format_duration
from corpus.config.train import TrainConfig
from corpus.data.batch import Batch
from corpus.data.loader import Prefetcher
from corpus.runtime.parallelize import is_sharded
from corpus.train.checkpoint import (
    Checkpoint,
    load_newest,
    load_trained,
    save_checkpoint,
    state_errors,
    trained_tensors,
)
from corpus.train.metrics import Metrics
from corpus.train.optimizer import WeightAverage, load_optimizer_tensors, optimizer_tensors
from corpus.train.phase import Position, TrainingPhase
from corpus.train.schedule import Clock, learning_rate
from corpus.train.signals import stop_flag
from corpus.train.step import SPIKE_WINDOW, SPIKES_IN_A_ROW, StepResult, TrainStep, largest_norm

REPLAN_AT = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Progress at which the end of a phase is planned again from the steps that were measured."""

SAVING_SHARE = 0.05
"""Most of the time that checkpoints take which are due by time."""

STEPS_MEASURED = 8
"""Steps of a session from which on its seconds a step count as measured."""


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
        self._pace, self._step_seconds, self._num_measured, self._replanned = phase.pace, 0.0, 0, 0
        self._num_reviewed = 0
        self._validation_seconds, self._last_validation_seconds = 0.0, 0.0
        self._saved_at, self._saved_step, self._save_seconds = time.monotonic(), -1, 0.0
        self._logged_at, self._logged_tokens = time.monotonic(), 0

    @property
    def is_over(self) -> bool:
        """Whether the phase has no further step."""
        return self.position.finished or self._ends_before(self.position.step)

    def _ends_before(self, step: int) -> bool:
        """Return whether the phase ends before this step: by its pace, or as all is read."""
        return self._pace.is_over(step, self._step_seconds) or self._loader.done >= 1

    def _progress(self, step: int) -> float:
        """Return the progress 0…1 before this step: of the budget or of what there is to read.

        The larger one counts, so the learning rate comes to its end with either.
        """
        return max(self._pace.progress(step), self._loader.done)

    def train(self, *, until: int | None = None) -> None:
        """Run steps until the phase is over, then save.

        Before the step `until` it saves and stops, and the phase is not over: a copy of its
        checkpoint can go on with another schedule. Raises `Interrupted`, after saving, if the user
        stops it.
        """
        phase, position = self._phase, self.position
        begun = 100 * self._progress(position.step)
        self._replanned = _passed(self._progress(position.step), REPLAN_AT)
        if phase.review:
            self._num_reviewed = _passed(self._progress(position.step), phase.review.at)
        with stop_flag() as stopped, progress(phase.name, 100, begun=begun) as task:
            if position.step:
                self._validate_when_due()
            while True:
                over, share = self._ranks.numbers(self.is_over, self._progress(position.step))
                if position.step == until:
                    self.save()
                    return
                if over:
                    break
                if self._callback_is_due(share):
                    self._run_callback(stopped)
                    self._stop_if(stopped)
                    continue  # under a clock, the callback took time from the phase
                batch = self._one_step(share)
                self._show(task, share)
                self._replan_when_due(share)
                self._review_when_due(share, batch)
                stop, save = self._ranks.numbers(stopped(), self._save_is_due())
                if stop:
                    self._stop()
                if save:
                    self.save()
                self._validate_when_due()
            self._stop_if(stopped)  # while the last step was saved or validated
        self._finish()

    def _one_step(self, share: float) -> Batch:
        """Take the step at this share of the phase, count what it did, and return its batch."""
        began, position = time.monotonic(), self.position
        batch, rate = self._loader.batch(share), learning_rate(self._phase.schedule, share)
        limit = largest_norm(
            position.norms, self._config.spike_factor, in_a_row=position.spikes_in_a_row
        )
        position.consumed = self._loader.consumed
        result = self._step(batch, rate, largest_norm=limit, meanwhile=self._prefetch)
        position.step += 1
        position.tokens += batch.num_tokens
        self._count(result, batch)
        if share >= 1 - self._config.averaging and self._config.averaging:
            self._average.add()
            position.averaged = self._average.count
        if position.step % self._config.log_every_steps == 0:
            norm = result.gradient_norm if math.isfinite(result.gradient_norm) else None
            self._log(share, learning_rate=rate, gradient_norm=norm)
        seconds, smoothed = time.monotonic() - began, self._step_seconds
        self._step_seconds = 0.9 * smoothed + 0.1 * seconds if smoothed else seconds
        self._num_measured += 1
        return batch

    def _replan_when_due(self, share: float) -> None:
        """Plan the end of the phase again, once it has come to one of `REPLAN_AT`."""
        passed, replan = _passed(share, REPLAN_AT), self._phase.replan
        if replan and passed > self._replanned and self._num_measured >= STEPS_MEASURED:
            self._replanned, self._pace = passed, replan(share, self._step_seconds)

    def _review_when_due(self, share: float, batch: Batch) -> None:
        """Review how the phase computes, once it has come to the next of the review's marks."""
        review = self._phase.review
        if review is None or _passed(share, review.at) <= self._num_reviewed:
            return
        began, self._num_reviewed = time.monotonic(), _passed(share, review.at)
        # Factors of both signs nearly cancel the gradient, so rounding would weigh too much.
        message = review.run(replace(batch, factors=None))
        if message is not None:
            say(f"  {message}")
            self._event(review.name, message)
        self._logged_at += time.monotonic() - began

    def _prefetch(self) -> None:
        """Make the next batch while the device is busy.

        Under a clock its mixture is that of a moment before its step.
        """
        step = self.position.step + 1
        over, share = self._ranks.numbers(self._ends_before(step), self._progress(step))
        if not over and share < self._phase.live_from:
            self._loader.prefetch(share)

    def _count(self, result: StepResult, batch: Batch) -> None:
        """Record a step that was applied, or why it was skipped."""
        position = self.position
        if result.applied:
            if position.spikes_in_a_row >= SPIKES_IN_A_ROW:  # the new normal
                position.norms = []
            position.skipped_in_a_row = position.spikes_in_a_row = 0
            position.norms = [*position.norms[1 - SPIKE_WINDOW :], result.gradient_norm]
            if batch.reward is None:
                position.loss_sum += result.loss
                position.loss_count += 1
            else:
                position.reward_sum += batch.reward
                position.reward_count += 1
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
        """Write the mean loss, and reward, since the last line; `step` says more about the last
        step."""
        position, now = self.position, time.monotonic()
        rate = (position.tokens - self._logged_tokens) / max(now - self._logged_at, 1e-9)
        said = {
            "progress": round(share, 6),
            "tokens": position.tokens,
            **step,
            "tokens_per_second": round(rate, 1),
        }
        if position.loss_count:
            loss = position.loss_sum / position.loss_count
            self._write("train", loss=loss, **said, consumed=position.consumed)
        if position.reward_count:
            self._write("reward", reward=position.reward_sum / position.reward_count, **said)
        if position.loss_count or position.reward_count:
            self._logged_at, self._logged_tokens = now, position.tokens
            position.loss_sum, position.loss_count = 0.0, 0
            position.reward_sum, position.reward_count = 0.0, 0

    def _show(self, task: Task, share: float) -> None:
        position = self.position
        rate = position.tokens / position.step / max(self._step_seconds, 1e-9)
        notes = [f"{format_count(rate)} tokens/s", f"step {position.step:,}"]
        if position.loss_count:
            notes.insert(0, f"loss {position.loss_sum / position.loss_count:.3f}")
        if position.reward_count:
            notes.insert(0, f"reward {position.reward_sum / position.reward_count:.3f}")
        task.update(100 * share, note=" · ".join(notes))

    def _validate_when_due(self) -> None:
        """Measure held-out loss at evenly spaced points of the phase.

        Its end is left to the final scores.
        """
        count, position = self._config.validations, self.position
        share, afforded = self._ranks.numbers(
            self._progress(position.step),
            self._pace.affords(self._validation_seconds, self._last_validation_seconds),
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
        return callback is not None and self.position.turned < _passed(share, callback.at)

    def _run_callback(self, stopped: Callable[[], bool]) -> None:
        """Run the callback, saving before it, since it may take long, and after it."""
        callback, position, began = self._phase.callback, self.position, time.monotonic()
        assert callback is not None
        self.save()
        self._loader.discard()
        message = callback.run(position.turned, lambda: self._progress(position.step), stopped)
        if message is not None:
            position.turned, self._saved_step = position.turned + 1, -1
            self._event(callback.name, message)
            self.save()
        self._logged_at += time.monotonic() - began

    def _save_is_due(self) -> bool:
        steps = self._config.checkpoint_steps
        seconds = max(self._config.checkpoint_seconds, self._save_seconds / SAVING_SHARE)
        late = time.monotonic() - self._saved_at >= seconds
        return late or bool(steps and self.position.step % steps == 0)

    def save(self) -> None:
        """Write a checkpoint of this step, unless it exists."""
        if self.position.step != self._saved_step:
            began = time.monotonic()
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
            self._save_seconds = time.monotonic() - began
        self._saved_at = time.monotonic()
        self._clock.beat()

    def resume(self) -> bool:
        """Continue from the newest checkpoint of this phase; return whether there was one."""
        checkpoint = load_newest(self._folder, self._phase.name, ranks=self._ranks)
        if checkpoint is None:
            self._metrics.drop_phase(self._phase.name)
            return False
        with state_errors(self._folder, self._phase.name):
            self._restore(checkpoint)
        self._saved_step, self._logged_tokens = self.position.step, self.position.tokens
        say(f"resuming {self._phase.name} at step {self.position.step:,}")
        if not self.position.finished:
            self._event(
                "resumed",
                f"training was interrupted and resumed from step {self.position.step:,}",
            )
        return True

    def _restore(self, checkpoint: Checkpoint) -> None:
        self._metrics.truncate(checkpoint.state["metrics_bytes"])
        load_trained(self._step.model, checkpoint.model)
        load_optimizer_tensors(self._step.model, self._step.optimizer, checkpoint.optimizer)
        self._step.scaler.load_state_dict(checkpoint.state["scaler"])
        self.position = Position.from_json(checkpoint.state.get("position"))
        if self.position.turned and self._phase.callback:
            self._phase.callback.repeat(self.position.turned)
        self._loader.restore(checkpoint.state["cursor"])
        self._average.restore(checkpoint.average, self.position.averaged)

    def _finish(self) -> None:
        """Log the last steps, take the averaged weights, and save."""
        position, callback, name = self.position, self._phase.callback, self._phase.name
        if position.loss_count or position.reward_count:
            self._log(1.0)
            self._saved_step = -1
        if self._average.count:
            self._average.put()
        if not position.finished:
            position.finished, self._saved_step = True, -1
        if callback and position.turned < len(callback.at):
            warn(
                f"{callback.name} was skipped: no step of {name} began at "
                f"{callback.at[position.turned]:.0%} or later"
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


def _passed(share: float, marks: tuple[float, ...]) -> int:
    """Return how many of the marks a progress has come to."""
    return sum(share >= mark for mark in marks)
