"""How far a model's positions reach: scaling of the rotary frequencies, in training or later.

Names and definitions follow `rope_parameters` of Hugging Face's configs (`rope_scaling` before
version 5). Its `dynamic` type is left out: angles that change while a sequence grows would make
its result depend on the other sequences of the batch.
"""

from dataclasses import dataclass, field
from typing import Literal

from corpus.base.errors import ConfigError
from corpus.base.plain import check_finite
from corpus.config.checks import expect

_WHERE = "model.rope_scaling"
_YARN = ("attention_factor", "beta_fast", "beta_slow")
_LLAMA3 = ("low_freq_factor", "high_freq_factor")


@dataclass(frozen=True, kw_only=True)
class RopeScaling:
    """How rotary frequencies change, so that positions beyond the trained ones differ."""

    rope_type: Literal["none", "linear", "ntk", "yarn", "llama3"] = "none"
    """none: frequencies of rope_base.
    linear: divide all frequencies by the factor (Chen et al. 2023, arXiv:2306.15595).
    ntk: a larger base, for low frequencies (Peng et al. 2023, arXiv:2309.00071, sec. 3.1).
    yarn: interpolate slow pairs, keep fast ones, sharpen attention (the same, sec. 3.2 and 3.4).
    llama3: interpolate by wavelength, without sharpening (Llama 3.1)."""

    factor: float | None = None
    """How many times longer sequences become.
    None: model.context_length / original_max_position_embeddings."""

    original_max_position_embeddings: int | None = None
    """Tokens in a sequence before scaling.
    None: model.context_length / factor; on a finished run, the length it was trained with."""

    attention_factor: float | None = None
    """yarn only: factor of queries and keys. None: 0.1 ln(factor) + 1, as in the paper."""

    beta_fast: float = 32.0
    """yarn only: pairs with at least this many turns in the original length are kept."""

    beta_slow: float = 1.0
    """yarn only: pairs with at most this many turns in the original length are interpolated."""

    low_freq_factor: float = 1.0
    """llama3 only: pairs are interpolated above a wavelength of the original length / this."""

    high_freq_factor: float = 4.0
    """llama3 only: pairs are kept below a wavelength of the original length / this."""

    def __post_init__(self) -> None:
        kind = self.rope_type
        types = ("none", "linear", "ntk", "yarn", "llama3")
        expect(kind in types, f"{_WHERE}.rope_type", kind, "none, linear, ntk, yarn or llama3")
        unread = (
            *(("factor",) if kind == "none" else ()),
            *(() if kind == "yarn" else _YARN),
            *(() if kind == "llama3" else _LLAMA3),
        )
        for name in unread:
            if getattr(self, name) != type(self).__dataclass_fields__[name].default:
                raise ConfigError(
                    f"{_WHERE}.{name} is {getattr(self, name)}, but {_WHERE}.rope_type {kind} does "
                    "not use it; leave it out"
                )
        for name in ("factor", "original_max_position_embeddings"):
            value = getattr(self, name)
            expect(value is None or value >= 1, f"{_WHERE}.{name}", value, "1 or more")
        sharper = self.attention_factor
        is_positive = sharper is None or sharper > 0
        expect(is_positive, f"{_WHERE}.attention_factor", sharper, "a positive number")
        if not 0 < self.beta_slow < self.beta_fast:
            raise ConfigError(
                f"{_WHERE}.beta_slow is {self.beta_slow:g} and beta_fast {self.beta_fast:g}; "
                "expected 0 < slow < fast"
            )
        if not 0 < self.low_freq_factor < self.high_freq_factor:
            raise ConfigError(
                f"{_WHERE}.low_freq_factor is {self.low_freq_factor:g} and high_freq_factor "
                f"{self.high_freq_factor:g}; expected 0 < low < high"
            )


def check_scaling(scaling: RopeScaling, *, context_length: int, head_dim: int) -> None:
    """Raise `ConfigError` if a scaling does not fit its model."""
    kind, original = scaling.rope_type, scaling.original_max_position_embeddings
    if kind == "none":
        return
    if original is None and (scaling.factor is None or kind in ("yarn", "llama3")):
        raise ConfigError(
            f"{_WHERE}.rope_type is {kind}, but the original length is unknown; give "
            f"{_WHERE}.original_max_position_embeddings"
            + (" or factor" if kind in ("linear", "ntk") else "")
        )
    if scaling.factor is None and original is not None and context_length <= original:
        raise ConfigError(
            f"{_WHERE}.rope_type is {kind}, but model.context_length {context_length} is not above "
            f"the original length {original}; raise model.context_length, or give {_WHERE}.factor"
        )
    if kind == "ntk" and head_dim < 4:
        raise ConfigError(
            f"{_WHERE}.rope_type ntk needs heads of width 4 or more, but the width is {head_dim}; "
            "use linear"
        )


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Positions of a finished run's model; what is not given stays as in training."""

    context_length: int | None = None
    """Tokens in a sequence. None: as in training."""

    rope_base: float | None = None
    """Base of the rotary frequencies. None: as in training."""

    rope_scaling: RopeScaling = field(default_factory=RopeScaling)
    """Scaling of the rotary frequencies; none: as in training."""

    def __post_init__(self) -> None:
        check_finite(self, where="model")

    @property
    def is_as_trained(self) -> bool:
        """True if nothing is changed."""
        return self == Reach()
