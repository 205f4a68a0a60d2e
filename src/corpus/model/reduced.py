"""Which kind of linear layer the blocks compute with: ordinary ones, or ones that round to 8 bits while training."""

import torch
from torch import nn

from corpus.base.errors import ConfigError, DeviceError
from corpus.model import float8, int8
from corpus.model.float8 import Float8Linear
from corpus.model.int8 import Int8Linear
from corpus.model.transformer import Transformer

KINDS: dict[str, type[Int8Linear] | type[Float8Linear]] = {"int8": Int8Linear, "fp8": Float8Linear}
"""By the name of the precision; every other precision computes with ordinary layers."""

KNOWN = (nn.Linear, *KINDS.values())
"""The layers that take turns; others, such as ones that keep their weight in 4 bits, stay what they are, and so do adapters."""

PROBES = {"int8": int8.probe, "fp8": float8.probe}


def compute_in(model: Transformer, precision: str) -> Transformer:
    """Make the blocks' linear layers compute in `precision` while training, in place; parameters and their names stay.

    Raises:
        ConfigError: a layer's width does not suit the products.
        DeviceError: the model's device has no such products.
    """
    kind = KINDS.get(precision)
    layers = {
        name: module
        for name, module in model.blocks.named_modules()
        if isinstance(module, nn.Linear) and type(module) in KNOWN and ".lora_" not in name
    }
    if kind is not None:
        check_device(model.embedding.weight.device, precision)
        for name, module in layers.items():
            if module.in_features % kind.MULTIPLE or module.out_features % kind.MULTIPLE:
                raise ConfigError(
                    f"blocks.{name} is {module.in_features} by {module.out_features}; {precision} needs multiples of {kind.MULTIPLE}. Change "
                    "model.dim, model.head_dim or model.ffn_dim, or use another runtime.precision"
                )
    for module in layers.values():
        module.__class__ = kind or nn.Linear
    return model


def check_device(device: torch.device, precision: str) -> None:
    """Raise `DeviceError` where the device has no products in an 8-bit precision."""
    try:
        PROBES[precision](device)
    except (RuntimeError, NotImplementedError, ValueError) as error:
        first_line = next(iter(str(error).strip().splitlines()), "")
        raise DeviceError(
            f"runtime.precision {precision} does not work on {device} with PyTorch {torch.__version__} ({first_line}); use another or auto"
        ) from None
