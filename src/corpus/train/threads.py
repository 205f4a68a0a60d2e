"""The number of threads by measurement: beside other work fewer can be more."""

from collections.abc import Callable

import torch

from corpus.data.batch import Batch
from corpus.model.transformer import Transformer
from corpus.runtime.runtime import Runtime
from corpus.train.step import eager_trunk, pass_seconds

THREAD_ROUNDS = 3
"""How often each number of threads is tried, in turn, so that a moment in which the machine was busy does not slow the whole run."""


def try_threads(
    model: Transformer, runtime: Runtime, batch: Batch, *, enough: Callable[[], bool]
) -> dict[int, float]:
    """Return the seconds of a pass with all threads, half of them and one; no further round begins once `enough` says so."""
    most = runtime.num_threads
    seconds = dict.fromkeys(sorted({most, max(1, most // 2), 1}, reverse=True), float("inf"))
    for _ in range(THREAD_ROUNDS):
        for threads, best in seconds.items():
            torch.set_num_threads(threads)
            seconds[threads] = min(best, pass_seconds(model, eager_trunk(model), runtime, batch))
        if enough():
            break
    return seconds
