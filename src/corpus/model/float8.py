"""Training with 8-bit floating-point matrix products, for GPUs that have them (NVIDIA's from compute capability 8.9 on).

All three products of a linear layer run in 8 bits with one scale a tensor: activations and weights with 4 bits of exponent (e4m3), whose
3 bits of mantissa round more finely, gradients with 5 (e5m2), whose range is wider. As with int8 the weights themselves stay plain
tensors, the head, the embedding and the norms are left alone, and without gradients the layers are ordinary ones.

Reference: Micikevicius et al. 2022, arXiv:2209.05433, sec. 3 and 4.

Dims: tokens: places of the batch, flattened; inputs, outputs: features of the layer.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

FORWARD, BACKWARD = torch.float8_e4m3fn, torch.float8_e5m2


class Float8Linear(nn.Linear):
    """A linear layer without bias whose products are in 8 bits where gradients are recorded."""

    MULTIPLE = 16
    """The products need every side to be a multiple of this."""

    def forward(self, input: Float[Tensor, "*places inputs"]) -> Float[Tensor, "*places outputs"]:
        if not torch.is_grad_enabled():
            return F.linear(input, self.weight)
        flat = input.reshape(-1, self.in_features).bfloat16()
        places = len(flat)
        padded = F.pad(flat, (0, 0, 0, -places % self.MULTIPLE))
        return _Float8.apply(padded, self.weight)[:places].unflatten(0, input.shape[:-1])


class _Float8(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Float[Tensor, "tokens inputs"], weight: Float[Tensor, "outputs inputs"]
    ) -> Float[Tensor, "tokens outputs"]:
        ctx.save_for_backward(x, weight)
        return float8_product(x, weight, FORWARD, FORWARD)

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, gradient: Float[Tensor, "tokens outputs"]
    ) -> tuple[Tensor, Tensor | None]:
        x, weight = ctx.saved_tensors
        gradient = gradient.bfloat16()
        by_x = float8_product(gradient, weight.t(), BACKWARD, FORWARD)
        by_weight = (
            float8_product(gradient.t(), x.t(), BACKWARD, FORWARD).to(weight.dtype)
            if ctx.needs_input_grad[1]
            else None
        )
        return by_x, by_weight


def float8_product(
    a: Float[Tensor, "rows inner"],
    b: Float[Tensor, "columns inner"],
    a_type: torch.dtype,
    b_type: torch.dtype,
) -> Float[Tensor, "rows columns"]:
    """Return a @ bᵀ in bf16, both rounded to their 8-bit type; sums are in fp32."""
    a_rounded, a_scale = round_tensor(a, a_type)
    b_rounded, b_scale = round_tensor(b, b_type)
    return torch._scaled_mm(
        a_rounded, b_rounded.t(), scale_a=a_scale, scale_b=b_scale, out_dtype=torch.bfloat16
    )


def round_tensor(
    x: Float[Tensor, "rows inner"], kind: torch.dtype
) -> tuple[Tensor, Float[Tensor, ""]]:
    """Return 8-bit values, row by row in memory, and their scale, so that values · scale is about `x` and none overflows."""
    largest = torch.finfo(kind).max
    scale = x.abs().amax().float().clamp_min(1e-12) / largest
    return (x.float() / scale).clamp(-largest, largest).to(kind).contiguous(), scale


def probe(device: torch.device) -> None:
    """Compute one product of each kind on `device`; raises `RuntimeError` where it has none."""
    ones = torch.ones(32, 32, device=device)
    float8_product(ones, ones, FORWARD, FORWARD)
    float8_product(ones, ones, BACKWARD, FORWARD)
