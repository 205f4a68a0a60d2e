"""The sizes that the planner chooses from, and the batch and learning rate of each.

Each shape has about twice the parameters of the one before, all have a recipe's vocabulary and
context. Batch and learning rate change with the sizes by Li et al.'s step law, fitted on some 3,700
models trained with AdamW: the learning rate with N^-0.713 D^0.307 and the batch, in tokens, with
D^0.571. Muon's best rate hardly depends on the tokens and falls more slowly with the size
(`docs/experiments/plan.csv`: five sizes on two numbers of tokens). The starting rates come from
`docs/experiments/optimizers.csv` (for Muon 4e-3 and 8e-3 are equally good there): the law's own
constants hold for its own tokenizer.

Reference: Li et al. 2025, arXiv:2503.04715, sec. 3.
"""

from dataclasses import dataclass, replace

from corpus.config.model import ModelConfig
from corpus.config.train import OptimizerConfig

DIMS = (64, 96, 128, 192, 256, 384, 512, 640, 768, 1024, 1280, 1536, 2048)
"""Widths; products of a multiple of 64 are fast everywhere."""

FEWEST_HEADS, HEAD_DIM = 4, 64

KNOWN_PARAMETERS, KNOWN_TOKENS, KNOWN_BATCH = 1.62e6, 2.5e6, 4096
"""Parameters outside the embedding, tokens, and tokens per batch of the runs that gave the best
rates."""

BATCH_BY_TOKENS = 0.571


@dataclass(frozen=True, kw_only=True)
class Rate:
    """An optimizer's best learning rate at the known sizes, and the exponents it changes by."""

    known: float
    by_parameters: float
    by_tokens: float


RATES = {
    "adamw": Rate(known=2e-3, by_parameters=-0.713, by_tokens=0.307),
    "muon": Rate(known=6e-3, by_parameters=-0.33, by_tokens=0.0),
}

LARGEST_RATE = 2e-2

CPU_TOKENS = 16_384
"""Largest micro-batch on a CPU, in tokens: some 2 GB for a model of 20M parameters."""


def family(base: ModelConfig) -> list[ModelConfig]:
    """Return the shapes from small to large; `base` gives everything but width and depth."""
    return [shape_of(base, dim) for dim in DIMS]


def shape_of(base: ModelConfig, dim: int) -> ModelConfig:
    """Return the family's shape of one width: 192 has 4 layers, 768 has 12."""
    heads = max(FEWEST_HEADS, dim // HEAD_DIM)
    group = max(
        size for size in range(1, base.num_heads // base.num_kv_heads + 1) if heads % size == 0
    )
    return replace(
        base,
        dim=dim,
        num_layers=round(2 + dim / 80),
        num_heads=heads,
        num_kv_heads=heads // group,
        head_dim=None,
        ffn_dim=None,
    )


def hidden_parameters(shape: ModelConfig) -> int:
    """Return the parameters outside the embedding and the head."""
    tables = 1 if shape.tie_embeddings else 2
    return shape.num_parameters - tables * shape.num_embeddings * shape.dim


def best_learning_rate(shape: ModelConfig, tokens: float, optimizer: OptimizerConfig) -> float:
    """Return the peak of the learning rate, to two digits."""
    rule = RATES[optimizer.name]
    by_size = size_factor(shape, KNOWN_PARAMETERS, optimizer)
    rate = rule.known * by_size * (tokens / KNOWN_TOKENS) ** rule.by_tokens
    return float(f"{min(rate, LARGEST_RATE):.2g}")


def size_factor(shape: ModelConfig, parameters: float, optimizer: OptimizerConfig) -> float:
    """Return a shape's best rate relative to that of one with these hidden parameters."""
    return (hidden_parameters(shape) / parameters) ** RATES[optimizer.name].by_parameters


def best_batch_size(shape: ModelConfig, tokens: float) -> int:
    """Return the sequences of a batch: the power of two nearest to the law's tokens."""
    wanted = KNOWN_BATCH * (tokens / KNOWN_TOKENS) ** BATCH_BY_TOKENS / shape.context_length
    power = 1
    while power * 2**0.5 < wanted:
        power *= 2
    return power


def largest_micro_batch(asked: int, shape: ModelConfig, device_type: str) -> int:
    """Return how many sequences may be computed at a time, 0 for any number.

    As asked, and on a CPU, which shares its memory, at most `CPU_TOKENS`.
    """
    if device_type != "cpu":
        return asked
    fits = max(1, CPU_TOKENS // shape.context_length)
    return min(asked, fits) if asked else fits


def fitting_micro_batch(largest: int, size: int) -> int:
    """Return the largest divisor of a batch's `size` that is at most `largest`; 0 is all of it."""
    if not largest or largest >= size:
        return 0
    return max(part for part in range(1, largest + 1) if size % part == 0)
