"""Settings of scoring."""

from dataclasses import dataclass

from corpus.base.errors import ConfigError
from corpus.config.checks import expect


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """How the final weights are scored."""

    problems_limit: int = 0
    """Score only the first problems of each set, this many. 0 scores all."""

    max_program_tokens: int = 100
    """Most tokens of a program. The longest checked programs of MathQA have about 90."""

    batch_size: int = 256
    """Programs decoded at a time, but at least those of one problem. Decides memory only."""

    constrained: bool = True
    """Decode only tokens that can continue a valid program, so that every program parses."""

    votes: tuple[int, ...] = (8, 32)
    """Majority voting over this many programs per problem, scored as accuracy_vote_<number>.
    Empty: no majority voting."""

    retrieval: bool = True
    """Let programs of similar training problems vote too, scored as accuracy_retrieval."""

    text: bool = True
    """Measure the loss on held-out text too."""

    def __post_init__(self) -> None:
        limit, votes = self.problems_limit, self.votes
        expect(limit >= 0, "evaluate.problems_limit", limit, "0 (all) or a positive number")
        least = {"max_program_tokens": 5, "batch_size": 1}
        for name, number in least.items():
            value = getattr(self, name)
            expect(value >= number, f"evaluate.{name}", value, f"{number} or more")
        if self.retrieval and not votes:
            raise ConfigError(
                "evaluate.retrieval is on, but evaluate.votes is empty, so there is no vote to add "
                "to; set evaluate.retrieval to False, or give evaluate.votes"
            )
        differ = all(count >= 1 for count in votes) and len(set(votes)) == len(votes)
        expect(differ, "evaluate.votes", votes, "different positive numbers, such as 8 32")
