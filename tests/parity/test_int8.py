"""int8 products against an independent implementation: torchao's int8 mixed-precision training."""

import warnings

import pytest
import torch
from torch import nn

from corpus.model.low_precision import Int8Linear


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    """One linear layer as torchao trains it; without `module_swap` it would silently stay as it
    is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, about kernels for GPUs
        from torchao import quantize_
        from torchao.prototype.quantized_training import Int8MixedPrecisionTrainingConfig

        layer = nn.Sequential(nn.Linear(64, 96, bias=False))
        nn.init.normal_(layer[0].weight, std=0.02, generator=torch.Generator().manual_seed(0))
        quantize_(
            layer,
            Int8MixedPrecisionTrainingConfig(
                output=True, grad_input=True, grad_weight=False, module_swap=True
            ),
        )
    return layer


def test_output_and_gradients_are_those_of_torchao(theirs: nn.Module) -> None:
    ours = nn.Linear(64, 96, bias=False)
    ours.weight.data.copy_(theirs[0].weight.data)
    ours.__class__ = Int8Linear
    chance = torch.Generator().manual_seed(1)
    x, gradient = torch.randn(32, 64, generator=chance), torch.randn(32, 96, generator=chance)
    results = []
    for layer in (ours, theirs):
        own = x.clone().requires_grad_()
        y = layer(own)
        y.backward(gradient)
        results.append((y, own.grad, ours.weight.grad if layer is ours else theirs[0].weight.grad))
    for mine, reference in zip(*results, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-5, atol=1e-5)
    plain = x @ ours.weight.t()
    assert float((results[1][0] - plain).detach().abs().max()) > 1e-4, (
        "the reference was to round, or this proves nothing"
    )
