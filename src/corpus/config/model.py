"""The size and shape of the model."""

import dataclasses
from dataclasses import dataclass, field
from typing import Literal

from corpus.base.errors import ConfigError
from corpus.config.checks import expect
from corpus.config.rope import Reach, RopeScaling, check_scaling

VOCABULARY_MULTIPLE = 64
"""The embedding has a multiple of this many entries: GPUs multiply odd sizes much more slowly."""

FFN_MULTIPLE = 32
"""The default feed-forward width is a multiple of this, for the same reason."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The shape of a decoder. Equal configs have equal parameter names and shapes."""

    vocab_size: int
    """Token ids. Must equal prepare.tokenizer.vocab_size."""

    dim: int
    """Width of the residual stream."""

    num_layers: int
    """Blocks, each with attention and a feed-forward layer."""

    num_heads: int
    """Query heads. Must divide dim, unless head_dim is given."""

    num_kv_heads: int
    """Key and value heads; must divide num_heads. Fewer make decoding faster."""

    context_length: int
    """Tokens in a sequence. Decoding can go beyond it at lower quality; rope_scaling helps."""

    head_dim: int | None = None
    """Width of a head. None: dim / num_heads. Must be even: rotary positions turn pairs."""

    ffn_dim: int | None = None
    """Hidden width of the feed-forward layer. None: 8/3 dim, rounded up to a multiple of 32.
    SwiGLU's three matrices then have as many parameters as the usual two of width 4 dim."""

    rope_base: float = 10000.0
    """Base of the rotary frequencies. Contexts of many thousands of tokens need a larger one."""

    rope_scaling: RopeScaling = field(default_factory=RopeScaling)
    """Scaling of the rotary frequencies, for sequences longer than the trained ones."""

    norm_eps: float = 1e-5
    """Added to the mean square in RMSNorm, against division by zero."""

    tie_embeddings: bool = True
    """Use the embedding as output head too, because it is a large part of a small model."""

    rope: Literal["real", "complex"] = "real"
    """Arithmetic of the rotation: real (compiles) or complex (the reference). Results agree."""

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "dim", "num_layers", "num_heads", "num_kv_heads", "context_length")
        for name in (*sizes, "head_dim", "ffn_dim"):
            value = getattr(self, name)
            expect(value is None or value >= 1, f"model.{name}", value, "at least 1")
        self._check_heads()
        base, eps = self.rope_base, self.norm_eps
        expect(base > 1, "model.rope_base", base, "more than 1 (10000 is usual)")
        expect(0 < eps < 1, "model.norm_eps", eps, "a small positive number (1e-5 is usual)")
        expect(self.rope in ("real", "complex"), "model.rope", self.rope, "'real' or 'complex'")
        check_scaling(
            self.rope_scaling, context_length=self.context_length, head_dim=self.resolved_head_dim
        )

    def _check_heads(self) -> None:
        if self.num_heads % self.num_kv_heads:
            raise ConfigError(
                f"model.num_heads is {self.num_heads} and model.num_kv_heads {self.num_kv_heads}; "
                "num_kv_heads must divide num_heads, since each key/value head serves the same "
                "number of query heads. Change one of them"
            )
        if self.head_dim is None and self.dim % self.num_heads:
            raise ConfigError(
                f"model.dim is {self.dim} and model.num_heads {self.num_heads}; num_heads must "
                "divide dim. Change one of them, or give model.head_dim"
            )
        if self.resolved_head_dim % 2:
            raise ConfigError(
                f"a head is {self.resolved_head_dim} wide; rotary positions need an even width. "
                "Change model.dim or model.head_dim"
            )

    @property
    def resolved_head_dim(self) -> int:
        """Width of a head. `head_dim` stays None, so that it follows an overridden `dim`."""
        return self.dim // self.num_heads if self.head_dim is None else self.head_dim

    @property
    def resolved_ffn_dim(self) -> int:
        """Hidden width of the feed-forward layer."""
        if self.ffn_dim is not None:
            return self.ffn_dim
        return _round_up(-(-8 * self.dim // 3), FFN_MULTIPLE)

    @property
    def original_length(self) -> int:
        """Tokens in a sequence before positions were scaled."""
        scaling = self.rope_scaling
        if scaling.original_max_position_embeddings is None and scaling.factor is not None:
            return round(self.context_length / scaling.factor)
        return scaling.original_max_position_embeddings or self.context_length

    @property
    def rope_factor(self) -> float:
        """How many times longer sequences are than before positions were scaled."""
        factor = self.rope_scaling.factor
        return self.context_length / self.original_length if factor is None else factor

    @property
    def num_embeddings(self) -> int:
        """Entries of the embedding and columns of the logits: `vocab_size`, rounded up."""
        return _round_up(self.vocab_size, VOCABULARY_MULTIPLE)

    @property
    def num_parameters(self) -> int:
        """Trained parameters; a tied embedding counts once."""
        query = self.num_heads * self.resolved_head_dim
        key_value = self.num_kv_heads * self.resolved_head_dim
        block = self.dim * (2 * query + 2 * key_value + 3 * self.resolved_ffn_dim + 2)
        tables = 1 if self.tie_embeddings else 2
        return tables * self.num_embeddings * self.dim + self.num_layers * block + self.dim

    def with_vocabulary(self, vocab_size: int) -> "ModelConfig":
        """Return the same shape for another tokenizer."""
        return dataclasses.replace(self, vocab_size=vocab_size)

    def reaching(self, reach: Reach) -> "ModelConfig":
        """Return the same shape with other positions, scaled from this one's original length.

        Raises `ConfigError` if they do not fit.
        """
        if reach.is_as_trained:
            return self
        scaling = reach.rope_scaling
        if scaling.rope_type == "none":
            if scaling != RopeScaling():
                raise ConfigError(
                    "model.rope_scaling.original_max_position_embeddings needs a scaling; give "
                    "model.rope_scaling.rope_type too"
                )
            scaling = self.rope_scaling
        if scaling.original_max_position_embeddings is None:
            scaling = dataclasses.replace(
                scaling, original_max_position_embeddings=self.original_length
            )
        length, base = reach.context_length, reach.rope_base
        return dataclasses.replace(
            self,
            context_length=self.context_length if length is None else length,
            rope_base=self.rope_base if base is None else base,
            rope_scaling=scaling,
        )


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
