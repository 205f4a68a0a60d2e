"""Shapes in the model's signatures are checked while the tests run (the option stands in
pyproject.toml)."""

import pytest
import torch
from jaxtyping import TypeCheckError

from corpus.config.model import ModelConfig
from corpus.model.transformer import Transformer


def test_a_wrong_shape_or_type_is_caught() -> None:
    config = ModelConfig(
        vocab_size=64, dim=16, num_layers=1, num_heads=2, num_kv_heads=1, context_length=8
    )
    model, tokens = Transformer(config), torch.zeros(2, 8, dtype=torch.int64)
    assert model(tokens).shape == (2, 8, 64)
    with pytest.raises(TypeCheckError):
        model(tokens.float())
    with pytest.raises(TypeCheckError):
        model(tokens[0])
