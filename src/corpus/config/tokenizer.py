"""Settings of the tokenizer."""

from dataclasses import dataclass

from corpus.base.errors import ConfigError
from corpus.program.language import SYMBOLS

SPECIAL = ("<|eos|>", "<|pad|>", "<|problem|>", "<|program|>")
"""Tokens of structure: end of a document, padding, the begin of a problem, the begin of its program."""

NUM_BYTES = 256
"""Byte-level BPE starts from every byte, so that no text is unknown."""

SMALLEST_VOCABULARY = len(SPECIAL) + len(SYMBOLS) + NUM_BYTES
"""Special tokens, program symbols and bytes: a vocabulary without a single merge."""


@dataclass(frozen=True, kw_only=True)
class TokenizerConfig:
    """How the tokenizer is trained."""

    vocab_size: int = 4096
    """Ids at most, special tokens and program symbols included. Small models want small vocabularies: at 4,096 the embedding of a
    model of dim 192 is a quarter of its weights. Very little text may give fewer merges, and so fewer ids."""

    sample_bytes: int = 12_000_000
    """UTF-8 bytes of text that the merges are learned from, shared evenly between the sources, but for problems. More changes little and takes
    longer."""

    problems_share: float = 0.15
    """Most of these bytes that problem texts take: they are short and alike, and would otherwise outweigh a source. The more they take, the
    more of their words are one token, and the fewer of the other text's."""

    def __post_init__(self) -> None:
        if not 0 <= self.problems_share <= 1:
            raise ConfigError(
                f"tokenizer.problems_share is {self.problems_share}; expected a share from 0 to 1"
            )
        if self.vocab_size < SMALLEST_VOCABULARY:
            raise ConfigError(
                f"tokenizer.vocab_size is {self.vocab_size}; special tokens, program symbols and bytes alone take "
                f"{SMALLEST_VOCABULARY}. Give at least that many, better 2,000 or more."
            )
        if self.sample_bytes < 1:
            raise ConfigError(
                f"tokenizer.sample_bytes is {self.sample_bytes}; expected a positive number of bytes"
            )
