"""Settings of fine-tuning."""

from dataclasses import dataclass, field

from corpus.base.errors import ConfigError
from corpus.train.config import ScheduleConfig


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """How the model learns problem → program."""

    max_epochs: float = 20.0
    """The most often a training problem is shown. Pre-training gets the time that is left over; should the machine be faster than
    planned, the last steps are filled with text."""

    replay: float = 0.0
    """Share of the rows that are pre-training text, so that the model keeps what it read."""

    checked_only: bool = True
    """Leave out problems whose program does not reproduce the keyed option; a third of MathQA does not."""

    schedule: ScheduleConfig = field(
        default_factory=lambda: ScheduleConfig(learning_rate=1e-3, warmup=0.03, decay="cosine", floor=0.0)
    )
    """Learning rate of fine-tuning."""

    def __post_init__(self) -> None:
        if self.max_epochs <= 0:
            raise ConfigError(f"finetune.max_epochs is {self.max_epochs}; expected a positive number")
        if not 0 <= self.replay < 1:
            raise ConfigError(f"finetune.replay is {self.replay}; expected a share from 0 to below 1")
