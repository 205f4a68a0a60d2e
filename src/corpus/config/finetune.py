"""Settings of fine-tuning."""

from dataclasses import dataclass, field, replace
from typing import Literal

from corpus.base.errors import ConfigError
from corpus.config.train import ScheduleConfig

LAYERS = ("query", "key", "value", "output", "gate", "up", "down")
"""The linear layers of a block, by the names the model gives them."""


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """What `lora` and `qlora` train in place of all weights: to each layer's weight W they add alpha / rank · B · A, of which B is 0 at the
    start (Hu et al. 2021, arXiv:2106.09685, sec. 4.1)."""

    rank: int = 16
    """Rows of A and columns of B: how much an adapter can say."""

    alpha: int = 32
    """What an adapter's product is multiplied with, as a multiple of 1 / rank; twice the rank is usual."""

    layers: tuple[Literal["query", "key", "value", "output", "gate", "up", "down"], ...] = LAYERS
    """The layers of each block that get an adapter; all of them do better than attention's alone (Dettmers et al. 2023, arXiv:2305.14314, sec. 4)."""

    symbols: bool = True
    """Train the embeddings of the program language's symbols as well: text holds none of them, so pre-training has taught the model nothing
    of what they mean."""

    learning_rate: float = 4e-3
    """The peak, in place of that of `finetune.schedule`, whose shape stays. Adapters are trained by AdamW, whatever `train.optimizer` trains
    the weights by."""

    def __post_init__(self) -> None:
        for name in ("rank", "alpha"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"finetune.adapter.{name} is {getattr(self, name)}; expected 1 or more"
                )
        if self.learning_rate <= 0:
            raise ConfigError(
                f"finetune.adapter.learning_rate is {self.learning_rate}; expected a positive number, such as 1e-3"
            )
        unknown = [name for name in self.layers if name not in LAYERS]
        if unknown or not self.layers or len(set(self.layers)) != len(self.layers):
            raise ConfigError(
                f"finetune.adapter.layers is {self.layers}; expected some of {', '.join(LAYERS)}, each once"
            )


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """How the model learns problem → program."""

    method: Literal["full", "lora", "qlora"] = "full"
    """`full` trains all weights; `lora` freezes them and trains small adapters beside them; `qlora` the same on weights rounded to 4 bits.
    Both need `pip install 'corpus-lm[lora]'`, and less memory (docs/recipes.md)."""

    adapter: AdapterConfig = field(default_factory=AdapterConfig)
    """`lora` and `qlora` only."""

    max_epochs: float = 20.0
    """The most often a training problem is shown. Pre-training gets the time that is left over, and without pre-training the run ends
    then; should the machine be faster than planned, the last steps are filled with text."""

    replay: float = 0.0
    """Share of the rows that are pre-training text, so that the model keeps what it read."""

    checked_only: bool = True
    """Leave out problems whose program does not reproduce the keyed option; a third of MathQA does not."""

    normal_form: bool = False
    """Have programs that compute the same written the same (`program.normal_form`), in the way that costs least among all that the training
    problems hold: the model has fewer to tell apart. Data and scores keep the programs they came with."""

    word_dropout: float = 0.0
    """Share of the prompt's text tokens that are hidden, others each time a problem is shown, so that no single word gives a program
    away (Iyyer et al. 2015, sec. 3.2). Numbers, and the program, are never hidden."""

    twin_exponent: float = 1.0
    """Of n problems that differ in their numbers alone, which the model does not see, an epoch shows n to this power, other ones each time: 1 shows
    all, 0 one, so that what is worded once is not shown least."""

    self_training: float = 0.0
    """How far into fine-tuning (0…1) the model writes programs of its own for the training problems that `checked_only` leaves out. Those that
    give the key are trained on from there on (Zelikman et al. 2022, arXiv:2203.14465). 0 never does."""

    schedule: ScheduleConfig = field(
        default_factory=lambda: ScheduleConfig(
            learning_rate=1e-3, warmup=0.03, decay="cosine", floor=0.0
        )
    )
    """Learning rate of fine-tuning; `lora` and `qlora` take `adapter.learning_rate` as its peak."""

    def __post_init__(self) -> None:
        if self.method not in ("full", "lora", "qlora"):
            raise ConfigError(f"finetune.method is {self.method!r}; expected full, lora or qlora")
        if self.max_epochs <= 0:
            raise ConfigError(
                f"finetune.max_epochs is {self.max_epochs}; expected a positive number"
            )
        for name in ("replay", "word_dropout", "self_training"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(
                    f"finetune.{name} is {getattr(self, name)}; expected a share from 0 to below 1"
                )
        if not 0 <= self.twin_exponent <= 1:
            raise ConfigError(
                f"finetune.twin_exponent is {self.twin_exponent}; expected a number from 0 (one of all twins) to 1 (all)"
            )
        if self.self_training and not self.checked_only:
            raise ConfigError(
                "finetune.self_training finds programs for the problems that finetune.checked_only leaves out, and that is off; give one of them"
            )

    @property
    def has_adapters(self) -> bool:
        """Whether adapters are trained in place of all weights."""
        return self.method != "full"

    @property
    def resolved_schedule(self) -> ScheduleConfig:
        """The schedule with the peak of the method."""
        return (
            replace(self.schedule, learning_rate=self.adapter.learning_rate)
            if self.has_adapters
            else self.schedule
        )
