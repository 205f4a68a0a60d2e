"""Settings of the curriculum: the order in which sources are read."""

from dataclasses import dataclass, field
from typing import Literal

from corpus.base.errors import ConfigError
from corpus.config.checks import expect

ORDER = ("c4", "wikipedia", "github", "arxiv", "book", "stackexchange")
"""The order of the original project, after Agrawal et al. 2021 (sustainlp-1.15)."""

PROBLEMS = "problems"
"""The source of rendered training problems; only an anneal reads it."""


@dataclass(frozen=True, kw_only=True)
class CurriculumConfig:
    """Which source is read when, as a function of progress 0…1 through pre-training."""

    order: Literal["sequential", "reverse", "shuffled", "interleaved"] = "sequential"
    """sequential: one source after another. reverse: the same, backwards. shuffled: all mixed.
    interleaved: as sequential, with all sources replayed in each curriculum phase.
    In every order the sources' shares of all text are their weights."""

    sources: tuple[str, ...] = ORDER
    """The order of the sources. CommonCrawl is read with C4.
    Prepared sources that are not named follow in alphabetical order."""

    weights: dict[str, float] = field(default_factory=dict)
    """Source → its relative share of the tokens; 1.0 if not named, and 0 leaves a source out."""

    replay: float = 0.3
    """interleaved only: share of each phase that is text of all sources, by weight, 0…1.
    0 is sequential, 1 is shuffled."""

    anneal: float = 0.0
    """Share at the end of pre-training in which training problems are mixed in, 0…1. 0: none."""

    anneal_problems: float = 0.5
    """Share of problems within the anneal, 0…1."""

    def __post_init__(self) -> None:
        for name in ("replay", "anneal", "anneal_problems"):
            share = getattr(self, name)
            expect(0 <= share <= 1, f"curriculum.{name}", share, "a share between 0 and 1")
        for source, weight in self.weights.items():
            expect(weight >= 0, f"curriculum.weights.{source}", weight, "0 or more")
        if len(set(self.sources)) != len(self.sources):
            raise ConfigError(f"curriculum.sources names a source twice: {', '.join(self.sources)}")
