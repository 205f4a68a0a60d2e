"""Settings of the curriculum: in which order the sources are read."""

from dataclasses import dataclass, field
from typing import Literal

from corpus.base.errors import ConfigError

ORDER = ("c4", "wikipedia", "github", "arxiv", "book", "stackexchange")
"""The order of the original project, after Agrawal et al. 2021 (sustainlp-1.15)."""

PROBLEMS = "problems"
"""The source that holds rendered training problems; only an anneal reads it."""


@dataclass(frozen=True, kw_only=True)
class CurriculumConfig:
    """Which source is read when, as a function of progress 0…1 through pre-training."""

    order: Literal["sequential", "reverse", "shuffled", "interleaved"] = "sequential"
    """`sequential` reads one source after another, `reverse` the other way round, `shuffled` all at once, and `interleaved` is led by
    one source after another while the others are replayed."""

    sources: tuple[str, ...] = ORDER
    """The sequence of the sources. CommonCrawl is read with C4; prepared sources not named here follow in alphabetical order."""

    weights: dict[str, float] = field(default_factory=dict)
    """Relative share of the tokens for each source, 1.0 where not named. 0 leaves a source out."""

    replay: float = 0.3
    """`interleaved` only: the share of each phase that goes to the sources that do not lead it."""

    anneal: float = 0.0
    """The last share of pre-training, 0…1, in which training problems are mixed into the text. 0 turns the anneal off."""

    anneal_problems: float = 0.5
    """The share of problems within the anneal, 0…1."""

    def __post_init__(self) -> None:
        for name in ("replay", "anneal", "anneal_problems"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(
                    f"curriculum.{name} is {getattr(self, name)}; expected a share between 0 and 1"
                )
        if negative := [name for name, weight in self.weights.items() if weight < 0]:
            raise ConfigError(f"curriculum.weights.{negative[0]} is negative; expected 0 or more")
        if len(set(self.sources)) != len(self.sources):
            raise ConfigError(f"curriculum.sources names a source twice: {', '.join(self.sources)}")
