"""Low precision: 8-bit matrix products in training, 8-bit weights in inference.

In training the linear layers of the blocks round both factors of a product on the way in. The
weights themselves stay plain tensors under their own names, so optimizer, checkpoints and weight
files do not change; where no gradient is recorded (validation, decoding) the layers are ordinary
ones. Embedding, norms and head stay as they are.

`int8` rounds the output and the gradient of the input, with one scale per row of activations and
one per row of weights. The gradient of the weight, a sum over all tokens of the batch, stays in
full precision: rounding there makes int8 training unstable. Reference: Wortsman et al. 2023
(SwitchBack), arXiv:2304.13013, sec. 2.2; their single scale for a whole weight is made for fused
kernels, while a scale per row costs nothing here and loses less.

`fp8` runs all three products of a layer in 8 bits with one scale per tensor: activations and
weights in e4m3, which rounds more finely, gradients in e5m2, which has a wider range. It needs a
GPU that has such products (NVIDIA's from compute capability 8.9). Reference: Micikevicius et al.
2022, arXiv:2209.05433, sec. 3 and 4.

In inference `keep_in_int8` keeps weights as int8 with one scale per row, a quarter of the memory of
fp32. Each product first turns its weight back into floating point, which saves memory, not time.
Reference: Dettmers et al. 2022 (LLM.int8()), arXiv:2208.07339, sec. 2.1.

Dims: tokens: positions of the batch, flattened; inputs, outputs: features of a layer.
"""

from typing import Any, TypeVar

import torch
from jaxtyping import Float, Int, Int8
from torch import Tensor, nn
from torch.nn import functional as F

from corpus.base.errors import ConfigError, DeviceError

Model = TypeVar("Model", bound=nn.Module)

FORWARD, BACKWARD = torch.float8_e4m3fn, torch.float8_e5m2


def product_dtype(x: Tensor) -> torch.dtype:
    """Return the type matrix products of `x` are computed in: autocast's, else that of `x`."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


class Int8Linear(nn.Linear):
    """A linear layer without bias whose output and input gradient are int8 products in training."""

    MULTIPLE = 8
    """CUDA's int8 products need both features of a layer to be multiples of this."""

    def forward(self, input: Float[Tensor, "*places inputs"]) -> Float[Tensor, "*places outputs"]:
        if not torch.is_grad_enabled():
            return F.linear(input, self.weight)
        flat = input.to(product_dtype(input)).reshape(-1, self.in_features)
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
    """Return a @ bᵀ in the type of `a`, with both factors rounded to int8 row by row."""
    a_int8, a_scale = round_rows(a)
    b_int8, b_scale = round_rows(b)
    product = torch._int_mm(a_int8, b_int8.t())
    return (product * a_scale * b_scale.t()).to(a.dtype)


def round_rows(
    x: Float[Tensor, "rows inner"],
) -> tuple[Int8[Tensor, "rows inner"], Float[Tensor, "rows 1"]]:
    """Return int8 values and a fp32 scale per row: values · scale is `x` to within half a scale."""
    wide = x.float()
    scale = wide.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / 127
    return (wide / scale).round().to(torch.int8).contiguous(), scale


class Float8Linear(nn.Linear):
    """A linear layer without bias whose products are in 8-bit floating point in training."""

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
        if not ctx.needs_input_grad[1]:
            return by_x, None
        return by_x, float8_product(gradient.t(), x.t(), BACKWARD, FORWARD).to(weight.dtype)


def float8_product(
    a: Float[Tensor, "rows inner"],
    b: Float[Tensor, "columns inner"],
    a_type: torch.dtype,
    b_type: torch.dtype,
) -> Float[Tensor, "rows columns"]:
    """Return a @ bᵀ in bf16, with both factors rounded to their 8-bit type and sums in fp32."""
    a_rounded, a_scale = round_tensor(a, a_type)
    b_rounded, b_scale = round_tensor(b, b_type)
    return torch._scaled_mm(
        a_rounded, b_rounded.t(), scale_a=a_scale, scale_b=b_scale, out_dtype=torch.bfloat16
    )


