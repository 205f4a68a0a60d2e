"""Scaled dot-product attention, by the kernel that suits the mask and the device.

Dims: as in `transformer.py`.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from corpus.model import in_blocks

Mask = Tensor | BlockMask
"""What hides positions: [#batch 1 seq slots], added to the scores; or, for kernels that leave out what is hidden, blocks."""


def attend(
    query: Float[Tensor, "batch heads seq head"],
    key: Float[Tensor, "batch kv slots head"],
    value: Float[Tensor, "batch kv slots head"],
    mask: Mask | None,
) -> Float[Tensor, "batch heads seq head"]:
    """Scaled dot-product attention; `mask` is added to the scores (0 or -inf) or says which blocks to compute, None means causal."""
    if isinstance(mask, BlockMask):
        mixed = flex_attention(
            query, key, value, block_mask=mask, enable_gqa=query.shape[1] > key.shape[1]
        )
        assert isinstance(mixed, Tensor)
        return mixed
    if mask is not None and torch.compiler.is_compiling() and in_blocks.suits(query, key):
        return in_blocks.attend(query, key, value, mask)
    group = query.shape[1] // key.shape[1]
    if mask is not None and query.is_cuda and group > 1:
        # No fused CUDA kernel takes both a mask and grouped heads; with the heads repeated there is one. The CPU's takes both.
        key, value, group = (
            key.repeat_interleave(group, dim=1),
            value.repeat_interleave(group, dim=1),
            1,
        )
    return F.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, is_causal=mask is None, enable_gqa=group > 1
    )
