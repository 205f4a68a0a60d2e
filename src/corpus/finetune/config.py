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

    word_dropout: float = 0.0
    """Share of the prompt's text tokens that are hidden, others each time a problem is shown, so that no single word gives a program
    away (Iyyer et al. 2015, sec. 3.2). Numbers, and the program, are never hidden."""

    schedule: ScheduleConfig = field(
        default_factory=lambda: ScheduleConfig(learning_rate=1e-3, warmup=0.03, decay="cosine", floor=0.0)
    )
    """Learning rate of fine-tuning."""

    def __post_init__(self) -> None:
        if self.max_epochs <= 0:
            raise ConfigError(f"finetune.max_epochs is {self.max_epochs}; expected a positive number")
        for name in ("replay", "word_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"finetune.{name} is {getattr(self, name)}; expected a share from 0 to below 1")
