"""Training with int8 matrix products: the linear layers of the blocks round both factors to 8 bits on the way in.

Of the three products of a linear layer, the output and the gradient of the input run in int8, with one scale a row of activations
and one a row of weights; the gradient of the weight, a sum over all tokens of the batch, stays in full precision, since rounding
there is what makes int8 training unstable. The weights themselves are never rounded: they stay plain tensors under their own names,
so optimizer, checkpoints and weight files do not change, and where no gradient is recorded (validation, decoding) the layers are
ordinary ones. Embedding, norms and head are left alone.

Reference: Wortsman et al. 2023 (SwitchBack), arXiv:2304.13013, sec. 2.2. Their variant with one scale for the whole weight is made
for fused kernels; per-row scales cost nothing here and lose less.

Dims: tokens: places of the batch, flattened; inputs, outputs: features of the layer.
"""

from typing import Any

import torch
from jaxtyping import Float, Int8
from torch import Tensor, nn
from torch.nn import functional as F


class Int8Linear(nn.Linear):
    """A linear layer without bias whose forward pass and input gradient are int8 products where gradients are recorded."""

    MULTIPLE = 8
    """CUDA's int8 products need both features of a layer to be multiples of this."""

    def forward(self, input: Float[Tensor, "*places inputs"]) -> Float[Tensor, "*places outputs"]:
        if not torch.is_grad_enabled():
            return F.linear(input, self.weight)
        if torch.is_autocast_enabled(input.device.type):
            input = input.to(torch.get_autocast_dtype(input.device.type))
        flat = input.reshape(-1, self.in_features)
        return _SwitchBack.apply(flat, self.weight).unflatten(0, input.shape[:-1])


class _SwitchBack(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Float[Tensor, "tokens inputs"], weight: Float[Tensor, "outputs inputs"]
    ) -> Float[Tensor, "tokens outputs"]:
        ctx.save_for_backward(x, weight)
        return int8_product(x, weight)

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, gradient: Float[Tensor, "tokens outputs"]
    ) -> tuple[Tensor, Tensor | None]:
        x, weight = ctx.saved_tensors
        by_weight = (gradient.t() @ x).to(weight.dtype) if ctx.needs_input_grad[1] else None
        return int8_product(gradient, weight.t()), by_weight


def int8_product(
    a: Float[Tensor, "rows inner"], b: Float[Tensor, "columns inner"]
) -> Float[Tensor, "rows columns"]:
    """Return a @ bᵀ, both rounded to int8 row by row; the result has the type of `a`."""
    a_int8, a_scale = round_rows(a)
    b_int8, b_scale = round_rows(b)
    product = torch._int_mm(a_int8, b_int8.t())
    return (product * a_scale * b_scale.t()).to(a.dtype)


def round_rows(
    x: Float[Tensor, "rows inner"],
) -> tuple[Int8[Tensor, "rows inner"], Float[Tensor, "rows 1"]]:
    """Return int8 values and one fp32 scale a row, so that values · scale is `x` to within half a scale."""
    wide = x.float()
    scale = wide.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / 127
    return (wide / scale).round().to(torch.int8).contiguous(), scale


def probe(device: torch.device) -> None:
    """Compute one int8 product on `device`; raises `RuntimeError` where this build of PyTorch has none there."""
    ones = torch.ones(32, 32, dtype=torch.int8, device=device)
    torch._int_mm(ones, ones)
