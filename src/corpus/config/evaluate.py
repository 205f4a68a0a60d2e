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
    """Programs decoded at a time, or those of one problem where they are more."""

    constrained: bool = True
    """Let the model write only what a program can go on with, so that every program parses and refers to what exists."""

    votes: tuple[int, ...] = (8, 32)
    """The likeliest programs of each problem, which then vote by value; each number is scored as `accuracy_vote_<number>`, without and with
    the options. Empty scores no votes."""

    retrieval: bool = True
    """Let the programs of similar training problems vote beside the model's, scored as `accuracy_retrieval`."""

    text: bool = True
    """Measure held-out text as well."""

    def __post_init__(self) -> None:
        if self.problems_limit < 0:
            raise ConfigError(
                f"evaluate.problems_limit is {self.problems_limit}; expected 0 (all) or a positive number"
            )
        if self.max_program_tokens < 5 or self.batch_size < 1:
            raise ConfigError(
                "evaluate.max_program_tokens must be 5 or more and evaluate.batch_size 1 or more"
            )
        if self.retrieval and not self.votes:
            raise ConfigError(
                "evaluate.retrieval lets similar problems vote beside evaluate.votes, and there are none; set it to False as well"
            )
        if any(count < 1 for count in self.votes) or len(set(self.votes)) != len(self.votes):
            raise ConfigError(
                f"evaluate.votes is {self.votes}; expected different positive numbers, such as 8 32"
            )
