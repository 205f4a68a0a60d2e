"""The family of shapes that the planner chooses from: each about twice the one before, all of a recipe's vocabulary and context."""

from dataclasses import replace

from corpus.config.model import ModelConfig

DIMS = (64, 96, 128, 192, 256, 384, 512, 640, 768, 1024, 1280, 1536, 2048)
"""Widths; products of a multiple of 64 are fast everywhere."""

FEWEST_HEADS, HEAD_DIM = 4, 64


def family(base: ModelConfig) -> list[ModelConfig]:
    """Return the shapes from small to large. Depth grows with width: `base` gives everything else."""
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
