"""Rotary positions: each pair of a head's features is a point in the plane, turned by an angle that grows with its position.

Features i and i + head_dim/2 form a pair (the half-split convention of Hugging Face's Llama), so weights map one to one. The pair
is the complex number x[i] + i x[i + head_dim/2], and position p multiplies it by exp(i p θ). `rotate_complex` says exactly that;
`rotate_real` computes the same with sines and cosines, which torch.compile can fuse. The product of a query and a key then
depends on the difference of their positions alone.

Reference: Su et al. 2021, arXiv:2104.09864, sec. 3.2.

Dims: batch; seq: positions; heads; head: features of a head, half: head / 2.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def angles(positions: Int[Tensor, "batch seq"], head_dim: int, base: float) -> Float[Tensor, "batch seq half"]:
    """Return the angle of each pair at each position, in radians and fp32: p · base^(-2i / head_dim)."""
    exponents = torch.arange(0, head_dim, 2, device=positions.device, dtype=torch.float32) / head_dim
    return positions[..., None].float() * (1.0 / base**exponents)


def rotate_complex(
    x: Float[Tensor, "batch heads seq head"], theta: Float[Tensor, "#batch seq half"]
) -> Float[Tensor, "batch heads seq head"]:
    """Turn the pairs of `x` by `theta`, in complex numbers: the definition."""
    real, imaginary = x.float().chunk(2, dim=-1)
    turned = torch.complex(real, imaginary) * torch.polar(torch.ones_like(theta), theta)[:, None]
    return torch.cat([turned.real, turned.imag], dim=-1).to(x.dtype)


def rotate_real(
    x: Float[Tensor, "batch heads seq head"], cosine: Float[Tensor, "#batch seq half"], sine: Float[Tensor, "#batch seq half"]
) -> Float[Tensor, "batch heads seq head"]:
    """Turn the pairs of `x` by the angle with this cosine and sine, in real numbers. Computed in fp32 whatever `x` is."""
    first, second = x.float().chunk(2, dim=-1)
    cosine, sine = cosine[:, None], sine[:, None]
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1).to(x.dtype)
