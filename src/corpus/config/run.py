"""The config of a run: the settings of every stage in one frozen tree, as in `config.json`."""

from dataclasses import dataclass, field

from corpus.base.errors import ConfigError
from corpus.base.plain import check_finite
from corpus.base.units import Budget, parse_budget
from corpus.config.checks import expect
from corpus.config.curriculum import CurriculumConfig
from corpus.config.evaluate import EvaluateConfig
from corpus.config.finetune import FinetuneConfig
from corpus.config.model import ModelConfig
from corpus.config.prepare import PrepareConfig
from corpus.config.problems import ProblemsConfig
from corpus.config.runtime import RuntimeConfig
from corpus.config.train import TrainConfig


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides what a run does."""

    recipe: str
    """The recipe that this config started from."""

    budget: str
    """How long to train, both phases: a time (45m, 2h), tokens (50M tokens) or steps (120 steps).
    Tokens include padding; a remainder smaller than a batch is not used."""

    model: ModelConfig
    """The shape of the model. Change model.vocab-size and prepare.tokenizer.vocab-size together."""

    seed: int = 0
    """Decides the initial weights, the order of the data and the generated problems."""

    prepare: PrepareConfig = field(default_factory=PrepareConfig)
    """The text and its tokenizer."""

    problems: ProblemsConfig = field(default_factory=ProblemsConfig)
    """The problem sets."""

    curriculum: CurriculumConfig = field(default_factory=CurriculumConfig)
    """The order of the sources in pre-training."""

    train: TrainConfig = field(default_factory=TrainConfig)
    """Pre-training, and what both phases share."""

    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    """Fine-tuning on problems."""

    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    """The final scores."""

    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    """The machine."""

    expected_tokens_per_second: float = 0.0
    """Speed of pre-training on one rank: how much text to fetch from a hub under a time budget."""

    def __post_init__(self) -> None:
        check_finite(self)
        parse_budget(self.budget)
        expect(self.seed >= 0, "seed", self.seed, "0 or more")
        model, tokenizer = self.model.vocab_size, self.prepare.tokenizer.vocab_size
        if model != tokenizer:
            raise ConfigError(
                f"model.vocab_size is {model} and prepare.tokenizer.vocab_size {tokenizer}; the "
                "model uses the tokenizer's ids, so give both the same number"
            )
        for name in ("drop_twins", "tuning_share", "protocol"):
            if getattr(self.problems, name) and self.prepare.problems_as_text:
                raise ConfigError(
                    f"problems.{name} keeps problems out of training, but prepare.problems_as_text "
                    "trains on them as text; use only one of the two"
                )
        if self.curriculum.anneal and self.finetune.whole_programs:
            raise ConfigError(
                "curriculum.anneal mixes spelled programs into pre-training, and "
                "finetune.whole_programs makes programs one token; set one of the two to 0"
            )
        share = self.train.finetune_share
        if self.finetune.has_adapters and share in (0, 1):
            without = "pre-training" if share == 1 else "fine-tuning"
            raise ConfigError(
                f"finetune.method {self.finetune.method} needs pre-training and fine-tuning, but "
                f"train.finetune_share {share:g} leaves no {without}; give a share between 0 and "
                "1, or finetune.method full"
            )

    @property
    def parsed_budget(self) -> Budget:
        """The budget as a quantity with its unit."""
        return parse_budget(self.budget)

    @property
    def batch_tokens(self) -> int:
        """Tokens in one optimizer step, padding included."""
        return self.train.sequences_per_batch * self.model.context_length

    def needed_tokens(self, ranks: int = 1) -> int | None:
        """Return the most tokens that pre-training can read under the budget, None if unknown.

        Pre-training also gets the time that fine-tuning does not need for its epochs. So all of
        the budget counts, unless there is no pre-training. Under a time budget `ranks` read so many
        times as much.
        """
        budget, share = self.parsed_budget, 1.0 if self.train.finetune_share < 1 else 0.0
        if budget.kind == "tokens":
            return int(budget.amount * share) + self.batch_tokens
        if budget.kind == "steps":
            return int(budget.amount * share + 1) * self.batch_tokens
        return int(budget.amount * share * ranks * self.expected_tokens_per_second) or None
