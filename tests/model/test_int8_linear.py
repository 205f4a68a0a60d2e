"""Training with int8 products: it rounds, it learns, and its weights stay plain."""

import dataclasses
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from corpus.base.errors import ConfigError
from corpus.config.model import ModelConfig
from corpus.model.low_precision import Int8Linear, compute_in, int8_product, round_rows
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model, load_model, save_model

CONFIG = ModelConfig(
    vocab_size=64, dim=32, num_layers=2, num_heads=4, num_kv_heads=2, context_length=16
)
TOKENS = torch.randint(0, 64, (4, 16), generator=torch.Generator().manual_seed(0))


def _loss(model: Transformer) -> torch.Tensor:
    return F.cross_entropy(model(TOKENS)[:, :-1].flatten(0, 1), TOKENS[:, 1:].flatten())


@settings(max_examples=30)
@given(
    rows=st.integers(1, 20),
    inner=st.sampled_from([8, 24]),
    scale=st.sampled_from([1e-6, 1.0, 1e5]),
    seed=st.integers(0, 99),
)
def test_rounding_is_within_half_a_step(rows: int, inner: int, scale: float, seed: int) -> None:
    x = scale * torch.randn(rows, inner, generator=torch.Generator().manual_seed(seed))
    values, step = round_rows(x)
    assert values.dtype == torch.int8
    assert bool(((values * step - x).abs() <= 0.5001 * step).all())


def test_zero_rows_stay_zero() -> None:
    values, step = round_rows(torch.zeros(3, 8))
    assert not values.any()
    assert bool(step.isfinite().all())


def test_products_of_small_integers_are_exact() -> None:
    """Where a row's largest value is 127, its integers need no rounding."""
    a, b = (
        torch.randint(-126, 127, (32, 16), generator=torch.Generator().manual_seed(seed)).float()
        for seed in (0, 1)
    )
    a[:, 0], b[:, 0] = 127, 127
    torch.testing.assert_close(int8_product(a, b), a @ b.t())


def test_output_is_rounded_and_close() -> None:
    plain, int8 = build_model(CONFIG, seed=1), compute_in(build_model(CONFIG, seed=1), "int8")
    swapped = {name for name, module in int8.named_modules() if isinstance(module, Int8Linear)}
    assert len(swapped) == 2 * 7
    assert all(name.startswith("blocks.") for name in swapped)
    difference = (int8.hidden(TOKENS) - plain.hidden(TOKENS)).norm() / plain.hidden(TOKENS).norm()
    assert 1e-4 < float(difference.detach()) < 0.05


def test_gradients_are_rounded_and_close() -> None:
    plain, int8 = build_model(CONFIG, seed=1), compute_in(build_model(CONFIG, seed=1), "int8")
    _loss(plain).backward()
    _loss(int8).backward()
    for (name, expected), actual in zip(plain.named_parameters(), int8.parameters()):
        assert expected.grad is not None
        assert actual.grad is not None
        error = float((actual.grad - expected.grad).norm() / expected.grad.norm())
        assert error < 0.1, name
        if name.startswith("blocks.0"):
            assert error > 1e-5, name


def test_of_the_two_gradients_only_the_inputs_is_rounded() -> None:
    generator = torch.Generator().manual_seed(0)
    layer = Int8Linear(16, 8, bias=False)
    x, gradient = (
        torch.randn(20, 16, generator=generator).requires_grad_(),
        torch.randn(20, 8, generator=generator),
    )
    layer(x).backward(gradient)
    assert x.grad is not None
    assert layer.weight.grad is not None
    torch.testing.assert_close(x.grad, int8_product(gradient, layer.weight.detach().t()))
    assert not torch.allclose(x.grad, gradient @ layer.weight.detach(), rtol=1e-3)
    torch.testing.assert_close(layer.weight.grad, gradient.t() @ x.detach())


def test_without_gradients_the_weights_are_used_as_they_are() -> None:
    plain, int8 = build_model(CONFIG, seed=1), compute_in(build_model(CONFIG, seed=1), "int8")
    with torch.no_grad():
        assert torch.equal(int8(TOKENS), plain(TOKENS))


@pytest.mark.parametrize("autocast", [False, True])
def test_it_learns_and_its_weights_come_out_plain(tmp_path: Path, autocast: bool) -> None:
    model = compute_in(build_model(CONFIG, seed=1), "int8")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)
    before = float(_loss(model).detach())
    for _ in range(15):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            loss = _loss(model)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert float(_loss(model).detach()) < before - 1
    assert {type(tensor) for tensor in model.state_dict().values()} == {torch.Tensor}
    save_model(tmp_path / "w.safetensors", model, {})
    with torch.no_grad():
        assert torch.equal(load_model(tmp_path / "w.safetensors", CONFIG)(TOKENS), model(TOKENS))


def test_widths_that_int8_cannot_do_are_refused() -> None:
    config = dataclasses.replace(CONFIG, ffn_dim=36)
    with pytest.raises(
        ConfigError, match=r"blocks.0.feed_forward.gate is 32 by 36; int8 needs multiples of 8"
    ):
        compute_in(build_model(config, seed=1), "int8")
