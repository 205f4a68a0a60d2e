"""How far a model's positions reach: scaling of the rotary frequencies, at training or on a finished run.

Names and definitions are those of `rope_parameters` (`rope_scaling` before version 5) in Hugging Face's configs. Its `dynamic` is not here:
angles that change while a row grows would make what is decoded depend on the rows beside it.
"""

from dataclasses import dataclass, field
from typing import Literal

from corpus.base.errors import ConfigError
from corpus.base.plain import check_finite

_YARN, _LLAMA3 = (
    ("attention_factor", "beta_fast", "beta_slow"),
    ("low_freq_factor", "high_freq_factor"),
)


@dataclass(frozen=True, kw_only=True)
class RopeScaling:
    """How the rotary frequencies are changed so that positions beyond the trained ones can be told apart."""

    rope_type: Literal["none", "linear", "ntk", "yarn", "llama3"] = "none"
    """none: as the base says. linear: all frequencies divided by the factor (position interpolation, Chen et al. 2023, arXiv:2306.15595).
    ntk: a larger base, which divides the lowest by the factor and leaves the highest (Peng et al. 2023, arXiv:2309.00071, sec. 3.1).
    yarn: slow pairs interpolated, fast ones left, attention sharpened (the same, sec. 3.2 and 3.4). llama3: the same without sharpening, by
    wavelength (Llama 3.1)."""

    factor: float | None = None
    """How many times longer rows can be; None takes model.context_length / original_max_position_embeddings."""

    original_max_position_embeddings: int | None = None
    """Tokens of a row in training before positions were scaled; None takes model.context_length / factor, or on a finished run the run's."""

    attention_factor: float | None = None
    """yarn: what queries and keys are multiplied by; None takes 0.1 ln(factor) + 1, as the paper does."""

    beta_fast: float = 32.0
    """yarn: pairs that turn at least so often within the original length are left as they are."""

    beta_slow: float = 1.0
    """yarn: pairs that turn at most so often within the original length are interpolated whole."""

    low_freq_factor: float = 1.0
    """llama3: pairs with wavelengths above the original length divided by this are interpolated whole."""

    high_freq_factor: float = 4.0
    """llama3: pairs with wavelengths below the original length divided by this are left as they are."""

    def __post_init__(self) -> None:
        where, kind = "model.rope_scaling", self.rope_type
        if kind not in ("none", "linear", "ntk", "yarn", "llama3"):
            raise ConfigError(
                f"{where}.rope_type is {kind!r}; expected none, linear, ntk, yarn or llama3"
            )
        unread = (
            *(("factor",) if kind == "none" else ()),
            *(() if kind == "yarn" else _YARN),
            *(() if kind == "llama3" else _LLAMA3),
        )
        for name in unread:
            if getattr(self, name) != type(self).__dataclass_fields__[name].default:
                raise ConfigError(
                    f"{where}.{name} is {getattr(self, name)}, which {where}.rope_type {kind} does not read; leave it out"
                )
        if self.factor is not None and self.factor < 1:
            raise ConfigError(f"{where}.factor is {self.factor:g}; expected 1 or more")
        length = self.original_max_position_embeddings
        if length is not None and length < 1:
            raise ConfigError(
                f"{where}.original_max_position_embeddings is {length}; expected at least 1"
            )
        if self.attention_factor is not None and self.attention_factor <= 0:
            raise ConfigError(
                f"{where}.attention_factor is {self.attention_factor:g}; expected a positive number"
            )
        if not 0 < self.beta_slow < self.beta_fast:
            raise ConfigError(
                f"{where}.beta_slow is {self.beta_slow:g} and beta_fast {self.beta_fast:g}; expected 0 < slow < fast"
            )
        if not 0 < self.low_freq_factor < self.high_freq_factor:
            raise ConfigError(
                f"{where}.low_freq_factor is {self.low_freq_factor:g} and high_freq_factor {self.high_freq_factor:g}; expected 0 < low < high"
            )


def check_scaling(scaling: RopeScaling, *, context_length: int, head_dim: int) -> None:
    """Raise `ConfigError` where a scaling does not fit the model it is for."""
    where, kind = "model.rope_scaling", scaling.rope_type
    if kind == "none":
        return
    original = scaling.original_max_position_embeddings
    if original is None and (scaling.factor is None or kind in ("yarn", "llama3")):
        raise ConfigError(
            f"{where}.rope_type is {kind}, and the length that is stretched is not known; give {where}.original_max_position_embeddings"
            + (" or factor" if kind in ("linear", "ntk") else "")
        )
    if scaling.factor is None and original is not None and context_length <= original:
        raise ConfigError(
            f"{where}.rope_type is {kind}, and model.context_length {context_length} is no longer than the original {original}; raise "
            f"model.context_length, or give {where}.factor"
        )
    if kind == "ntk" and head_dim < 4:
        raise ConfigError(
            f"{where}.rope_type ntk needs heads of 4 or more features, and these have {head_dim}; take linear"
        )


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How far a finished run's model is to read; what is not given stays as it was trained."""

    context_length: int | None = None
    """Tokens in a row."""

    rope_base: float | None = None
    """Base of the rotary frequencies."""

    rope_scaling: RopeScaling = field(default_factory=RopeScaling)
    """Scaling of the rotary frequencies; `none` stays as it was trained."""

    def __post_init__(self) -> None:
        check_finite(self, where="model")

    @property
    def is_as_trained(self) -> bool:
        """True where nothing is changed."""
        return self == Reach()
