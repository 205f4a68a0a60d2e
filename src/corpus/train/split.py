"""How a budget is divided between pre-training and fine-tuning."""

from collections.abc import Callable
from dataclasses import dataclass

from corpus.base.units import Budget
from corpus.config.model import ModelConfig
from corpus.train.budget import Pace, StepPace

STEP_OVERHEAD = 1.15
"""A whole step against its forward and backward pass alone."""

SAVE_BYTES_PER_SECOND = 200e6
"""A cautious guess at how fast the last checkpoint and the weights are written; the clock keeps that much time back."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """The paces of both phases."""

    pretrain: Callable[[], Pace]
    """Returns the pace of pre-training; called when the phase begins."""
    finetune: Callable[[], Pace]
    """Returns the pace of fine-tuning; called when the phase begins."""


def split_steps(budget: Budget, *, batch_tokens: int, share: float, finetune_batches: int) -> Split:
    """Divide a budget of steps or tokens: fine-tuning gets its share, at most `finetune_batches`, and pre-training the rest, where there is any."""
    total = max(1, int(budget.amount // (1 if budget.kind == "steps" else batch_tokens)))
    finetune = min(round(total * share), finetune_batches)
    return Split(
        pretrain=lambda: StepPace(num_steps=0 if share == 1 else total - finetune),
        finetune=lambda: StepPace(num_steps=finetune),
    )


def saving_seconds(shape: ModelConfig) -> float:
    """Return what a clock keeps back at its end: the time to write the last checkpoint and the weights, 20 bytes a parameter."""
    return 0.25 + 20 * shape.num_parameters / SAVE_BYTES_PER_SECOND
