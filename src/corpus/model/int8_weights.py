"""Weights kept in 8 bits for inference: one scale a row, products in the type of the activations.

A quarter of the memory of fp32 (and one scale a row). Each product first turns its weight back into floating point, so that this
saves memory, not time. Norms stay as they are.

Reference: Dettmers et al. 2022 (LLM.int8()), arXiv:2208.07339, sec. 2.1 (absolute maximum, by row).

Dims: inputs, outputs: features of a layer; rows: tokens of a table.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from corpus.model.int8 import round_rows
from corpus.model.transformer import Transformer


class _Rounded(nn.Module):
    """A weight as int8 and one scale a row."""

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
def keep_in_int8(model: Transformer) -> Transformer:
    """Round the weights of all linear layers and tables to int8, in place. The model is for inference from then on."""
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
