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

from corpus.base.errors import ConfigError, DeviceError
from corpus.model.transformer import Transformer

MULTIPLE = 8
"""CUDA's int8 products need both features of a layer to be multiples of this."""


def prepare_int8(model: Transformer) -> Transformer:
    """Make the linear layers of the blocks compute in int8 while training, in place; parameters and their names stay.

    Raises:
        ConfigError: a layer's width is not a multiple of 8.
        DeviceError: this build of PyTorch has no int8 product on the model's device.
    """
    for name, module in model.blocks.named_modules():
        if type(module) is nn.Linear:
            if module.in_features % MULTIPLE or module.out_features % MULTIPLE:
                raise ConfigError(
                    f"blocks.{name} is {module.in_features} by {module.out_features}; int8 needs multiples of {MULTIPLE}. Change "
                    "model.dim, model.head_dim or model.ffn_dim, or use runtime.precision fp32"
                )
            module.__class__ = Int8Linear
    _check_device(model.embedding.weight.device)
    return model


class Int8Linear(nn.Linear):
    """A linear layer without bias whose forward pass and input gradient are int8 products where gradients are recorded."""

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
    def backward(ctx: Any, gradient: Float[Tensor, "tokens outputs"]) -> tuple[Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight = ctx.saved_tensors
        return int8_product(gradient, weight.t()), (gradient.t() @ x).to(weight.dtype)


def int8_product(a: Float[Tensor, "rows inner"], b: Float[Tensor, "columns inner"]) -> Float[Tensor, "rows columns"]:
    """Return a @ bᵀ, both rounded to int8 row by row; the result has the type of `a`."""
    a_int8, a_scale = round_rows(a)
    b_int8, b_scale = round_rows(b)
    product = torch._int_mm(a_int8, b_int8.t())
    return (product * a_scale * b_scale.t()).to(a.dtype)


def round_rows(x: Float[Tensor, "rows inner"]) -> tuple[Int8[Tensor, "rows inner"], Float[Tensor, "rows 1"]]:
    """Return int8 values and one fp32 scale a row, so that values · scale is `x` to within half a scale."""
    wide = x.float()
    scale = wide.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / 127
    return (wide / scale).round().to(torch.int8).contiguous(), scale


def _check_device(device: torch.device) -> None:
    probe = torch.ones(32, 32, dtype=torch.int8, device=device)
    try:
        torch._int_mm(probe, probe)
    except (RuntimeError, NotImplementedError) as error:
        raise DeviceError(
            f"runtime.precision int8 does not work on {device} with PyTorch {torch.__version__} ({error}); use fp32 or auto"
        ) from None
