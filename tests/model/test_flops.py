"""The count of operations against PyTorch's own counter, and by hand."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from corpus.config.model import ModelConfig
from corpus.model.flops import attention_flops, linear_flops, training_flops
from corpus.model.weights import build_model

CONFIG = ModelConfig(
    vocab_size=64, dim=32, num_layers=3, num_heads=4, num_kv_heads=2, context_length=24
)


def test_linear_layers_are_what_pytorch_counts() -> None:
    model = build_model(CONFIG, seed=0)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(2, 24, dtype=torch.int64))
    counted = counter.get_flop_counts()["Global"]
    products = sum(count for operation, count in counted.items() if "mm" in str(operation))
    assert linear_flops(CONFIG) * 48 == products


def test_attention_is_what_causality_leaves() -> None:
    """Two products of 32 features with each position a token sees, in three layers."""
    seen = sum(range(1, 25)) / 24
    assert attention_flops(CONFIG, 24) == pytest.approx(3 * 2 * 2 * 32 * seen)


def test_training_is_three_forward_passes() -> None:
    assert training_flops(CONFIG) == 3 * (linear_flops(CONFIG) + attention_flops(CONFIG, 24))
    assert training_flops(CONFIG, 12) < training_flops(CONFIG)
