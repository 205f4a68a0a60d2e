"""Settings of training: batch, optimizer, schedule, and how often to log, validate and save."""

from dataclasses import dataclass, field
from typing import Literal

from corpus.base.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """The learning rate as a function of progress 0…1 through a phase."""

    learning_rate: float = 5e-3
    """The peak. 5e-3 suits Muon and a few million parameters; larger models want less, and so does AdamW (2e-3)."""

    warmup: float = 0.02
    """Share of the phase over which the rate rises from 0 to its peak."""

    decay: Literal["stable", "cosine", "linear"] = "stable"
    """How the rate falls: `stable` only over the last `decay_share`, linearly, which reached the lowest loss (docs/experiments/optimizers.csv);
    `cosine` and `linear` from the end of the warm-up."""

    decay_share: float = 0.3
    """`stable` only: the last share of the phase, in which the rate falls."""

    floor: float = 0.0
    """The rate at the end, as a share of the peak."""

    def __post_init__(self) -> None:
        if self.learning_rate <= 0:
            raise ConfigError(
                f"learning_rate is {self.learning_rate}; expected a positive number, such as 1e-3"
            )
        for name in ("warmup", "decay_share", "floor"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}; expected a share between 0 and 1"
                )


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """The rule by which gradients move the weights."""

    name: Literal["muon", "adamw"] = "muon"
    """`muon` for the blocks' matrices with AdamW for the rest (Jordan et al. 2024), which learns more from the same tokens and in the same
    time (docs/experiments/optimizers.csv), or `adamw` for all (Loshchilov & Hutter 2019, arXiv:1711.05101)."""

    momentum: float = 0.95
    """`muon` only: decay of its momentum."""

    weight_decay: float = 0.1
    """Applied to matrices only, not to norms."""

    beta1: float = 0.9
    """Decay of the first moment."""

    beta2: float = 0.95
    """Decay of the second moment; 0.95 forgets old gradients faster than 0.999, as short runs need."""

    clip_norm: float = 1.0
    """Largest gradient norm; larger gradients are scaled down to it."""

    def __post_init__(self) -> None:
        if self.weight_decay < 0:
            raise ConfigError(
                f"train.optimizer.weight_decay is {self.weight_decay}; expected 0 (none) or a positive number, such as 0.1"
            )
        if self.name not in ("adamw", "muon"):
            raise ConfigError(f"train.optimizer.name is {self.name!r}; expected 'adamw' or 'muon'")
        for name in ("beta1", "beta2", "momentum"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(
                    f"train.optimizer.{name} is {getattr(self, name)}; expected a number from 0 to below 1, such as 0.9"
                )
        if self.clip_norm <= 0:
            raise ConfigError(
                f"train.optimizer.clip_norm is {self.clip_norm}; expected a positive number, such as 1.0"
            )


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Pre-training, and what both phases share."""

    rows_per_batch: int = 16
    """Rows of context_length tokens in one optimizer step."""

    micro_batch_rows: int = 0
    """Rows computed at a time; gradients are accumulated to the full batch. 0 computes the batch at once."""

    finetune_share: float = 0.2
    """Share of the budget that goes to fine-tuning, the rest to pre-training. 1.0 skips pre-training, 0.0 fine-tuning."""

    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    """Learning rate of pre-training."""

    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    """The optimizer of both phases."""

    averaging: float = 0.0
    """Share at the end of each phase over whose steps the weights are averaged; the phase ends with that mean. 0 keeps the last weights.
    Averaging stands in for a decaying learning rate, so it is for `decay` stable (Hägele et al. 2024, arXiv:2405.18392, sec. 4)."""

    log_every_steps: int = 10
    """Steps between two lines of metrics."""

    validations: int = 8
    """How often held-out loss is measured in each phase, evenly over its progress; under a clock only while that takes less than a
    tenth of the phase. 0 turns it off."""

    validation_tokens: int = 8_192
    """Held-out tokens of each source looked at each time (the final scores use all of them)."""

    checkpoint_seconds: float = 60.0
    """Wall-clock seconds between checkpoints; what a crash can cost."""

    checkpoint_steps: int = 0
    """Steps between checkpoints, beside `checkpoint_seconds`. 0 goes by seconds alone."""

    max_skipped_steps: int = 20
    """Steps in a row whose loss or gradient is not finite before training gives up."""

    spike_factor: float = 20.0
    """A step is skipped whose gradient's norm is so many times the median of the last 64; three in a row are believed. 0 never skips."""

    def __post_init__(self) -> None:
        if self.rows_per_batch < 1:
            raise ConfigError(f"train.rows_per_batch is {self.rows_per_batch}; expected 1 or more")
        if self.micro_batch_rows < 0 or (
            self.micro_batch_rows and self.rows_per_batch % self.micro_batch_rows
        ):
            raise ConfigError(
                f"train.micro_batch_rows is {self.micro_batch_rows}; expected 0 or a number that divides train.rows_per_batch ({self.rows_per_batch})"
            )
        if not 0 <= self.finetune_share <= 1:
            raise ConfigError(
                f"train.finetune_share is {self.finetune_share}; expected a share between 0 and 1"
            )
        if not 0 <= self.averaging <= 1:
            raise ConfigError(
                f"train.averaging is {self.averaging}; expected a share between 0 and 1"
            )
        for name in ("log_every_steps", "max_skipped_steps", "validation_tokens"):
            if getattr(self, name) < 1:
                raise ConfigError(f"train.{name} is {getattr(self, name)}; expected 1 or more")
        if self.spike_factor and self.spike_factor <= 1:
            raise ConfigError(
                f"train.spike_factor is {self.spike_factor}; expected more than 1, or 0 for never"
            )
        if self.checkpoint_seconds <= 0 or self.checkpoint_steps < 0 or self.validations < 0:
            raise ConfigError(
                "train.checkpoint_seconds must be positive, train.checkpoint_steps and train.validations 0 or more"
            )
