"""Rotary positions: pairs of features are rotated by an angle that grows with the position.

Features i and i + head_dim/2 of a head form a pair (the half-split convention of Hugging Face's
Llama), so weights map one to one. The pair is the complex number x[i] + i x[i + head_dim/2], and
position p multiplies it by exp(i p θ). `rotate_complex` does exactly that; `rotate_real` computes
the same with sines and cosines, which torch.compile can fuse. The product of a query and a key then
depends on the difference of their positions alone. `frequencies` returns the θ, scaled where
sequences are longer than those of training.

Reference: Su et al. 2021, arXiv:2104.09864, sec. 3.2.

Dims: batch; seq: positions; heads; head: features of a head; half: head / 2.
"""

import math

import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from corpus.config.model import ModelConfig


def frequencies(config: ModelConfig, device: torch.device | str = "cpu") -> Float[Tensor, " half"]:
    """Return each pair's angle from one position to the next: base^(-2i / head_dim), scaled.

    In radians and fp32.
    """
    head_dim, base, factor = config.resolved_head_dim, config.rope_base, config.rope_factor
    match config.rope_scaling.rope_type:
        case "none":
            return _frequencies(head_dim, base, device)
        case "linear":
            return _frequencies(head_dim, base, device) / factor
        case "ntk":
            return _frequencies(head_dim, ntk_base(config), device)
        case "yarn":
            return _yarn(config, _frequencies(head_dim, base, device), factor)
        case "llama3":
            return _llama3(config, _frequencies(head_dim, base, device), factor)


def magnitude(config: ModelConfig) -> float:
    """Return what rotated queries and keys are multiplied by: 1, but more under yarn.

    Yarn makes attention sharper in longer sequences.
    """
    if config.rope_scaling.rope_type != "yarn":
        return 1.0
    given = config.rope_scaling.attention_factor
    return 0.1 * math.log(config.rope_factor) + 1.0 if given is None else given


def ntk_base(config: ModelConfig) -> float:
    """Return the base whose lowest frequency is the given base's divided by the factor."""
    head_dim = config.resolved_head_dim
    return config.rope_base * config.rope_factor ** (head_dim / (head_dim - 2))


def _frequencies(head_dim: int, base: float, device: torch.device | str) -> Float[Tensor, " half"]:
    exponents = torch.arange(0, head_dim, 2, device=device, dtype=torch.float32) / head_dim
    return 1.0 / base**exponents


def _yarn(
    config: ModelConfig, plain: Float[Tensor, " half"], factor: float
) -> Float[Tensor, " half"]:
    """Interpolate slow pairs, leave fast ones, and blend linearly over the pairs between.

    Reference: Peng et al. 2023, arXiv:2309.00071, sec. 3.2; as there and in Hugging Face's, whole
    pairs bound the line.
    """
    scaling, head_dim = config.rope_scaling, config.resolved_head_dim

    def pair_that_turns(times: float) -> float:
        return (
            head_dim
            * math.log(config.original_length / (times * 2 * math.pi))
            / (2 * math.log(config.rope_base))
        )

    first = max(math.floor(pair_that_turns(scaling.beta_fast)), 0)
    last = min(math.ceil(pair_that_turns(scaling.beta_slow)), head_dim - 1)
    span = last - first if last != first else 0.001
    pairs = torch.arange(head_dim // 2, device=plain.device, dtype=torch.float32)
    interpolated = ((pairs - first) / span).clamp(0, 1)
    return plain / factor * interpolated + plain * (1 - interpolated)


def _llama3(
    config: ModelConfig, plain: Float[Tensor, " half"], factor: float
) -> Float[Tensor, " half"]:
    """Interpolate pairs by how often they turn within the original length.

    Fully below `low_freq_factor`, not at all above `high_freq_factor`. Reference: Llama 3.1's
    `apply_scaling` (github.com/meta-llama/llama-models, models/llama3/model.py).
    """
    low, high = config.rope_scaling.low_freq_factor, config.rope_scaling.high_freq_factor
    turns = config.original_length * plain / (2 * math.pi)
    left = ((turns - low) / (high - low)).clamp(0, 1)
    return plain / factor * (1 - left) + plain * left


def angles(
    positions: Int[Tensor, "batch seq"], frequencies: Float[Tensor, " half"]
) -> Float[Tensor, "batch seq half"]:
    """Return the angle of each pair at each position, in radians and fp32."""
    return positions[..., None].float() * frequencies


def turns(
    theta: Float[Tensor, "batch seq half"], magnitude: float = 1.0
) -> Complex[Tensor, "batch seq half"]:
    """Return the complex numbers that turn pairs by `theta` and multiply them by `magnitude`."""
    return torch.polar(torch.full_like(theta, magnitude), theta)


def rotate_complex(
    x: Float[Tensor, "batch heads seq head"], turn: Complex[Tensor, "#batch seq half"]
) -> Float[Tensor, "batch heads seq head"]:
    """Turn the pairs of `x`, in complex numbers: the definition."""
    real, imaginary = x.float().chunk(2, dim=-1)
    turned = torch.complex(real, imaginary) * turn[:, None]
    return torch.cat([turned.real, turned.imag], dim=-1).to(x.dtype)


def rotate_real(
    x: Float[Tensor, "batch heads seq head"],
    cosine: Float[Tensor, "#batch seq half"],
    sine: Float[Tensor, "#batch seq half"],
) -> Float[Tensor, "batch heads seq head"]:
    """Turn the pairs of `x` by the angle with this cosine and sine, in fp32 whatever `x` is."""
    first, second = x.float().chunk(2, dim=-1)
    cosine, sine = cosine[:, None], sine[:, None]
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1).to(
        x.dtype
    )
