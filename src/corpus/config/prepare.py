"""Settings of preparation: the text, how much of it is taken, and its tokenizer."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from corpus.base.errors import ConfigError
from corpus.config.checks import expect
from corpus.config.tokenizer import TokenizerConfig

STARTER = "starter"
"""The built-in data: what the Python installation holds."""

HUB = "hub"
"""The default data set of the hub; `hub:owner/name` is another."""

HUB_ID = "DKYoon/SlimPajama-6B"
"""The data set of `hub`: 5.5 million records of SlimPajama, shuffled, from all seven sets."""

MATHQA_HUB_ID = "regisss/math_qa"
"""A Parquet copy of MathQA, with the columns of the official files."""

BYTES_PER_TOKEN = 5
"""More than the average token of any usual vocabulary, so this many bytes a token are enough."""


VALIDATION_DOCUMENTS = 30
"""Documents that are held out of each source that has so many, whole or parts of them. Tokens of
one document are alike, so few documents make a loss uncertain, however long they are."""


SMALLEST_PART = 1000
"""Bytes below which no held-out document is cut: less has too little to predict from."""


def whole_path(data: str) -> str:
    """Return `prepare.data` with the absolute path of a folder."""
    if data == STARTER or data.split(":")[0] == HUB:
        return data
    return str(Path(data).expanduser().resolve())


def data_name(data: str) -> str:
    """Return the part of `prepare.data` that says what it is, wherever it is: a folder's name.

    Sources can be named after the folder; its files are told apart by their content.
    """
    if data == STARTER or data.split(":")[0] == HUB:
        return data
    return Path(whole_path(data)).name


@dataclass(frozen=True, kw_only=True)
class PrepareConfig:
    """What text is read, how much of it, and what is held out."""

    data: str = STARTER
    """A folder, hub, hub:owner/name for other SlimPajama records, or starter.
    starter is text from this Python installation and needs no network."""

    problems_hub_id: str = MATHQA_HUB_ID
    """Hub data set with MathQA, read if data is a hub. Empty: no problems."""

    set_names: dict[str, str] = field(default_factory=dict)
    """redpajama_set_name → source, for names that Corpus does not know or should rename.
    Also pile_set_name → source; without it, records of the Pile are text of their folder."""

    max_tokens: int | None = None
    """Training tokens in total, shared between the sources by weight. None: everything.
    A source with less text than its share gives what it has."""

    weights: dict[str, float] = field(default_factory=dict)
    """Source → its relative share of max_tokens; 1.0 if not named, and 0 leaves a source out."""

    max_source_tokens: dict[str, int] = field(default_factory=dict)
    """Source → its most training tokens; no limit if not named."""

    max_source_bytes: dict[str, int] = field(default_factory=dict)
    """Source → its most UTF-8 bytes, validation split included; no limit if not named."""

    validation_tokens: int = 20_000
    """Fewest held-out tokens per source: parts of 30 documents or more, where there are so many.
    A loss is then exact to about ±0.1 nat; the scores have its interval over documents."""

    max_validation_tokens: int = 100_000
    """Most held-out tokens per source, if a validation split is given. More only takes time.
    Parts of training documents complete a split of fewer than 30."""

    dedup: Literal["auto", "off", "exact", "near"] = "auto"
    """Deduplication. exact: equal except for case and white space.
    near: also documents that share 70 % of their word 5-grams.
    auto: near for starter, where packages copy each other; else off, as SlimPajama is clean."""

    decontaminate: bool = True
    """Leave out training documents that contain a problem of a known evaluation set.
    A document contains a problem if it shares half of its words in runs of 8 or more."""

    problems_as_text: bool = False
    """Read training problems of known sets as text too. Evaluation splits are never text."""

    starter_bytes: int = 2_000_000
    """starter only: most bytes for each of its six sources."""

    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    """Training of the tokenizer."""

    def __post_init__(self) -> None:
        if not self.data.strip():
            raise ConfigError(
                f"prepare.data is {self.data!r}; give a folder, hub, hub:OWNER/NAME or {STARTER}"
            )
        for name in ("validation_tokens", "starter_bytes", "max_tokens"):
            value = getattr(self, name)
            expect(value is None or value >= 1, f"prepare.{name}", value, "1 or more")
        if self.max_validation_tokens < self.validation_tokens:
            raise ConfigError(
                f"prepare.max_validation_tokens is {self.max_validation_tokens:,}, below "
                f"prepare.validation_tokens ({self.validation_tokens:,}); raise the first or lower "
                "the second"
            )
        for group in ("max_source_tokens", "max_source_bytes"):
            for source, limit in getattr(self, group).items():
                expected = f"1 or more. To leave {source} out, give it weight 0."
                expect(limit >= 1, f"prepare.{group}.{source}", limit, expected)
        for source, weight in self.weights.items():
            is_finite = 0 <= weight < float("inf")
            expect(is_finite, f"prepare.weights.{source}", weight, "0 (leave it out) or more")

    def weight(self, source: str) -> float:
        """Return the weight of a source."""
        return self.weights.get(source, 1.0)
