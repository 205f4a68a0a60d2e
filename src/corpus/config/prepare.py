"""Settings of preparation: where the text comes from, how much of it is taken, and how it is tokenised."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from corpus.base.errors import ConfigError
from corpus.config.tokenizer import TokenizerConfig

STARTER = "starter"
"""The data that every machine has: what its Python installation holds."""

HUB = "hub"
"""The hub's default data set; `hub:owner/name` is another."""

HUB_ID = "DKYoon/SlimPajama-6B"
"""The SlimPajama sample that `hub` stands for: 5.5 million records, shuffled, in all seven sets."""

MATHQA_HUB_ID = "regisss/math_qa"
"""A Parquet copy of MathQA, with the columns of the official files."""

BYTES_PER_TOKEN = 5
"""More than a token of any usual vocabulary stands for on average, so reading this many bytes a token is always enough."""


def whole_path(data: str) -> str:
    """Return `prepare.data` with a folder's path written out, so that two spellings of it are no difference."""
    return (
        data
        if data == STARTER or data.split(":")[0] == HUB
        else str(Path(data).expanduser().resolve())
    )


@dataclass(frozen=True, kw_only=True)
class PrepareConfig:
    """What is read, how much of it, and what is held out."""

    data: str = STARTER
    """`starter` (this Python installation, offline), a folder, `hub`, or `hub:owner/name` for other SlimPajama records there."""

    problems_hub_id: str = MATHQA_HUB_ID
    """The hub data set that MathQA is taken from when `data` is `hub`; empty for no problems."""

    set_names: dict[str, str] = field(default_factory=dict)
    """Source for a `redpajama_set_name` that Corpus does not know (or should read as another source)."""

    max_tokens: int | None = None
    """Training tokens in all, shared between the sources by weight; None takes everything. A source with less text than its share
    gives what it has, and nothing more than this is read than it takes to fill the shares."""

    weights: dict[str, float] = field(default_factory=dict)
    """Share of `max_tokens` for a source relative to the others, 1.0 where not named. 0 leaves a source out altogether."""

    max_source_tokens: dict[str, int] = field(default_factory=dict)
    """Most training tokens of a source; no limit where not named."""

    max_source_bytes: dict[str, int] = field(default_factory=dict)
    """Most UTF-8 bytes of text read of a source, validation split off included; no limit where not named."""

    validation_tokens: int = 20_000
    """Held-out tokens of each source, at least. With fewer, a loss is too uncertain to compare (about ±0.02 nat at 20,000)."""

    max_validation_tokens: int = 100_000
    """Held-out tokens of each source, at most, where a validation split is given: more takes time and adds no certainty."""

    dedup: Literal["auto", "off", "exact", "near"] = "auto"
    """Duplicates to remove: `exact` (equal but for case and white space), `near` (four of five word 5-grams shared, too). `auto` is
    `near` for `starter`, where packages vendor each other, and `off` elsewhere, SlimPajama being free of them."""

    decontaminate: bool = True
    """Leave out training documents that hold a problem of an evaluation set the run knows, with its numbers. Half of a problem's words must
    lie in stretches of 8 or more that both share, near each other."""

    problems_as_text: bool = False
    """Read the training problems of known sets as text as well. Their evaluation splits are never read as text."""

    starter_bytes: int = 2_000_000
    """`starter` only: bytes harvested for each of the six sources, at most."""

    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    """How the tokenizer is trained."""

    def __post_init__(self) -> None:
        if not self.data.strip():
            raise ConfigError(
                f"prepare.data is {self.data!r}; give a folder, hub, hub:OWNER/NAME or {STARTER}"
            )
        for name in ("validation_tokens", "starter_bytes"):
            _check_positive(name, getattr(self, name))
        if self.max_validation_tokens < self.validation_tokens:
            raise ConfigError(
                f"prepare.max_validation_tokens is {self.max_validation_tokens:,}, below prepare.validation_tokens "
                f"({self.validation_tokens:,}); raise the one or lower the other"
            )
        if self.max_tokens is not None:
            _check_positive("max_tokens", self.max_tokens)
        for group in ("max_source_tokens", "max_source_bytes"):
            for source, limit in getattr(self, group).items():
                _check_positive(
                    f"{group}.{source}", limit, fix=f" To leave {source} out, give it weight 0."
                )
        for source, weight in self.weights.items():
            if not 0 <= weight < float("inf"):
                raise ConfigError(
                    f"prepare.weights.{source} is {weight}; expected 0 (leave it out) or more"
                )

    def weight(self, source: str) -> float:
        """Return the weight of a source."""
        return self.weights.get(source, 1.0)


def _check_positive(name: str, value: int, *, fix: str = "") -> None:
    if value < 1:
        raise ConfigError(f"prepare.{name} is {value}; expected 1 or more.{fix}")
