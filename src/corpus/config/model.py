"""The model's sizes."""

import dataclasses
from dataclasses import dataclass, field
from typing import Literal

from corpus.base.errors import ConfigError
from corpus.config.rope import Reach, RopeScaling, check_scaling

VOCABULARY_MULTIPLE = 64
"""The embedding's rows are rounded up to a multiple of this: matrix products on GPUs are several times slower at odd sizes."""

FFN_MULTIPLE = 32
"""A feed-forward width that is not given is rounded up to a multiple of this, for the same reason."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The shape of a decoder. Equal configs have equal parameter names and shapes."""

    vocab_size: int
    """Token ids, as many as the tokenizer has."""

    dim: int
    """Width of the residual stream."""

    num_layers: int
    """Blocks, each attention and feed-forward."""

    num_heads: int
    """Query heads."""

    num_kv_heads: int
    """Key and value heads, each shared by num_heads / num_kv_heads query heads; fewer make the cache smaller and steps faster."""

    context_length: int
    """Tokens in a row. Rotary positions are computed, not stored, so decoding may go beyond it, at lower quality (rope_scaling helps)."""

    head_dim: int | None = None
    """Width of a head; None takes dim / num_heads. Must be even, because rotary positions turn pairs."""

    ffn_dim: int | None = None
    """Hidden width of the feed-forward layer; None takes 8/3 dim, rounded up to a multiple of 32: with SwiGLU's three matrices that
    is as many parameters as the classic two of width 4 dim."""

    rope_base: float = 10000.0
    """Base of the rotary frequencies; larger bases are for contexts of many thousands of tokens."""

    rope_scaling: RopeScaling = field(default_factory=RopeScaling)
    """Change of the rotary frequencies for rows longer than trained ones."""

    norm_eps: float = 1e-5
    """Added to the mean square in RMSNorm, against division by zero."""

    tie_embeddings: bool = True
    """Use the embedding as the output head too; in a small model the vocabulary is a large part of all weights."""

    rope: Literal["real", "complex"] = "real"
    """Arithmetic of the rotation: real (which compiles) or complex (the reference). The results agree."""

    def __post_init__(self) -> None:
        for name in (
            "vocab_size",
            "dim",
            "num_layers",
            "num_heads",
            "num_kv_heads",
            "context_length",
            "head_dim",
            "ffn_dim",
        ):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"model.{name} is {value}; expected at least 1")
        self._check_heads()
        if self.rope_base <= 1:
            raise ConfigError(
                f"model.rope_base is {self.rope_base}; expected more than 1 (10000 is usual)"
            )
        if not 0 < self.norm_eps < 1:
            raise ConfigError(
                f"model.norm_eps is {self.norm_eps}; expected a small positive number (1e-5 is usual)"
            )
        if self.rope not in ("real", "complex"):
            raise ConfigError(f"model.rope is {self.rope!r}; expected 'real' or 'complex'")
        check_scaling(
            self.rope_scaling, context_length=self.context_length, head_dim=self.resolved_head_dim
        )

    def _check_heads(self) -> None:
        if self.num_heads % self.num_kv_heads:
            raise ConfigError(
                f"model.num_heads is {self.num_heads} and model.num_kv_heads {self.num_kv_heads}; the second must divide the "
                "first, since each key/value head serves the same number of query heads"
            )
        if self.head_dim is None and self.dim % self.num_heads:
            raise ConfigError(
                f"model.dim is {self.dim} and model.num_heads {self.num_heads}; the second must divide the first. Change one, or "
                "give model.head_dim"
            )
        if self.resolved_head_dim % 2:
            raise ConfigError(
                f"a head is {self.resolved_head_dim} wide; rotary positions need an even width. Change model.dim or model.head_dim"
            )

    @property
    def resolved_head_dim(self) -> int:
        """Width of a head. (The field stays None where it was not given, so that it follows when `dim` is overridden.)"""
        return self.dim // self.num_heads if self.head_dim is None else self.head_dim

    @property
    def resolved_ffn_dim(self) -> int:
        """Hidden width of the feed-forward layer."""
        return (
            _round_up(-(-8 * self.dim // 3), FFN_MULTIPLE) if self.ffn_dim is None else self.ffn_dim
        )

    @property
    def original_length(self) -> int:
        """Tokens of a row before positions were scaled, where `context_length` is more than that."""
        scaling = self.rope_scaling
        if scaling.original_max_position_embeddings is None and scaling.factor is not None:
            return round(self.context_length / scaling.factor)
        return scaling.original_max_position_embeddings or self.context_length

    @property
    def rope_factor(self) -> float:
        """How many times longer rows are than in training, as far as positions are scaled for it."""
        factor = self.rope_scaling.factor
        return self.context_length / self.original_length if factor is None else factor

    @property
    def num_embeddings(self) -> int:
        """Rows of the embedding and columns of the logits: `vocab_size` rounded up; the rows beyond it belong to no token."""
        return _round_up(self.vocab_size, VOCABULARY_MULTIPLE)

    @property
    def num_parameters(self) -> int:
        """Trained weights, a tied embedding counted once."""
        query, key_value = (
            self.num_heads * self.resolved_head_dim,
            self.num_kv_heads * self.resolved_head_dim,
        )
        block = self.dim * (2 * query + 2 * key_value + 3 * self.resolved_ffn_dim + 2)
        tables = 1 if self.tie_embeddings else 2
        return tables * self.num_embeddings * self.dim + self.num_layers * block + self.dim

    def with_vocabulary(self, vocab_size: int) -> "ModelConfig":
        """Return the same shape for another tokenizer."""
        return dataclasses.replace(self, vocab_size=vocab_size)

    def reaching(self, reach: Reach) -> "ModelConfig":
        """Return the same shape with other positions; the length that a changed one stretches is this one's original length.

        Raises `ConfigError` where they do not fit.
        """
        if reach.is_as_trained:
            return self
        scaling = reach.rope_scaling
        if scaling.rope_type == "none":
            if scaling != RopeScaling():
                raise ConfigError(
                    "model.rope_scaling.original_max_position_embeddings says nothing without a scaling; give model.rope_scaling.rope_type too"
                )
            scaling = self.rope_scaling
        if scaling.original_max_position_embeddings is None:
            scaling = dataclasses.replace(
                scaling, original_max_position_embeddings=self.original_length
            )
        return dataclasses.replace(
            self,
            context_length=self.context_length
            if reach.context_length is None
            else reach.context_length,
            rope_base=self.rope_base if reach.rope_base is None else reach.rope_base,
            rope_scaling=scaling,
        )


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
