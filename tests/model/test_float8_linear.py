"""Training with 8-bit floating-point products: it rounds, it learns, its weights stay plain; on a
CPU, which has them to test with."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from corpus.base.errors import ConfigError, DeviceError
from corpus.config.model import ModelConfig
from corpus.model.low_precision import (
    BACKWARD,
    FORWARD,
    Float8Linear,
    compute_in,
    float8_product,
    round_tensor,
)
from corpus.model.weights import build_model

CONFIG = ModelConfig(
    vocab_size=64, dim=32, num_layers=2, num_heads=2, num_kv_heads=1, context_length=16
)
TOKENS = torch.randint(0, 64, (4, 16), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("kind", "error"), [(FORWARD, 2**-4), (BACKWARD, 2**-3)])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_rounding_keeps_the_mantissas_bits(kind: torch.dtype, error: float, size: float) -> None:
    x = size * (1 + torch.rand(20, 16, generator=torch.Generator().manual_seed(0)))
    values, scale = round_tensor(x, kind)
    assert values.dtype == kind
    assert bool(((values.float() * scale - x).abs() <= 1.001 * error * x).all())


def test_a_product_is_that_of_the_rounded_factors() -> None:
    a, b = (torch.randn(32, 48, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    (x, x_scale), (y, y_scale) = round_tensor(a, FORWARD), round_tensor(b, FORWARD)
    expected = (x.float() @ y.float().t()) * x_scale * y_scale
    torch.testing.assert_close(
        float8_product(a, b, FORWARD, FORWARD).float(), expected, rtol=0.02, atol=0.05
    )


def test_zeros_stay_zero() -> None:
    assert not float8_product(torch.zeros(16, 16), torch.ones(16, 16), FORWARD, FORWARD).any()


def test_output_and_gradients_are_rounded_and_close() -> None:
    plain, rounding = build_model(CONFIG, seed=1), compute_in(build_model(CONFIG, seed=1), "fp8")
    assert sum(isinstance(module, Float8Linear) for module in rounding.modules()) == 2 * 7
    for model in (plain, rounding):
        F.cross_entropy(model(TOKENS)[:, :-1].flatten(0, 1), TOKENS[:, 1:].flatten()).backward()
    for (name, expected), actual in zip(plain.named_parameters(), rounding.parameters()):
        assert expected.grad is not None
        assert actual.grad is not None
        error = float((actual.grad - expected.grad).norm() / expected.grad.norm())
        assert error < 0.3, name
        if name.startswith("blocks.0") and name.endswith("weight") and expected.ndim == 2:
            assert error > 1e-3, name


def test_it_learns() -> None:
    model = compute_in(build_model(CONFIG, seed=1), "fp8")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(25):
        loss = F.cross_entropy(model(TOKENS)[:, :-1].flatten(0, 1), TOKENS[:, 1:].flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 1


def test_without_gradients_nothing_is_rounded() -> None:
    plain, rounding = build_model(CONFIG, seed=1), compute_in(build_model(CONFIG, seed=1), "fp8")
    with torch.no_grad():
        torch.testing.assert_close(rounding(TOKENS), plain(TOKENS))


def test_a_model_can_go_back_to_ordinary_layers() -> None:
    model = compute_in(compute_in(build_model(CONFIG, seed=1), "fp8"), "bf16")
    assert all(
        type(module) is nn.Linear for module in model.modules() if isinstance(module, nn.Linear)
    )


def test_a_width_that_does_not_suit_is_an_error_that_names_it() -> None:
    odd = ModelConfig(
        vocab_size=64,
        dim=24,
        num_layers=1,
        num_heads=2,
        num_kv_heads=1,
        context_length=16,
        ffn_dim=32,
    )
    with pytest.raises(ConfigError, match="24 by 24; fp8 needs multiples of 16"):
        compute_in(build_model(odd, seed=0), "fp8")


@pytest.mark.parametrize("precision", ["fp8", "int8"])
def test_a_device_without_the_products_is_an_error(
    monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    def refuse(*given: object, **more: object) -> None:
        raise NotImplementedError("no kernel for this device\nat line 1")

    monkeypatch.setattr(torch, {"int8": "_int_mm", "fp8": "_scaled_mm"}[precision], refuse)
    with pytest.raises(
        DeviceError,
        match=rf"runtime\.precision {precision} does not work on cpu .*\(no kernel for this device\)",
    ):
        compute_in(build_model(CONFIG, seed=0), precision)


def test_any_number_of_places_will_do() -> None:
    """The products themselves want multiples of 16 on every side."""
    layer = Float8Linear(16, 32, bias=False)
    x = torch.randn(5, 16, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y = layer(x)
    y.sum().backward()
    assert y.shape == (5, 32)
    assert x.grad is not None
    assert layer.weight.grad is not None
    torch.testing.assert_close(
        layer.weight.grad, x.detach().sum(0).expand(32, 16), rtol=0.1, atol=0.1
    )
