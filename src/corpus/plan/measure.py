"""How fast this machine trains models of several sizes, with the threads, the precision and the compiler that a run of the same budget would take."""

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from corpus.base.console import warn
from corpus.base.units import Budget
from corpus.config.model import ModelConfig
from corpus.config.runtime import RuntimeConfig
from corpus.config.train import TrainConfig
from corpus.data.batch import Batch
from corpus.model.low_precision import compute_in
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model
from corpus.plan.steps import micro_batch_rows, most_rows, rows_per_batch
from corpus.run.folder import RunFolder
from corpus.runtime.parallelize import checkpoint_activations
from corpus.runtime.runtime import Runtime
from corpus.train.optimizer import build_optimizer
from corpus.train.session import Session
from corpus.train.step import OutOfMemory, TrainStep, compiled_trunk, eager_trunk

FEWEST_TOKENS = 0.1
"""Tokens a parameter below which a shape is too large for the budget, and larger ones are not looked at."""

USUAL_TOKENS = 2.0
"""Tokens a parameter of the shape that threads, precision and compiler are tried on: about what short budgets are best spent on."""

TIMED_STEPS, TIMED_SECONDS = 3, 2.0
"""A shape is timed for so many steps after the first, fewer where they take longer than this together."""

Sample = Callable[[ModelConfig, int], Batch]
"""Returns a batch of so many rows for a shape."""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How fast one shape trains."""

    shape: ModelConfig
    rows: int
    """Rows of a batch."""
    most_rows: int
    """Rows that can be computed at a time; 0 is any number."""
    tokens_per_second: float
    eager_tokens_per_second: float
    """Without the compiler."""
    measured: bool
    """False where only the eager step was timed, and the compiler's gain is the nearest measured shape's."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What was measured."""

    runtime: Runtime
    compiled: bool
    trial_seconds: float
    """What a run's own trials of threads, precision and compiler take of its clock."""
    speeds: tuple[Speed, ...]


class Stopwatch:
    """Times training steps of shapes under one config."""

    def __init__(self, train: TrainConfig, asked: RuntimeConfig, sample: Sample) -> None:
        self._train, self._asked, self._sample = train, asked, sample

    def model(self, shape: ModelConfig, runtime: Runtime) -> Transformer:
        """Return a model as a run would train it."""
        model = build_model(shape, seed=0, device=runtime.device)
        compute_in(model, runtime.precision)
        if self._asked.checkpoint_activations:
            checkpoint_activations(model)
        return model

    def tokens_per_second(
        self, shape: ModelConfig, rows: int, runtime: Runtime, *, compiled: bool
    ) -> tuple[float, int]:
        """Return the rate, and how many rows can be computed at a time. No more than that are timed.

        Raises `OutOfMemory` where a single row does not fit.
        """
        torch._dynamo.reset()  # every shape is other code to the compiler, which keeps a few
        most = most_rows(self._train.micro_batch_rows, shape, runtime.device.type)
        rows = micro_batch_rows(most, rows) or rows
        model = self.model(shape, runtime)
        step = TrainStep(
            model,
            build_optimizer(model, self._train.optimizer),
            runtime,
            trunk=compiled_trunk(model) if compiled else eager_trunk(model),
            clip_norm=self._train.optimizer.clip_norm,
        )
        batch, seconds = self._sample(shape, rows), []
        while len(seconds) <= TIMED_STEPS and sum(seconds[1:]) < TIMED_SECONDS:
            start = time.perf_counter()
            step(batch, 1e-6)
            runtime.synchronize()
            seconds.append(time.perf_counter() - start)
        return batch.tokens.numel() / statistics.median(seconds[1:]), step.micro_batch_rows or most


