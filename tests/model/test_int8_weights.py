"""Weights in 8 bits: each within half a step of what it was, the model nearly the same, in a
quarter of the memory."""

import pytest
import torch

from corpus.config.model import ModelConfig
from corpus.model.cache import Cache
from corpus.model.low_precision import keep_in_int8, num_bytes
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model


def _model(*, tied: bool) -> Transformer:
    return build_model(
        ModelConfig(
            vocab_size=300,
            dim=64,
            num_layers=2,
            num_heads=4,
            num_kv_heads=2,
            context_length=32,
            tie_embeddings=tied,
        ),
        seed=4,
    )


def _tokens() -> torch.Tensor:
    return torch.randint(0, 300, (2, 16), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("tied", [True, False])
@torch.no_grad()
def test_the_model_computes_with_the_rounded_weights(tied: bool) -> None:
    """Against an ordinary model whose weights were rounded by the definition."""
    rounded = _model(tied=tied)
    for parameter in rounded.parameters():
        if parameter.ndim == 2:
            scale = parameter.abs().amax(dim=1, keepdim=True) / 127
            parameter.copy_((parameter / scale).round() * scale)
    model = keep_in_int8(_model(tied=tied))
    torch.testing.assert_close(model(_tokens()), rounded(_tokens()), atol=1e-5, rtol=1e-4)
    assert not torch.equal(model(_tokens()), _model(tied=tied)(_tokens()))


@pytest.mark.parametrize("tied", [True, False])
def test_each_weight_is_within_half_a_step(tied: bool) -> None:
    plain, model = _model(tied=tied), keep_in_int8(_model(tied=tied))
    for name, module in plain.named_modules():
        if isinstance(module, (torch.nn.Linear, torch.nn.Embedding)):
            step = module.weight.abs().amax(dim=1, keepdim=True) / 127
            assert ((model.get_submodule(name).weight - module.weight).abs() <= 0.5001 * step).all()  # type: ignore[operator]


def test_memory_is_about_a_quarter() -> None:
    plain, model = _model(tied=True), keep_in_int8(_model(tied=True))
    assert num_bytes(plain) == 4 * plain.config.num_parameters
    assert num_bytes(model) < 0.29 * num_bytes(plain)
    assert not list(model.embedding.parameters())


@torch.no_grad()
def test_it_decodes_with_a_cache() -> None:
    model, tokens = keep_in_int8(_model(tied=True)), _tokens()
    cache = Cache(
        model.config, batch=2, capacity=16, device="cpu", dtype=model.embedding.weight.dtype
    )
    parts = [
        model(part, positions=torch.arange(start, start + 8).expand(2, 8), cache=cache)
        for start, part in zip((0, 8), tokens.split(8, 1))
    ]
    torch.testing.assert_close(torch.cat(parts, dim=1), model(tokens), atol=1e-5, rtol=1e-4)
