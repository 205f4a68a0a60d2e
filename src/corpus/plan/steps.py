"""Batch and learning rate for a model and its tokens.

How both change with the sizes is Li et al.'s step law, fitted on some 3,700 models: the learning rate goes with N^-0.713 D^0.307 and the batch, in
tokens, with D^0.571. Where they start is what was found best in `docs/experiments/optimizers.csv`, since the law's own constants hold for
its own tokenizer and optimizer.

Reference: Li et al. 2025, arXiv:2503.04715, sec. 3.
"""

from corpus.model.config import ModelConfig
from corpus.train.config import OptimizerConfig

RATE_BY_PARAMETERS, RATE_BY_TOKENS, BATCH_BY_TOKENS = -0.713, 0.307, 0.571

KNOWN_PARAMETERS, KNOWN_TOKENS, KNOWN_BATCH = 1.62e6, 2.5e6, 4096
"""Parameters outside the embedding, tokens and tokens a batch of the runs that the best rates were found with."""

KNOWN_RATES = {"adamw": 2e-3, "muon": 4e-3}
"""Best rate of each optimizer there."""

LARGEST_RATE = 2e-2


def hidden_parameters(shape: ModelConfig) -> int:
    """Return the parameters outside the embedding and the head."""
    tables = 1 if shape.tie_embeddings else 2
    return shape.num_parameters - tables * shape.num_embeddings * shape.dim


def learning_rate(shape: ModelConfig, tokens: float, optimizer: OptimizerConfig) -> float:
    """Return the peak of the learning rate, to two digits."""
    by_size = (hidden_parameters(shape) / KNOWN_PARAMETERS) ** RATE_BY_PARAMETERS
    rate = KNOWN_RATES[optimizer.name] * by_size * (tokens / KNOWN_TOKENS) ** RATE_BY_TOKENS
    return float(f"{min(rate, LARGEST_RATE):.2g}")


def rows_per_batch(shape: ModelConfig, tokens: float) -> int:
    """Return the rows of a batch: the power of two nearest to the law's tokens."""
    rows = KNOWN_BATCH * (tokens / KNOWN_TOKENS) ** BATCH_BY_TOKENS / shape.context_length
    power = 1
    while power * 2**0.5 < rows:
        power *= 2
    return power


def micro_batch_rows(asked: int, rows: int) -> int:
    """Return how many of `rows` are computed at a time, at most `asked`: the largest divisor; 0 where that is all of them, as is asked by 0."""
    if not asked or asked >= rows:
        return 0
    return max(part for part in range(1, asked + 1) if rows % part == 0)
