"""Trials of threads and of the compiler, on the model itself. The weights are not changed."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from corpus.base.errors import DeviceError
from corpus.data.batch import Batch
from corpus.model.transformer import Transformer
from corpus.runtime.runtime import Runtime
from corpus.train.step import CompiledBackbone, eager_backbone, pass_seconds

THREAD_ROUNDS = 3
"""How often each number of threads is tried, in turn: a moment in which the machine was busy should
not slow the whole run."""


@dataclass(frozen=True, kw_only=True)
class CompileChoice:
    """Whether the model is compiled, and why."""

    compiled: bool
    reason: str
    failed: bool = False
    """True if compiling was tried and did not work."""


def try_threads(
    model: Transformer, runtime: Runtime, batch: Batch, *, enough: Callable[[], bool]
) -> dict[int, float]:
    """Return the seconds of a pass with all threads, half of them and one.

    No further round begins once `enough` returns True.
    """
    most = runtime.num_threads
    seconds = dict.fromkeys(sorted({most, max(1, most // 2), 1}, reverse=True), float("inf"))
    for _ in range(THREAD_ROUNDS):
        for threads, best in seconds.items():
            torch.set_num_threads(threads)
            seconds[threads] = min(best, pass_seconds(model, eager_backbone(model), runtime, batch))
        if enough():
            break
    return seconds


def try_compile(
    model: Transformer, runtime: Runtime, batch: Batch, *, timed: bool
) -> CompileChoice:
    """Try the compiled pass on `batch`; keep it if it works and, where `timed`, is faster.

    The weights are not changed. Without `timed` the choice is the same every time.
    """
    try:
        compiled = pass_seconds(model, CompiledBackbone(model), runtime, batch)
    except DeviceError:
        raise
    except Exception as error:  # compilers fail in many ways; then training is not compiled
        model.zero_grad(set_to_none=True)
        first_line = next(iter(str(error).strip().splitlines()), "")
        why = f"{type(error).__name__}: {first_line[:200]}"
        return CompileChoice(
            compiled=False, reason=f"torch.compile failed, training runs eager ({why})", failed=True
        )
    if not timed:
        return CompileChoice(compiled=True, reason="torch.compile works here")
    eager = pass_seconds(model, eager_backbone(model), runtime, batch)
    model.zero_grad(set_to_none=True)
    ratio = f"{eager / compiled:.2f} times as fast as eager"
    if compiled < eager:
        return CompileChoice(compiled=True, reason=f"torch.compile is {ratio}")
    return CompileChoice(compiled=False, reason=f"torch.compile is {ratio}, training runs eager")
