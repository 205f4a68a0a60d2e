"""Settings of training: batch, optimizer, schedule, logging, validation and checkpoints."""

from dataclasses import dataclass, field
from typing import Literal

from corpus.config.checks import expect


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """The learning rate as a function of progress 0…1 through a phase."""

    learning_rate: float = 5e-3
    """Peak learning rate. 5e-3 suits Muon and a few million parameters.
    Larger models need less, and so does AdamW (2e-3)."""

    warmup: float = 0.02
    """Share of the phase over which the rate rises from 0 to its peak, 0…1."""

    decay: Literal["stable", "cosine", "linear"] = "stable"
    """How the rate falls. cosine and linear: from the end of the warmup.
    stable: over the last decay_share. It had the lowest loss (docs/experiments/optimizers.csv)."""

    decay_share: float = 0.3
    """stable only: share at the end of the phase in which the rate falls, 0…1."""

    floor: float = 0.0
    """Final learning rate, as a share of the peak, 0…1."""

    def __post_init__(self) -> None:
        rate = self.learning_rate
        # `not … <=` lets nan pass: `check_finite` reports it with the name of the group.
        expect(not rate <= 0, "learning_rate", rate, "a positive number, such as 1e-3")
        for name in ("warmup", "decay_share", "floor"):
            share = getattr(self, name)
            expect(0 <= share <= 1, name, share, "a share between 0 and 1")


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """The optimizer."""

    name: Literal["muon", "adamw"] = "muon"
    """muon: Muon for the blocks' matrices, AdamW for the rest (Jordan et al. 2024).
    It has a lower loss for the same tokens and the same time (docs/experiments/optimizers.csv).
    adamw: AdamW for all weights (Loshchilov & Hutter 2019, arXiv:1711.05101)."""

    momentum: float = 0.95
    """muon only: decay of its momentum, from 0 to below 1."""

    weight_decay: float = 0.1
    """Weight decay of matrices; norms have none."""

    beta1: float = 0.9
    """Decay of the first moment of AdamW, from 0 to below 1."""

    beta2: float = 0.95
    """Decay of the second moment of AdamW, from 0 to below 1. 0.95 suits short runs."""

    clip_norm: float = 1.0
    """Largest gradient norm; larger gradients are scaled down to it."""

    def __post_init__(self) -> None:
        where, decay, norm = "train.optimizer", self.weight_decay, self.clip_norm
        expect(self.name in ("adamw", "muon"), f"{where}.name", self.name, "'adamw' or 'muon'")
        is_valid = not decay < 0
        expect(
            is_valid, f"{where}.weight_decay", decay, "0 (none) or a positive number, such as 0.1"
        )
        for name in ("beta1", "beta2", "momentum"):
            value = getattr(self, name)
            expected = "a number from 0 to below 1, such as 0.9"
            expect(0 <= value < 1, f"{where}.{name}", value, expected)
        expect(norm > 0, f"{where}.clip_norm", norm, "a positive number, such as 1.0")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Pre-training, and what both phases share."""

    sequences_per_batch: int = 16
    """Sequences of context_length tokens in one optimizer step."""

    micro_batch_sequences: int = 0
    """Sequences computed at a time; gradients are accumulated. 0: the whole batch."""

    finetune_share: float = 0.2
    """Share of the budget for fine-tuning, 0…1; the rest is for pre-training.
    1.0 skips pre-training, 0.0 skips fine-tuning."""

    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    """Learning rate of pre-training."""

    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    """Optimizer of both phases."""

    averaging: float = 0.0
    """Share at the end of each phase whose weights are averaged, 0…1. 0 keeps the last weights.
    It replaces a falling rate, for decay stable (Hägele et al. 2024, arXiv:2405.18392, sec. 4)."""

    log_every_steps: int = 10
    """Steps between two lines of metrics."""

    validations: int = 8
    """Validations per phase, evenly spaced; 0 turns them off.
    With a time budget they stop once they take a tenth of the phase."""

    validation_tokens: int = 8_192
    """Held-out tokens per source in each validation. The final scores use all of them."""

    checkpoint_seconds: float = 60.0
    """Seconds between checkpoints: the most time that a crash can cost.
    Where saving takes more than a twentieth of that, they are further apart."""

    checkpoint_steps: int = 0
    """Steps between checkpoints, in addition to checkpoint_seconds. 0: only by seconds."""

    max_skipped_steps: int = 20
    """Consecutive steps with a loss or gradient that is not finite before training stops."""

    spike_factor: float = 20.0
    """Skip a step if its gradient norm is this many times the median of the last 64; 0 never skips.
    After three in a row such norms are accepted."""

    def __post_init__(self) -> None:
        batch, micro = self.sequences_per_batch, self.micro_batch_sequences
        expect(batch >= 1, "train.sequences_per_batch", batch, "1 or more")
        divides = micro >= 0 and (not micro or batch % micro == 0)
        expected = f"0 or a number that divides train.sequences_per_batch ({batch})"
        expect(divides, "train.micro_batch_sequences", micro, expected)
        for name in ("finetune_share", "averaging"):
            share = getattr(self, name)
            expect(0 <= share <= 1, f"train.{name}", share, "a share between 0 and 1")
        for name in ("log_every_steps", "max_skipped_steps", "validation_tokens"):
            expect(getattr(self, name) >= 1, f"train.{name}", getattr(self, name), "1 or more")
        for name in ("checkpoint_steps", "validations"):
            expect(getattr(self, name) >= 0, f"train.{name}", getattr(self, name), "0 or more")
        factor, seconds = self.spike_factor, self.checkpoint_seconds
        expect(
            not factor or factor > 1, "train.spike_factor", factor, "more than 1, or 0 for never"
        )
        expect(seconds > 0, "train.checkpoint_seconds", seconds, "a positive number of seconds")
