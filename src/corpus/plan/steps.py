"""Batch and learning rate for a model and its tokens.

How they change with the sizes is Li et al.'s step law, fitted on some 3,700 models trained with AdamW: the learning rate goes with
N^-0.713 D^0.307 and the batch, in tokens, with D^0.571. Muon's best rate hardly depends on the tokens and falls more slowly with the
size (`docs/experiments/plan.csv`: five sizes on two numbers of tokens). Where the rates start was found by
`docs/experiments/optimizers.csv` (for Muon 4e-3 and 8e-3 are equally good there): the law's own constants hold for its own tokenizer.

Reference: Li et al. 2025, arXiv:2503.04715, sec. 3.
"""

from dataclasses import dataclass

from corpus.config.model import ModelConfig
from corpus.config.train import OptimizerConfig

KNOWN_PARAMETERS, KNOWN_TOKENS, KNOWN_BATCH = 1.62e6, 2.5e6, 4096
"""Parameters outside the embedding, tokens and tokens a batch of the runs that the best rates were found with."""

BATCH_BY_TOKENS = 0.571


@dataclass(frozen=True, kw_only=True)
class Rate:
    """An optimizer's best learning rate at the known sizes, and the exponents by which it changes."""

    known: float
    by_parameters: float
    by_tokens: float


RATES = {
    "adamw": Rate(known=2e-3, by_parameters=-0.713, by_tokens=0.307),
    "muon": Rate(known=6e-3, by_parameters=-0.33, by_tokens=0.0),
}

LARGEST_RATE = 2e-2

CPU_TOKENS = 16_384
"""The most that a plan has a CPU compute at a time: some 2 GB for a model of 20M parameters."""


def hidden_parameters(shape: ModelConfig) -> int:
    """Return the parameters outside the embedding and the head."""
    tables = 1 if shape.tie_embeddings else 2
    return shape.num_parameters - tables * shape.num_embeddings * shape.dim


def learning_rate(shape: ModelConfig, tokens: float, optimizer: OptimizerConfig) -> float:
    """Return the peak of the learning rate, to two digits."""
    rule = RATES[optimizer.name]
    rate = (
        rule.known
        * size_factor(shape, KNOWN_PARAMETERS, optimizer)
        * (tokens / KNOWN_TOKENS) ** rule.by_tokens
    )
    return float(f"{min(rate, LARGEST_RATE):.2g}")


def size_factor(shape: ModelConfig, parameters: float, optimizer: OptimizerConfig) -> float:
    """Return how many times as high the best rate of a shape is as that of one with so many hidden parameters."""
    return (hidden_parameters(shape) / parameters) ** RATES[optimizer.name].by_parameters


def rows_per_batch(shape: ModelConfig, tokens: float) -> int:
    """Return the rows of a batch: the power of two nearest to the law's tokens."""
    rows = KNOWN_BATCH * (tokens / KNOWN_TOKENS) ** BATCH_BY_TOKENS / shape.context_length
    power = 1
    while power * 2**0.5 < rows:
        power *= 2
    return power


def most_rows(asked: int, shape: ModelConfig, device_type: str) -> int:
    """Return how many rows may be computed at a time, 0 for any number: as asked, and on a CPU, whose memory is everybody's, not too many."""
    if device_type != "cpu":
        return asked
    fits = max(1, CPU_TOKENS // shape.context_length)
    return min(asked, fits) if asked else fits


def micro_batch_rows(most: int, rows: int) -> int:
    """Return how many of `rows` are computed at a time, at most `most`: the largest divisor. 0 is all of them, as it is as a limit."""
    if not most or most >= rows:
        return 0
    return max(part for part in range(1, most + 1) if rows % part == 0)
