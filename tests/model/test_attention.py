"""Attention in blocks equals fused attention, gradients included."""

import pytest
import torch
from torch.nn import functional as F

from corpus.model import attention
from corpus.model.transformer import document_mask


@pytest.mark.parametrize("kv", [1, 2, 4])
def test_it_equals_fused_attention(kv: int) -> None:
    generator = torch.Generator().manual_seed(0)
    query, key, value = (
        torch.randn(3, 192, heads, 8, generator=generator).transpose(1, 2).requires_grad_()
        for heads in (4, kv, kv)
    )
    documents = (torch.rand(3, 192, generator=generator) < 0.02).cumsum(1)
    mask = document_mask(documents)
    expected = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, enable_gqa=True)
    found = attention.attend_in_blocks(query, key, value, mask)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    weight = torch.randn(expected.shape, generator=generator)
    for ours, theirs in zip(
        *(torch.autograd.grad((y * weight).sum(), (query, key, value)) for y in (found, expected))
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("seq", "slots", "suits"),
    [
        (256, 256, True),
        (512, 512, True),
        (64, 64, False),
        (100, 100, False),
        (1024, 1024, False),
        (64, 128, False),
    ],
)
def test_it_is_for_sequences_of_whole_blocks(seq: int, slots: int, suits: bool) -> None:
    assert attention.suits_blocks(torch.empty(1, 2, seq, 4), torch.empty(1, 1, slots, 4)) is suits