def measure(
    shapes: Sequence[ModelConfig],
    *,
    budget: Budget,
    train: TrainConfig,
    runtime: RuntimeConfig,
    sample: Sample,
    training_seconds: float,
    enough_seconds: float,
) -> Machine:
    """Time the shapes that the budget is long enough for.

    Args:
        shapes: from small to large.
        budget: the run's; how long a run tries things depends on it.
        train: batch and optimizer.
        runtime: what was asked for.
        sample: gives batches.
        training_seconds: about how long pre-training has, to tell which shapes come into question.
        enough_seconds: after so long no further shape is compiled.

    Raises `OutOfMemory` where not even the smallest shape fits.
    """
    began, watch = time.monotonic(), Stopwatch(train, runtime, sample)
    with tempfile.TemporaryDirectory() as path:
        session = Session(
            RunFolder(Path(path)),
            budget=budget,
            batch_tokens=train.rows_per_batch * shapes[0].context_length,
            config=train,
            runtime=runtime,
            resume_hint="",
        )
        with session:
            rough = _eager(
                watch, shapes, session.runtime, lambda shape: train.rows_per_batch, training_seconds
            )
            typical = min(
                rough,
                key=lambda speed: abs(
                    math.log(_tokens_each(speed, training_seconds) / USUAL_TOKENS)
                ),
            )
            model = watch.model(typical.shape, session.runtime)
            before, rows = session.clock.seconds, typical.most_rows or train.rows_per_batch
            session.trunk(model, lambda: sample(typical.shape, min(rows, train.rows_per_batch)))
            trial_seconds, chosen, compiled = (
                session.clock.seconds - before,
                session.runtime,
                session.compiled,
            )
    del model
    tokens = {speed.shape: speed.tokens_per_second * training_seconds for speed in rough}
    speeds = _eager(
        watch,
        list(tokens),
        chosen,
        lambda shape: rows_per_batch(shape, tokens[shape]),
        training_seconds,
    )
    if compiled:
        speeds = _compiled(
            watch,
            speeds,
            chosen,
            first=typical.shape,
            enough=lambda: time.monotonic() - began > enough_seconds,
        )
    return Machine(
        runtime=chosen, compiled=compiled, trial_seconds=trial_seconds, speeds=tuple(speeds)
    )


def _tokens_each(speed: Speed, seconds: float) -> float:
    """Tokens a parameter that the time buys."""
    return speed.tokens_per_second * seconds / speed.shape.num_parameters


def _eager(
    watch: Stopwatch,
    shapes: Sequence[ModelConfig],
    runtime: Runtime,
    rows_of: Callable[[ModelConfig], int],
    seconds: float,
) -> list[Speed]:
    """Time shapes from small to large until one is too large for the time or the device."""
    speeds: list[Speed] = []
    for shape in shapes:
        rows = rows_of(shape)
        try:
            rate, most = watch.tokens_per_second(shape, rows, runtime, compiled=False)
        except OutOfMemory:
            if not speeds:
                raise
            break
        speed = Speed(
            shape=shape,
            rows=rows,
            most_rows=most,
            tokens_per_second=rate,
            eager_tokens_per_second=rate,
            measured=True,
        )
        if speeds and _tokens_each(speed, seconds) < FEWEST_TOKENS:
            break
        speeds.append(speed)
    return speeds


def _gain(watch: Stopwatch, speed: Speed, runtime: Runtime) -> float:
    """Return how many times as fast the compiled step is. Where it does not work, for whatever reason, a run falls back to eager: 1."""
    try:
        return (
            watch.tokens_per_second(speed.shape, speed.rows, runtime, compiled=True)[0]
            / speed.eager_tokens_per_second
        )
    except Exception as error:  # compilers fail in many ways
        first_line = next(iter(str(error).strip().splitlines()), "")
        warn(
            f"{speed.shape.num_layers} layers of dim {speed.shape.dim} do not compile ({type(error).__name__}: {first_line[:160]})"
        )
        return 1.0


def _compiled(
    watch: Stopwatch,
    eager: Sequence[Speed],
    runtime: Runtime,
    *,
    first: ModelConfig,
    enough: Callable[[], bool],
) -> list[Speed]:
    """Time the compiled step, from the shape that was tried outwards; what there is no time for takes the gain of its nearest neighbour."""
    start = next(
        (index for index, speed in enumerate(eager) if speed.shape == first), len(eager) - 1
    )
    gains: dict[int, float] = {}
    for index in sorted(range(len(eager)), key=lambda index: abs(index - start)):
        speed = eager[index]
        if not gains or not enough():
            gains[index] = _gain(watch, speed, runtime)
    nearest = [min(gains, key=lambda known: abs(known - index)) for index in range(len(eager))]
    return [
        replace(
            speed,
            tokens_per_second=speed.tokens_per_second * gains[nearest[index]],
            measured=index in gains,
        )
        for index, speed in enumerate(eager)
    ]
