"""Settings of the tokenizer."""

from dataclasses import dataclass

from corpus.base.errors import ConfigError
from corpus.config.checks import expect
from corpus.program.language import SYMBOLS

SPECIAL = ("<|eos|>", "<|pad|>", "<|problem|>", "<|program|>")
"""Special tokens: end of a document, padding, start of a problem, start of its program."""

NUM_BYTES = 256
"""Byte-level BPE starts from every byte, so that no text is unknown."""

SMALLEST_VOCABULARY = len(SPECIAL) + len(SYMBOLS) + NUM_BYTES
"""Special tokens, program symbols and bytes: a vocabulary without any merge."""


@dataclass(frozen=True, kw_only=True)
class TokenizerConfig:
    """How the tokenizer is trained."""

    vocab_size: int = 4096
    """Most token ids, with special tokens and program symbols. Very little text gives fewer.
    Small models need a small one: 4,096 embeddings of dim 192 are a quarter of the weights."""

    sample_bytes: int = 12_000_000
    """UTF-8 bytes of text that the merges are learned from, an equal share from each source.
    More takes longer and changes little."""

    problems_share: float = 0.15
    """Most of sample_bytes that problems take, 0…1, because problems are many and alike.
    A larger share makes more of their words one token, and fewer words of other text."""

    def __post_init__(self) -> None:
        share, size = self.problems_share, self.sample_bytes
        expect(0 <= share <= 1, "tokenizer.problems_share", share, "a share from 0 to 1")
        expect(size >= 1, "tokenizer.sample_bytes", size, "a positive number of bytes")
        if self.vocab_size < SMALLEST_VOCABULARY:
            raise ConfigError(
                f"tokenizer.vocab_size is {self.vocab_size}; special tokens, program symbols and "
                f"bytes alone take {SMALLEST_VOCABULARY}. Give at least that many, better 2,000 "
                "or more."
            )
