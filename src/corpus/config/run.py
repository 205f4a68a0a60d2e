"""The config of a whole run: every stage's settings in one frozen tree, which is also the format of `config.json`."""

from dataclasses import dataclass, field

from corpus.base.errors import ConfigError
from corpus.base.plain import check_finite
from corpus.base.units import Budget, parse_budget
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
    """The recipe this config began as."""

    budget: str
    """How long to train, both phases together: wall-clock (`45m`, `2h`), tokens (`50M tokens`; places of a batch that are padding count,
    and what is less than a batch is left) or steps (`120 steps`)."""

    model: ModelConfig
    """The model's shape. Its vocabulary is prepare.tokenizer.vocab_size: a smaller one needs both settings."""

    seed: int = 0
    """Decides the weights at the start, the order of rows and problems, and the generated problems."""

    prepare: PrepareConfig = field(default_factory=PrepareConfig)
    """Text in: where from, how much, how it is tokenised."""

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
    """Used with a clock budget and text from a hub: how much text to fetch, as the tokens that pre-training could read in its time."""

    def __post_init__(self) -> None:
        check_finite(self)
        parse_budget(self.budget)
        if self.seed < 0:
            raise ConfigError(f"seed is {self.seed}; expected 0 or more")
        if self.model.vocab_size != self.prepare.tokenizer.vocab_size:
            raise ConfigError(
                f"model.vocab_size is {self.model.vocab_size} and prepare.tokenizer.vocab_size {self.prepare.tokenizer.vocab_size}; the model "
                "reads what the tokenizer writes, so give both the same number"
            )

        if self.problems.drop_twins and self.prepare.problems_as_text:
            raise ConfigError(
                "problems.drop_twins keeps problems out of training, and prepare.problems_as_text would read them there as text; give one of them"
            )
        if self.problems.tuning_share and self.prepare.problems_as_text:
            raise ConfigError(
                "problems.tuning_share keeps problems out of training, and prepare.problems_as_text would read them there as text; give one of them"
            )

        if self.finetune.has_adapters and self.train.finetune_share in (0, 1):
            without = "pre-training" if self.train.finetune_share == 1 else "fine-tuning"
            raise ConfigError(
                f"finetune.method {self.finetune.method} adapts pre-trained weights in fine-tuning, and train.finetune_share "
                f"{self.train.finetune_share:g} leaves no {without}; give a share between, or finetune.method full"
            )

    @property
    def parsed_budget(self) -> Budget:
        """The budget as a quantity with its unit."""
        return parse_budget(self.budget)

    @property
    def batch_tokens(self) -> int:
        """Positions in one optimizer step."""
        return self.train.rows_per_batch * self.model.context_length

    def needed_tokens(self) -> int | None:
        """Return about how many tokens pre-training can read under the budget, or None where that is not known in advance.

        Its share may be larger than planned: what fine-tuning does not need for its epochs is left to it. So all of the budget counts,
        where there is pre-training at all.
        """
        budget, share = self.parsed_budget, 1.0 if self.train.finetune_share < 1 else 0.0
        if budget.kind == "tokens":
            return int(budget.amount * share) + self.batch_tokens
        if budget.kind == "steps":
            return int(budget.amount * share + 1) * self.batch_tokens
        return int(budget.amount * share * self.expected_tokens_per_second) or None
