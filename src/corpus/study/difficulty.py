"""How difficult a sequence is, by several measures: [num] float64, and higher is harder."""

import zlib
from collections.abc import Callable

import numpy as np

from corpus.study.sequences import Sequences
from corpus.text.tokenizer import EOS

Difficulty = Callable[[Sequences], np.ndarray]


def by_length(sequences: Sequences) -> np.ndarray:
    """Tokens of a sequence over its documents: text of many short documents counts as easy."""
    eos = sequences.prepared.tokenizer.token_id(EOS)
    tokens = (sequences.tokens(index) for index in range(len(sequences)))
    return np.array([len(each) / (1 + np.count_nonzero(each[:-1] == eos)) for each in tokens])


def by_compression(sequences: Sequences) -> np.ndarray:
    """Bytes of the sequence's text compressed with zlib over those of the text itself."""
    texts = (sequences.text(index).encode() for index in range(len(sequences)))
    return np.array([len(zlib.compress(text, 9)) / max(1, len(text)) for text in texts])


def by_unigram(sequences: Sequences) -> np.ndarray:
    """Mean negative log-frequency of a sequence's tokens in all training text: rare is hard."""
    smoothed = sequences.unigram.astype(np.float64) + 1
    cost = -np.log(smoothed / smoothed.sum())
    return np.array([cost[sequences.tokens(index)].mean() for index in range(len(sequences))])


def by_model(sequences: Sequences) -> np.ndarray:
    """The loss of a small model, which was trained on other sequences of the same text."""
    return sequences.judge()


DIFFICULTIES: dict[str, Difficulty] = {
    "length": by_length,
    "compression": by_compression,
    "unigram": by_unigram,
    "model": by_model,
}
"""Measures by name."""

MATHS = frozenset("0123456789+-*/=<>^_\\{}$%")
"""Characters that digits, formulas and LaTeX are made of."""


def share_of_maths(sequences: Sequences) -> np.ndarray:
    """Share of a sequence's characters that belong to numbers and formulas."""
    texts = (sequences.text(index) for index in range(len(sequences)))
    return np.array([sum(each in MATHS for each in text) / max(1, len(text)) for text in texts])
