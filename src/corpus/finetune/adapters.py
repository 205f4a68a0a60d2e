"""Adapters: small matrices beside frozen weights (LoRA), which may be kept in 4 bits (QLoRA).

Both are peft's own layers. `add_adapters` puts them into a model, which then trains by the same
loop; `merged_tensors` returns weights for an ordinary model of the same shape, `adapter_tensors`
the adapters alone.

References: Hu et al. 2021 (LoRA), arXiv:2106.09685, sec. 4.1; Dettmers et al. 2023 (QLoRA),
arXiv:2305.14314, sec. 3.

Dims: inputs, outputs: features of a layer.
"""

import copy
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import MethodType
from typing import Any, cast

import torch
from torch import Tensor, nn

from corpus.config.finetune import AdapterConfig
from corpus.model.transformer import Transformer

NAME = "default"
"""peft's name for an adapter without a name of its own."""

TABLES = ("embedding", "unembedding")
"""The modules whose rows are tokens."""


def add_adapters(
    model: Transformer,
    config: AdapterConfig,
    *,
    symbols: Sequence[int],
    seed: int,
    in_4_bits: bool,
    dtype: torch.dtype = torch.float32,
) -> Transformer:
    """Freeze the model's weights and put adapters beside them, in place.

    Args:
        model: an ordinary model.
        config: where adapters go, and how large they are.
        symbols: ids of the tokens whose embeddings are trained where the config asks for it.
        seed: decides the adapters' first weights; PyTorch's global generator does not change.
        in_4_bits: round the frozen weights of the blocks' linear layers to NF4.
        dtype: type of the products with 4-bit weights.
    """
    with _quiet_imports():
        from peft import inject_adapter_in_model
    if in_4_bits:
        _round_to_nf4(model, dtype)
    peft_config = lora_config(
        config, symbols, tables=[name for name in TABLES if getattr(model, name) is not None]
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(peft_config, model, adapter_name=NAME)
    return model


def lora_config(
    config: AdapterConfig, symbols: Sequence[int], *, tables: list[str], **settings: Any
) -> Any:
    """Return peft's `LoraConfig` for our config; `settings` are further fields of it."""
    with _quiet_imports():
        from peft import LoraConfig
    return LoraConfig(
        **{
            "r": config.rank,
            "lora_alpha": config.alpha,
            "target_modules": list(config.layers),
            "trainable_token_indices": {table: list(symbols) for table in tables}
            if config.symbols
            else None,
            **settings,
        }
    )


@torch.no_grad()
def merged_tensors(model: Transformer) -> dict[str, Tensor]:
    """Return weights for an ordinary model that computes the same as the model with its adapters.

    By name, fp32 on the CPU. Weights that were rounded to 4 bits stay rounded.
    """
    merged, modules = {}, dict(model.named_modules())
    for name, parameter in model.named_parameters():
        place, _, last = name.removesuffix(".weight").rpartition(".")
        if last == "base_layer":
            owner = place.removesuffix(".token_adapter")
            merged[f"{owner}.weight"] = _merged(modules[owner])
        elif not parameter.requires_grad:
            merged[name] = _unpacked(parameter)  # without an adapter, but possibly in 4 bits
    return {name: tensor.detach().float().cpu().contiguous() for name, tensor in merged.items()}


def adapter_tensors(model: Transformer) -> dict[str, Tensor]:
    """Return the trained weights by peft's names: `blocks.0.attention.query.lora_A.weight`."""
    return {
        name.replace(f".{NAME}", "", 1): parameter.detach().float().cpu().contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def num_trained(model: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _merged(module: Any) -> Tensor:
    """Return the weight [outputs inputs] of a peft layer, its adapter included."""
    if hasattr(module, "token_adapter"):
        return module.weight
    return _unpacked(module.base_layer.weight).float() + module.get_delta_weight(NAME).float()


def _unpacked(weight: Tensor) -> Tensor:
    """Return a weight [outputs inputs] in floating point, also where it is kept as NF4."""
    packed = getattr(weight, "quant_state", None)
    if packed is None:
        return weight
    with _quiet_imports():
        from bitsandbytes.functional import dequantize_4bit
    state = copy.copy(packed)
    if weight.numel() * 2 % packed.blocksize == 0:  # two weights are a byte
        # A block a row: with AVX-512 the library is wrong where a row ends inside a block.
        state.shape = torch.Size((weight.numel() * 2 // packed.blocksize, packed.blocksize))
    return dequantize_4bit(weight.data, state).reshape(packed.shape)


class _Product(torch.autograd.Function):
    """The product of `x` [tokens inputs] with a weight in NF4, which is unpacked for each pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.weight = weight
        return x @ _unpacked(weight).to(x.dtype).T

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        return gradient @ _unpacked(ctx.weight).to(gradient.dtype), None


def _forward_on_cpu(module: Any, x: Tensor) -> Tensor:
    """Compute a layer of 4-bit weights alike on all CPUs.

    The library's own way is wrong or rounds to bf16 on CPUs with AVX-512, depending on the shape.
    """
    dtype = module.compute_dtype or x.dtype
    return cast(Tensor, _Product.apply(x.to(dtype), module.weight)).to(x.dtype)


def _round_to_nf4(model: Transformer, dtype: torch.dtype) -> None:
    """Replace the blocks' linear layers by ones that keep their weight as NF4.

    A block of 64 weights has one scale, itself in 8 bits.
    """
    with _quiet_imports():
        from bitsandbytes import nn as four_bits
    kinds, settings = cast(Any, four_bits), {"quant_type": "nf4", "compress_statistics": True}
    linear = {
        name: module
        for name, module in model.blocks.named_modules()
        if isinstance(module, nn.Linear)
    }
    for name, old in linear.items():
        new = kinds.Linear4bit(
            old.in_features,
            old.out_features,
            bias=False,
            compute_dtype=dtype,
            device="meta",
            **settings,
        )
        new.weight = kinds.Params4bit(
            old.weight.data.float().cpu(), requires_grad=False, module=new, **settings
        )
        if old.weight.device.type == "cpu":
            new.forward = MethodType(_forward_on_cpu, new)
        model.blocks.set_submodule(name, new.to(old.weight.device))


@contextmanager
def _quiet_imports() -> Iterator[None]:
    """Hide the warnings that these packages give while they are imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
