"""How fast this machine trains models of several sizes.

With the threads, the precision and the compiler that a run of the same budget would choose.
"""

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
from corpus.plan.sizes import best_batch_size, fitting_micro_batch, largest_micro_batch
from corpus.run.folder import RunFolder
from corpus.runtime.parallelize import checkpoint_activations
from corpus.runtime.runtime import Runtime
from corpus.train.optimizer import build_optimizer
from corpus.train.session import Session
from corpus.train.step import CompiledBackbone, OutOfMemory, TrainStep, eager_backbone

FEWEST_TOKENS = 0.1
"""Tokens per parameter below which a shape is too large for the budget, and larger ones too."""

USUAL_TOKENS = 2.0
"""Tokens per parameter of the shape that threads, precision and compiler are tried on: about the
best of short budgets."""

TIMED_STEPS, TIMED_SECONDS = 3, 2.0
"""A shape is timed for this many steps after the first, or for this many seconds."""

Sample = Callable[[ModelConfig, int], Batch]
"""Returns a batch of the given number of sequences for a shape."""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How fast one shape trains."""

    shape: ModelConfig
    batch_size: int
    largest_micro_batch: int
    """Sequences that can be computed at a time; 0 is any number."""
    tokens_per_second: float
    eager_tokens_per_second: float
    """Without the compiler."""
    measured: bool
    """False if only the eager step was timed, and the gain is the nearest shape's."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """How this machine computes, and the speeds that were measured."""

    runtime: Runtime
    compiled: bool
    trial_seconds: float
    """Time of a run's own trials of threads, precision and compiler."""
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
        self, shape: ModelConfig, batch_size: int, runtime: Runtime, *, compiled: bool
    ) -> tuple[float, int]:
        """Return the rate of a micro-batch, and the largest micro-batch.

        Raises `OutOfMemory` if a single sequence does not fit.
        """
        torch._dynamo.reset()  # the compiler keeps code for a limited number of shapes
        largest = largest_micro_batch(self._train.micro_batch_sequences, shape, runtime.device.type)
        size = fitting_micro_batch(largest, batch_size) or batch_size
        model = self.model(shape, runtime)
        step = TrainStep(
            model,
            build_optimizer(model, self._train.optimizer),
            runtime,
            backbone=CompiledBackbone(model) if compiled else eager_backbone(model),
            clip_norm=self._train.optimizer.clip_norm,
        )
        batch, seconds = self._sample(shape, size), []
        while len(seconds) <= TIMED_STEPS and sum(seconds[1:]) < TIMED_SECONDS:
            start = time.perf_counter()
            step(batch, 1e-6)
            runtime.synchronize()
            seconds.append(time.perf_counter() - start)
        return batch.tokens.numel() / statistics.median(seconds[1:]), step.micro_batch or largest


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
        budget: the run's, which decides how long its trials take.
        train: batch and optimizer.
        runtime: what was asked for.
        sample: returns batches.
        training_seconds: about the time of pre-training, which decides on the shapes to time.
        enough_seconds: after this time no further shape is compiled.

    Raises `OutOfMemory` if not even the smallest shape fits.
    """
    began, watch = time.monotonic(), Stopwatch(train, runtime, sample)
    with tempfile.TemporaryDirectory() as path:
        session = Session(
            RunFolder(Path(path)),
            budget=budget,
            batch_tokens=train.sequences_per_batch * shapes[0].context_length,
            config=train,
            runtime=runtime,
            resume_hint="",
        )
        with session:
            rough = _eager(
                watch,
                shapes,
                session.runtime,
                lambda shape: train.sequences_per_batch,
                training_seconds,
            )
            typical = min(
                rough,
                key=lambda speed: abs(
                    math.log(_tokens_each(speed, training_seconds) / USUAL_TOKENS)
                ),
            )
            model = watch.model(typical.shape, session.runtime)
            before = session.clock.seconds
            size = typical.largest_micro_batch or train.sequences_per_batch
            session.autotuner.backbone(
                model, lambda: sample(typical.shape, min(size, train.sequences_per_batch))
            )
            trial_seconds = session.clock.seconds - before
            chosen, compiled = session.runtime, session.autotuner.compiled
    del model
    tokens = {speed.shape: speed.tokens_per_second * training_seconds for speed in rough}
    speeds = _eager(
        watch,
        list(tokens),
        chosen,
        lambda shape: best_batch_size(shape, tokens[shape]),
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
    """Return the tokens per parameter that the time buys."""
    return speed.tokens_per_second * seconds / speed.shape.num_parameters


def _eager(
    watch: Stopwatch,
    shapes: Sequence[ModelConfig],
    runtime: Runtime,
    batch_size: Callable[[ModelConfig], int],
    seconds: float,
) -> list[Speed]:
    """Time shapes from small to large until one is too large for the time or the device."""
    speeds: list[Speed] = []
    for shape in shapes:
        size = batch_size(shape)
        try:
            rate, largest = watch.tokens_per_second(shape, size, runtime, compiled=False)
        except OutOfMemory:
            if not speeds:
                raise
            break
        speed = Speed(
            shape=shape,
            batch_size=size,
            largest_micro_batch=largest,
            tokens_per_second=rate,
            eager_tokens_per_second=rate,
            measured=True,
        )
        if speeds and _tokens_each(speed, seconds) < FEWEST_TOKENS:
            break
        speeds.append(speed)
    return speeds


def _gain(watch: Stopwatch, speed: Speed, runtime: Runtime) -> float:
    """Return how many times as fast the compiled step is; 1 where it does not work."""
    try:
        rate, _ = watch.tokens_per_second(speed.shape, speed.batch_size, runtime, compiled=True)
        return rate / speed.eager_tokens_per_second
    except Exception as error:  # compilers fail in many ways; each means: train eager
        first_line = next(iter(str(error).strip().splitlines()), "")
        warn(
            f"{speed.shape.num_layers} layers of dim {speed.shape.dim} do not compile "
            f"({type(error).__name__}: {first_line[:160]})"
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
    """Time the compiled step, from the `first` shape outwards.

    A shape there is no time for takes the gain of its nearest neighbour.
    """
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
