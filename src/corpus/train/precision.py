"""The precision by measurement: each that the device has is timed on the real model, and what it does to the gradient is looked at."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from corpus.base.errors import ConfigError, DeviceError
from corpus.data.batch import Batch
from corpus.model.reduced import compute_in
from corpus.model.transformer import Transformer
from corpus.runtime.runtime import Runtime, supported_precisions
from corpus.train.step import compiled_trunk, eager_trunk, pass_seconds, sum_loss

LARGEST_LOSS_ERROR = 0.01
"""Nats per target by which a precision may change the loss of a batch."""

SMALLEST_COSINE = 0.99
"""Between the gradient in a precision and in fp32, over all weights: below this the direction of a step is another one."""

WORTHWHILE = 1.05
"""How many times as fast a coarser precision must be than a finer one that is accurate too."""


@dataclass(frozen=True, kw_only=True)
class PrecisionTrial:
    """What a trial of one precision found."""

    precision: str
    seconds: float | None
    """Of a forward and backward pass; None where it was not timed."""
    loss_error: float | None = None
    """Nats per target, against fp32."""
    cosine: float | None = None
    """Of the gradient, against fp32."""
    verdict: str = ""
    """`accurate`, or why it is no candidate."""

    @property
    def is_accurate(self) -> bool:
        """Whether it may be chosen."""
        return self.verdict == "accurate"

    def row(self) -> dict[str, Any]:
        """Return the trial as a line of the recorded table."""
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(self).items()}


def try_precisions(model: Transformer, runtime: Runtime, batch: Batch, *, compiled: bool) -> list[PrecisionTrial]:
    """Try every precision of the device, the finest first. The weights are not changed.

    `compiled` times the compiled passes, as a GPU will run them; it takes longer.
    """
    reference: tuple[float, Tensor] | None = None
    trials = []
    for precision, reason in supported_precisions(runtime.device):
        if reason:
            trials.append(PrecisionTrial(precision=precision, seconds=None, verdict=reason))
            continue
        try:
            compute_in(model, precision)
            own = replace(runtime, precision=precision)
            loss, gradient = _loss_and_gradient(model, own, batch)
            reference = reference or (loss, gradient)
            trunk = compiled_trunk(model) if compiled else eager_trunk(model)
            trials.append(_judge(precision, pass_seconds(model, trunk, own, batch), loss, gradient, reference))
        except (ConfigError, DeviceError) as error:
            trials.append(PrecisionTrial(precision=precision, seconds=None, verdict=str(error).splitlines()[0]))
        finally:
            compute_in(model, "fp32")
            model.zero_grad(set_to_none=True)
    return trials


def fastest(trials: list[PrecisionTrial]) -> str:
    """Return the precision to take: the fastest accurate one, a finer one where it is nearly as fast."""
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
            lines.append(f"{trial.precision:5s} not tried: {trial.verdict}")
        else:
            lines.append(
                f"{trial.precision:5s} {1000 * trial.seconds:8.1f} ms a pass, loss {trial.loss_error:+.4f}, gradient {trial.cosine:.5f}, "
                f"{trial.verdict}"
            )
    return lines


def _loss_and_gradient(model: Transformer, runtime: Runtime, batch: Batch) -> tuple[float, Tensor]:
    model.zero_grad(set_to_none=True)
    placed = batch.to(runtime.device)
    with runtime.autocast():
        loss = sum_loss(model, eager_trunk(model), placed) / max(placed.num_targets, 1)
    loss.backward()
    gradient = torch.cat([p.grad.detach().float().flatten() for p in model.parameters() if p.grad is not None])
    return float(loss.detach()), gradient


def _judge(precision: str, seconds: float, loss: float, gradient: Tensor, reference: tuple[float, Tensor]) -> PrecisionTrial:
    error = loss - reference[0]
    a, b = gradient.double(), reference[1].double()  # millions of squares: their sum in fp32 is off in the fourth place
    cosine = float(a @ b / (a.norm() * b.norm()))
    verdict = "accurate"
    if not abs(error) <= LARGEST_LOSS_ERROR:
        verdict = f"its loss is off by more than {LARGEST_LOSS_ERROR}"
    elif not cosine >= SMALLEST_COSINE:
        verdict = f"its gradient's cosine is below {SMALLEST_COSINE}"
    return PrecisionTrial(precision=precision, seconds=seconds, loss_error=error, cosine=cosine, verdict=verdict)
