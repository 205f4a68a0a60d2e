"""Scaled dot-product attention, by the kernel that suits the mask and the device.

The CPU's fused attention kernel reaches half the rate of a matrix product, and with a mask it also
computes the half of the scores that causality hides. Where a sequence is short enough to keep its
scores, plain batched products over blocks of queries are faster once they are compiled.

Dims: as in `transformer.py`.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention.flex_attention import BlockMask, flex_attention

Mask = Tensor | BlockMask
"""What hides positions: a tensor [#batch 1 seq slots] that is added to the scores, or blocks for a
kernel that skips hidden ones."""

BLOCK = 64
"""Queries in a block. Smaller blocks hide more and make smaller products."""

LONGEST = 512
"""Longest sequence whose scores are kept for the backward pass; they grow with its square."""


def attend(
    query: Float[Tensor, "batch heads seq head"],
    key: Float[Tensor, "batch kv slots head"],
    value: Float[Tensor, "batch kv slots head"],
    mask: Mask | None,
) -> Float[Tensor, "batch heads seq head"]:
    """Return the values mixed by attention.

    A tensor `mask` is added to the scores (0 or -inf), a `BlockMask` says which blocks to compute,
    and None means causal.
    """
    if isinstance(mask, BlockMask):
        mixed = flex_attention(
            query, key, value, block_mask=mask, enable_gqa=query.shape[1] > key.shape[1]
        )
        assert isinstance(mixed, Tensor)
        return mixed
    if mask is not None and torch.compiler.is_compiling() and suits_blocks(query, key):
        return attend_in_blocks(query, key, value, mask)
    group = query.shape[1] // key.shape[1]
    if mask is not None and query.is_cuda and group > 1:
        # No fused CUDA kernel takes a mask and grouped heads; the CPU's takes both.
        key, value = (each.repeat_interleave(group, dim=1) for each in (key, value))
        group = 1
    return F.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, is_causal=mask is None, enable_gqa=group > 1
    )


def suits_blocks(
    query: Float[Tensor, "batch heads seq head"], key: Float[Tensor, "batch kv slots head"]
) -> bool:
    """Return whether `attend_in_blocks` is faster: on a CPU, for a few whole blocks of queries."""
    seq = query.shape[2]
    return (
        query.device.type == "cpu"
        and seq == key.shape[2]
        and BLOCK < seq <= LONGEST
        and seq % BLOCK == 0
    )


def attend_in_blocks(
    query: Float[Tensor, "batch heads seq head"],
    key: Float[Tensor, "batch kv seq head"],
    value: Float[Tensor, "batch kv seq head"],
    mask: Float[Tensor, "#batch 1 seq seq"],
) -> Float[Tensor, "batch heads seq head"]:
    """Return the same as `attend` with a `mask` that hides every later position."""
    blocks = [
        _block(
            query[:, :, end - BLOCK : end],
            key[:, :, :end],
            value[:, :, :end],
            mask[:, :, end - BLOCK : end, :end],
        )
        for end in range(BLOCK, query.shape[2] + 1, BLOCK)
    ]
    return torch.cat(blocks, dim=2)


def _block(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """Attend from one block of queries; heads that share a key are rows of one product."""
    batch, heads, seq, head = query.shape
    kv, slots = key.shape[1], key.shape[2]
    group = heads // kv
    rows = query.unflatten(1, (kv, group)).reshape(batch * kv, group * seq, head)
    keys, values = key.reshape(batch * kv, slots, head), value.reshape(batch * kv, slots, head)
    scores = torch.bmm(rows * head**-0.5, keys.transpose(1, 2)).view(batch, kv, group, seq, slots)
    weights = torch.softmax((scores + mask[:, :, None]).float(), dim=-1).to(value.dtype)
    return torch.bmm(weights.view(batch * kv, group * seq, slots), values).view(
        batch, heads, seq, head
    )
