"""Floating-point operations of the model: the cost of a token, and the matrix products behind it.

One multiplication and one addition are two operations. The count is what the mathematics needs:
every matrix product of the forward pass, twice that for the backward pass, and attention over the
earlier positions of a sequence and itself. It leaves out recomputation, the scores that causality
hides, norms, activations and the softmax.

Reference: Chowdhery et al. 2022 (PaLM), arXiv:2204.02311, appendix B, whose count has attention
over the whole sequence instead.
"""

from dataclasses import dataclass

from corpus.config.model import ModelConfig


@dataclass(frozen=True, kw_only=True)
class Product:
    """A linear layer, as the matrix product of one token's features with its weight."""

    name: str
    inputs: int
    outputs: int
    count: int
    """How many layers of this shape the model has."""


def linear_products(config: ModelConfig) -> list[Product]:
    """Return the model's linear layers by shape, the head included; the embedding is a look-up."""
    query = config.num_heads * config.resolved_head_dim
    key_value, layers = config.num_kv_heads * config.resolved_head_dim, config.num_layers
    return [
        Product(name="query", inputs=config.dim, outputs=query, count=layers),
        Product(name="key, value", inputs=config.dim, outputs=key_value, count=2 * layers),
        Product(name="output", inputs=query, outputs=config.dim, count=layers),
        Product(
            name="gate, up", inputs=config.dim, outputs=config.resolved_ffn_dim, count=2 * layers
        ),
        Product(name="down", inputs=config.resolved_ffn_dim, outputs=config.dim, count=layers),
        Product(name="head", inputs=config.dim, outputs=config.num_embeddings, count=1),
    ]


def linear_flops(config: ModelConfig) -> int:
    """Return the forward operations of all linear layers for one token."""
    return sum(
        2 * product.inputs * product.outputs * product.count for product in linear_products(config)
    )


def attention_flops(config: ModelConfig, length: int) -> float:
    """Return the forward operations of attention for one token, as a mean over a sequence.

    In a sequence of `length` a token sees (length + 1) / 2 tokens on average.
    """
    return (
        2 * 2 * config.num_layers * config.num_heads * config.resolved_head_dim * (length + 1) / 2
    )


def training_flops(config: ModelConfig, length: int | None = None) -> float:
    """Return the operations of one token in training, forward and backward.

    `length` is that of the sequences; None stands for the context length.
    """
    return 3 * (linear_flops(config) + attention_flops(config, length or config.context_length))
