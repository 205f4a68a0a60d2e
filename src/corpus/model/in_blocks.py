"""Causal attention in blocks of queries, for a compiler on a CPU.

The CPU's fused attention kernel reaches half of the rate of a matrix product, and with a mask it computes the half of the scores that
causality hides. Where rows are short enough for their scores to be kept, plain batched products over blocks of queries, each with
the keys up to its own end, are faster; the compiler fuses what lies between them.

Dims: batch; heads: query heads; kv: key/value heads; seq: positions; head: features of a head.
"""

import torch
from jaxtyping import Float
from torch import Tensor

BLOCK = 64
"""Queries in a block. Smaller blocks hide more and make smaller products."""

LONGEST = 512
"""Longest row whose scores are kept for the backward pass; they grow with the square of it."""


def suits(
    query: Float[Tensor, "batch heads seq head"], key: Float[Tensor, "batch kv slots head"]
) -> bool:
    """Return whether this way is the faster one: on a CPU, in rows of several whole blocks, none of them too long."""
    seq = query.shape[2]
    return (
        query.device.type == "cpu"
        and seq == key.shape[2]
        and BLOCK < seq <= LONGEST
        and seq % BLOCK == 0
    )


def attend(
    query: Float[Tensor, "batch heads seq head"],
    key: Float[Tensor, "batch kv seq head"],
    value: Float[Tensor, "batch kv seq head"],
    mask: Float[Tensor, "#batch 1 seq seq"],
) -> Float[Tensor, "batch heads seq head"]:
    """Return the same as fused attention with `mask`, which must hide every later position."""
    ends = range(BLOCK, query.shape[2] + 1, BLOCK)
    blocks = [
        _block(
            query[:, :, end - BLOCK : end],
            key[:, :, :end],
            value[:, :, :end],
            mask[:, :, end - BLOCK : end, :end],
        )
        for end in ends
    ]
    return torch.cat(blocks, dim=2)


def _block(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """One block of queries; the heads that share a key are rows of one product."""
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