def round_tensor(
    x: Float[Tensor, "rows inner"], kind: torch.dtype
) -> tuple[Tensor, Float[Tensor, ""]]:
    """Return 8-bit values, row by row in memory, and a scale: values · scale is about `x`."""
    largest = torch.finfo(kind).max
    scale = x.abs().amax().float().clamp_min(1e-12) / largest
    return (x.float() / scale).clamp(-largest, largest).to(kind).contiguous(), scale


LAYERS: dict[str, type[Int8Linear] | type[Float8Linear]] = {
    "int8": Int8Linear,
    "fp8": Float8Linear,
}
"""The layer of each 8-bit precision; every other precision computes with ordinary layers."""


def compute_in(model: Model, precision: str) -> Model:
    """Make the linear layers of `model.blocks` compute in `precision` in training, in place.

    Layers that keep their weight in 4 bits, and adapters, stay what they are.

    Raises:
        ConfigError: a layer's width does not suit the products.
        DeviceError: the model's device has no such products.
    """
    blocks, kind = model.get_submodule("blocks"), LAYERS.get(precision)
    layers = {
        name: module
        for name, module in blocks.named_modules()
        if isinstance(module, nn.Linear)
        and type(module) in (nn.Linear, *LAYERS.values())
        and ".lora_" not in name
    }
    if kind is not None:
        check_device(next(blocks.parameters()).device, precision)
        for name, module in layers.items():
            if module.in_features % kind.MULTIPLE or module.out_features % kind.MULTIPLE:
                raise ConfigError(
                    f"blocks.{name} is {module.in_features} by {module.out_features}; {precision} "
                    f"needs multiples of {kind.MULTIPLE}. Change model.dim, model.head_dim or "
                    "model.ffn_dim, or use another runtime.precision"
                )
    for module in layers.values():
        module.__class__ = kind or nn.Linear
    return model


def check_device(device: torch.device, precision: str) -> None:
    """Raise `DeviceError` if the device has no products in an 8-bit precision."""
    try:
        if precision == "int8":
            ones = torch.ones(32, 32, dtype=torch.int8, device=device)
            torch._int_mm(ones, ones)
        else:
            ones = torch.ones(32, 32, device=device)
            float8_product(ones, ones, FORWARD, FORWARD)
            float8_product(ones, ones, BACKWARD, FORWARD)
    except (RuntimeError, NotImplementedError, ValueError) as error:
        first_line = next(iter(str(error).strip().splitlines()), "")
        raise DeviceError(
            f"runtime.precision {precision} does not work on {device} with PyTorch "
            f"{torch.__version__} ({first_line}); use another precision, or auto"
        ) from None


class _Rounded(nn.Module):
    """A weight as int8 and one scale per row."""

    def __init__(self, weight: Float[Tensor, "outputs inputs"]) -> None:
        super().__init__()
        values, scale = round_rows(weight.detach())
        self.values, self.scale = nn.Buffer(values), nn.Buffer(scale)

    @property
    def weight(self) -> Float[Tensor, "outputs inputs"]:
        """The weight in fp32."""
        return self.values.to(self.scale.dtype) * self.scale


class Int8WeightLinear(_Rounded):
    """A linear layer without bias; its outputs are scaled instead of its weight."""

    def forward(self, x: Float[Tensor, "*places inputs"]) -> Float[Tensor, "*places outputs"]:
        return F.linear(x, self.values.to(x.dtype)) * self.scale.squeeze(1).to(x.dtype)


class Int8WeightEmbedding(_Rounded):
    """A table of embeddings."""

    def forward(self, tokens: Int[Tensor, "batch seq"]) -> Float[Tensor, "batch seq inputs"]:
        return self.values[tokens].to(self.scale.dtype) * self.scale[tokens]


@torch.no_grad()
def keep_in_int8(model: Model) -> Model:
    """Round the weights of all linear layers and embeddings to int8, in place, for inference."""
    kinds = {nn.Linear: Int8WeightLinear, nn.Embedding: Int8WeightEmbedding}
    for name, module in list(model.named_modules()):
        if type(module) in kinds:
            model.set_submodule(name, kinds[type(module)](module.weight))
    return model


def num_bytes(model: nn.Module) -> int:
    """Return the bytes of memory that the weights take."""
    return sum(
        tensor.numel() * tensor.element_size() for tensor in (*model.parameters(), *model.buffers())
    )
