"""Trials of precision: each one is timed on the real model, and its gradient is checked.

Before training the loss is near ln V for any weights, so rounding hardly shows. That is why
products in 8 bits are judged again while the model trains.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from corpus.data.batch import Batch
from corpus.model.low_precision import compute_in
from corpus.model.transformer import Transformer
from corpus.runtime.runtime import Runtime, allow_tf32, supported_precisions
from corpus.train.step import (
    CompiledBackbone,
    OutOfMemory,
    eager_backbone,
    memory_errors,
    pass_seconds,
    sum_loss,
)

LARGEST_LOSS_ERROR = 0.01
"""Nats per target by which a precision may change the loss."""

SMALLEST_COSINE = 0.99
"""Smallest cosine between the gradients in a precision and in fp32, over all weights. Below it, a
step goes in another direction."""

WORTHWHILE = 1.05
"""How many times as fast a coarser precision must be than a finer one that is also accurate."""


EIGHT_BITS = ("int8", "fp8")
"""Precisions that are judged again while the model trains. 16 bits are not: their error is known,
and near the end it is small beside that of a batch."""


@dataclass(frozen=True, kw_only=True)
class PrecisionTrial:
    """The result of a trial of one precision."""

    precision: str
    seconds: float | None
    """Of a forward and backward pass; None if it was not timed."""
    loss_error: float | None = None
    """Nats per target, against fp32."""
    cosine: float | None = None
    """Of the gradient, against fp32."""
    verdict: str = ""
    """`accurate`, or why it cannot be chosen."""

    @property
    def is_accurate(self) -> bool:
        """Whether it may be chosen."""
        return self.verdict == "accurate"

    def record(self) -> dict[str, Any]:
        """Return the trial, JSON-ready."""
        return {
            name: round(value, 6) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def try_precisions(
    model: Transformer,
    runtime: Runtime,
    batch: Batch,
    *,
    compiled: bool,
    enough: Callable[[], bool] = lambda: False,
) -> list[PrecisionTrial]:
    """Try every precision of the device, the finest first. The weights are not changed.

    Args:
        model: as it will be trained.
        runtime: the device.
        batch: a micro-batch; times are of all of it, accuracy is that of its first sequence.
        compiled: time the compiled passes, as a GPU will run them; that takes longer.
        enough: once true, no further precision is tried.

    Raises `OutOfMemory` if the batch does not fit; any other error is the precision's verdict.
    """
    reference: tuple[float, list[Tensor]] | None = None
    trials = []
    for precision, reason in supported_precisions(runtime.device):
        if reference and not reason and enough():
            reason = "the budget leaves no time for its trial"
        if reason:
            trials.append(PrecisionTrial(precision=precision, seconds=None, verdict=reason))
            continue
        own = replace(runtime, precision=precision)
        allow_tf32(own)
        try:
            compute_in(model, precision)
            loss, gradient = _loss_and_gradient(model, own, batch.split(1)[0])
            reference = reference or (loss, gradient)
            seconds = _seconds(model, own, batch, compiled=compiled)
            trials.append(_judge(precision, seconds, loss, gradient, reference))
        except OutOfMemory:
            raise
        except Exception as error:  # compilers and kernels fail in many ways
            first_line = next(iter(str(error).strip().splitlines()), "")
            why = f"{type(error).__name__}: {first_line[:200]}"
            trials.append(PrecisionTrial(precision=precision, seconds=None, verdict=why))
        finally:
            compute_in(model, "fp32")
            model.zero_grad(set_to_none=True)
            allow_tf32(runtime)
    return trials


def review(model: Transformer, runtime: Runtime, batch: Batch) -> tuple[PrecisionTrial, str]:
    """Judge the runtime's precision on the first sequence of a batch, as the weights are now.

    Also return the precision to fall back to: the coarsest of more than 8 bits that the device has.
    Neither weights nor layers are changed. Raises `OutOfMemory`.
    """

    def compute(precision: str) -> tuple[float, list[Tensor]]:
        own = replace(runtime, precision=precision)
        allow_tf32(own)
        compute_in(model, precision)
        return _loss_and_gradient(model, own, batch.split(1)[0])

    try:
        reference = compute("fp32")
        loss, gradient = compute(runtime.precision)
    finally:
        compute_in(model, runtime.precision)
        model.zero_grad(set_to_none=True)
        allow_tf32(runtime)
    trial = _judge(runtime.precision, None, loss, gradient, reference)
    usable = [name for name, reason in supported_precisions(runtime.device) if not reason]
    return trial, [name for name in usable if name not in EIGHT_BITS][-1]


def _seconds(model: Transformer, runtime: Runtime, batch: Batch, *, compiled: bool) -> float | None:
    """Return the seconds of a pass.

    On a GPU fp32 is only a reference: it needs twice the memory and is never the fastest.
    """
    if runtime.precision == "fp32" and runtime.device.type == "cuda":
        return None
    if compiled:
        torch._dynamo.reset()  # it keeps a limited number of graphs of the same code
    backbone = CompiledBackbone(model) if compiled else eager_backbone(model)
    return pass_seconds(model, backbone, runtime, batch)


def fastest(trials: list[PrecisionTrial]) -> str:
    """Return the fastest accurate precision, or a finer one that is nearly as fast."""
    best: PrecisionTrial | None = None
    for trial in trials:
        if not trial.is_accurate or trial.seconds is None:
            continue
        if best is None or best.seconds is None or best.seconds > WORTHWHILE * trial.seconds:
            best = trial
    return best.precision if best else "fp32"


def table(trials: list[PrecisionTrial]) -> list[str]:
    """Return the trials as lines of text."""
    lines = []
    for trial in trials:
        if trial.seconds is None:
            why = "the reference" if trial.is_accurate else trial.verdict
            lines.append(f"{trial.precision:5s} not timed: {why}")
        else:
            lines.append(
                f"{trial.precision:5s} {1000 * trial.seconds:8.1f} ms a pass, "
                f"loss {trial.loss_error:+.4f}, gradient {trial.cosine:.5f}, {trial.verdict}"
            )
    return lines


def _loss_and_gradient(
    model: Transformer, runtime: Runtime, batch: Batch
) -> tuple[float, list[Tensor]]:
    """Return the loss in nats per target, and the gradient on the CPU.

    In fp16, which has no small numbers, the loss is scaled up before the backward pass.
    """
    model.zero_grad(set_to_none=True)
    batch, scale = batch.to(runtime.device), 1024.0 if runtime.precision == "fp16" else 1.0
    with memory_errors(batch.tokens.shape[1]):
        with runtime.autocast():
            loss = sum_loss(model, eager_backbone(model), batch) / max(batch.num_targets, 1)
        (loss * scale).backward()
    gradient = [p.grad.detach().float().cpu() for p in model.parameters() if p.grad is not None]
    return float(loss.detach()), gradient


def _judge(
    precision: str,
    seconds: float | None,
    loss: float,
    gradient: list[Tensor],
    reference: tuple[float, list[Tensor]],
) -> PrecisionTrial:
    error, cosine = loss - reference[0], _cosine(gradient, reference[1])
    verdict = "accurate"
    if not abs(error) <= LARGEST_LOSS_ERROR:
        verdict = f"its loss is off by more than {LARGEST_LOSS_ERROR}"
    elif not cosine >= SMALLEST_COSINE:
        verdict = f"its gradient's cosine is below {SMALLEST_COSINE}"
    return PrecisionTrial(
        precision=precision, seconds=seconds, loss_error=error, cosine=cosine, verdict=verdict
    )


def _cosine(a: list[Tensor], b: list[Tensor]) -> float:
    """Return the cosine of two gradients, summed in double: fp32 is off in the fourth digit."""

    def product(x: list[Tensor], y: list[Tensor]) -> float:
        return sum(float(p.flatten().double() @ q.flatten().double()) for p, q in zip(x, y))

    return product(a, b) / math.sqrt(max(product(a, a) * product(b, b), 1e-300))
