"""Settings of fine-tuning."""

from dataclasses import dataclass, field, replace
from typing import Literal

from corpus.base.errors import ConfigError
from corpus.config.checks import expect
from corpus.config.train import ScheduleConfig

LAYERS = ("query", "key", "value", "output", "gate", "up", "down")
"""The linear layers of a block, by the model's names."""


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """What `lora` and `qlora` train: alpha / rank · B · A is added to the weight of a layer, with
    B = 0 at the start (Hu et al. 2021, arXiv:2106.09685, sec. 4.1)."""

    rank: int = 16
    """Rows of A and columns of B: the capacity of an adapter."""

    alpha: int = 32
    """Scale of the adapters, which is alpha / rank. Twice the rank is usual."""

    layers: tuple[Literal["query", "key", "value", "output", "gate", "up", "down"], ...] = LAYERS
    """Layers of each block that get an adapter.
    All of them beat attention alone (Dettmers et al. 2023, arXiv:2305.14314, sec. 4)."""

    symbols: bool = True
    """Train the embeddings of the program symbols too, because text does not contain them."""

    learning_rate: float = 4e-3
    """Peak learning rate, in place of that of finetune.schedule. Adapters always use AdamW."""

    def __post_init__(self) -> None:
        where, rate, layers = "finetune.adapter", self.learning_rate, self.layers
        for name in ("rank", "alpha"):
            expect(getattr(self, name) >= 1, f"{where}.{name}", getattr(self, name), "1 or more")
        expect(rate > 0, f"{where}.learning_rate", rate, "a positive number, such as 1e-3")
        is_valid = bool(layers) and set(layers) <= set(LAYERS) and len(set(layers)) == len(layers)
        expect(is_valid, f"{where}.layers", layers, f"some of {', '.join(LAYERS)}, each once")


@dataclass(frozen=True, kw_only=True)
class GrpoConfig:
    """Policy gradient: the model samples programs, and those that give the gold answer become
    likelier (GRPO: Shao et al. 2024, arXiv:2402.03300, sec. 4.1)."""

    start: float = 0.0
    """Progress of fine-tuning, 0…1, from which on it learns from its own programs. 0: never."""

    samples: int = 16
    """Programs that are sampled for a problem. They are compared with each other."""

    def __post_init__(self) -> None:
        where = "finetune.grpo"
        expect(0 <= self.start < 1, f"{where}.start", self.start, "a share from 0 to below 1")
        expect(self.samples >= 2, f"{where}.samples", self.samples, "2 or more")


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """How the model learns problem → program."""

    method: Literal["full", "lora", "qlora"] = "full"
    """full: train all weights. lora: freeze them, train adapters. qlora: the same on 4-bit weights.
    lora and qlora take less memory (docs/recipes.md) and need `pip install 'corpus-lm[lora]'`."""

    adapter: AdapterConfig = field(default_factory=AdapterConfig)
    """lora and qlora only."""

    max_epochs: float = 20.0
    """Most epochs over the training problems; fine-tuning ends with them.
    Pre-training gets the time that they do not need, as far as it is known by then."""

    replay: float = 0.0
    """Share of the targets, and so of the loss, that are pre-training text, 0…1.
    It keeps the model from forgetting text. 0.17 is about one sequence in twenty on MathQA."""

    checked_only: bool = True
    """Leave out problems whose gold program does not give the gold answer: a third of MathQA."""

    normal_form: bool = False
    """Write equivalent programs in one form (program.normal_form): the cheapest one in training.
    The data and the scores keep the original programs."""

    whole_programs: int = 0
    """Wordings that a program of training must have to become one token. 0: no program does.
    The model then chooses one of these programs, or spells another one symbol by symbol."""

    word_dropout: float = 0.0
    """Share of the prompt's text tokens to hide at random, different ones each time, 0…1.
    It prevents relying on single words (Iyyer et al. 2015, sec. 3.2). Numbers are never hidden."""

    twin_exponent: float = 1.0
    """Of n twins, problems that differ only in their numbers, an epoch shows n to this power.
    1 shows all, 0 shows one; lower values give rare wordings more weight."""

    self_training: float = 0.0
    """Progress of fine-tuning, 0…1, at which the model writes pseudo-labels. 0: never.
    It writes programs for the training problems that checked_only leaves out.
    Those that give the gold answer are trained on (Zelikman et al. 2022, arXiv:2203.14465)."""

    self_training_rounds: int = 1
    """How often it does, at even distances from there to the end, or to grpo.start. A later program
    of a problem takes the place of an earlier one."""

    grpo: GrpoConfig = field(default_factory=GrpoConfig)
    """Learning from executed programs at the end of fine-tuning. Off by default."""

    schedule: ScheduleConfig = field(
        default_factory=lambda: ScheduleConfig(
            learning_rate=1e-3, warmup=0.03, decay="cosine", floor=0.0
        )
    )
    """Learning rate of fine-tuning. With lora and qlora, adapter.learning_rate is the peak."""

    def __post_init__(self) -> None:
        expect(
            self.method in ("full", "lora", "qlora"),
            "finetune.method",
            self.method,
            "full, lora or qlora",
        )
        expect(self.max_epochs > 0, "finetune.max_epochs", self.max_epochs, "a positive number")
        least = self.whole_programs
        expect(least >= 0, "finetune.whole_programs", least, "0 (none), or 1 or more wordings")
        rounds = self.self_training_rounds
        expect(rounds >= 1, "finetune.self_training_rounds", rounds, "1 or more")
        for name in ("replay", "word_dropout", "self_training"):
            share = getattr(self, name)
            expect(0 <= share < 1, f"finetune.{name}", share, "a share from 0 to below 1")
        expect(
            0 <= self.twin_exponent <= 1,
            "finetune.twin_exponent",
            self.twin_exponent,
            "a number from 0 (one of all twins) to 1 (all)",
        )
        if self.self_training and not self.checked_only:
            raise ConfigError(
                f"finetune.self_training is {self.self_training:g}, but finetune.checked_only is "
                "off; self-training writes programs for the problems that checked_only leaves out. "
                "Turn checked_only on, or set self_training to 0"
            )

        if 0 < self.grpo.start <= self.self_training:
            raise ConfigError(
                f"finetune.self_training is {self.self_training:g}, but no pseudo-labels are read "
                f"from finetune.grpo.start {self.grpo.start:g} on; set self_training to an earlier "
                "progress, or to 0"
            )

    @property
    def has_adapters(self) -> bool:
        """Whether adapters are trained instead of all weights."""
        return self.method != "full"

    @property
    def resolved_schedule(self) -> ScheduleConfig:
        """The schedule with the peak of the method."""
        if not self.has_adapters:
            return self.schedule
        return replace(self.schedule, learning_rate=self.adapter.learning_rate)
