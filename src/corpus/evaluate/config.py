"""Settings of the scores."""

from dataclasses import dataclass

from corpus.base.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """How the final weights are scored."""

    problems_limit: int = 0
    """Score only the first so many problems of each set; 0 scores all of them."""

    max_program_tokens: int = 100
    """Where a program is cut off, in tokens; the longest of MathQA's checked programs have about 90."""

    batch_size: int = 256
    """Problems decoded at a time."""

    text: bool = True
    """Measure held-out text as well."""

    def __post_init__(self) -> None:
        if self.problems_limit < 0:
            raise ConfigError(f"evaluate.problems_limit is {self.problems_limit}; expected 0 (all) or a positive number")
        if self.max_program_tokens < 4 or self.batch_size < 1:
            raise ConfigError("evaluate.max_program_tokens must be 4 or more and evaluate.batch_size 1 or more")
