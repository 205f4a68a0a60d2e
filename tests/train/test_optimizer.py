"""AdamW: its state goes through named tensors without loss, and decay touches matrices only."""

import math
from typing import Literal

import pytest
import torch
from torch import nn

from corpus.base.errors import ArtifactError
from corpus.config.model import ModelConfig
from corpus.config.train import OptimizerConfig
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model
from corpus.train import optimizer as module
from corpus.train.optimizer import (
    build_optimizer,
    load_optimizer_tensors,
    optimizer_tensors,
    set_learning_rate,
)

CONFIG = ModelConfig(
    vocab_size=64, dim=16, num_layers=1, num_heads=2, num_kv_heads=1, context_length=16
)


def _step(model: Transformer, optimizer: torch.optim.Optimizer, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)
    set_learning_rate(optimizer, 1e-2 / (1 + seed))
    optimizer.step()


@pytest.fixture(params=[True, False], ids=["fused", "not fused"])
def fused(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both kernels; which one is taken depends on the kind of weights."""
    if not request.param:
        monkeypatch.setattr(module, "_can_fuse", lambda model: False)
    return request.param


def test_the_step_after_a_round_trip_is_the_same_bit_for_bit(fused: bool) -> None:
    model = build_model(CONFIG, seed=1)
    optimizer = build_optimizer(model, OptimizerConfig())
    assert optimizer.param_groups[0]["fused"] is fused
    for seed in range(3):
        _step(model, optimizer, seed)
    saved = {name: tensor.clone() for name, tensor in optimizer_tensors(model, optimizer).items()}

    other = build_model(CONFIG, seed=2)
    other.load_state_dict(model.state_dict())
    resumed = build_optimizer(other, OptimizerConfig())
    load_optimizer_tensors(other, resumed, saved)
    for seed in (3, 4):
        _step(model, optimizer, seed)
        _step(other, resumed, seed)
    assert {name: tensor.tolist() for name, tensor in other.state_dict().items()} == {
        name: tensor.tolist() for name, tensor in model.state_dict().items()
    }
    expected, found = optimizer_tensors(model, optimizer), optimizer_tensors(other, resumed)
    assert expected.keys() == found.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_every_weight_has_its_moments_and_its_count_under_its_name(fused: bool) -> None:
    model = build_model(CONFIG, seed=1)
    optimizer = build_optimizer(model, OptimizerConfig(name="adamw"))
    assert optimizer_tensors(model, optimizer) == {}
    _step(model, optimizer, 0)
    names = {name for name, _ in model.named_parameters()}
    tensors = optimizer_tensors(model, optimizer)
    assert tensors.keys() == {
        f"{key}/{name}" for key in ("exp_avg", "exp_avg_sq", "step") for name in names
    }
    assert {float(tensors[f"step/{name}"]) for name in names} == {1.0}


def test_matrices_decay_and_norms_do_not() -> None:
    """Without gradients AdamW's step is the decay alone."""
    model = build_model(CONFIG, seed=1)
    optimizer = build_optimizer(model, OptimizerConfig(weight_decay=0.5))
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    set_learning_rate(optimizer, 0.1)
    optimizer.step()
    for name, parameter in model.named_parameters():
        kept = 1.0 if "norm" in name else 1 - 0.1 * 0.5
        torch.testing.assert_close(
            parameter.detach(), kept * before[name], rtol=1e-6, atol=0, msg=name
        )
    assert any("norm" in name for name in before)


def test_the_learning_rate_is_that_of_all_weights() -> None:
    model = build_model(CONFIG, seed=1)
    optimizer = build_optimizer(model, OptimizerConfig(name="adamw"))
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    _step(model, optimizer, 0)
    assert all(
        not torch.equal(parameter, before[name]) for name, parameter in model.named_parameters()
    )
    assert [group["lr"] for group in optimizer.param_groups] == [1e-2, 1e-2]


def test_every_trained_weight_is_in_exactly_one_group() -> None:
    model = build_model(CONFIG, seed=1)
    model.embedding.weight.requires_grad_(False)
    given = [
        id(p)
        for group in build_optimizer(model, OptimizerConfig()).param_groups
        for p in group["params"]
    ]
    assert sorted(given) == sorted(
        id(p) for p in model.parameters() if p is not model.embedding.weight
    )


def test_a_model_without_vectors_has_no_empty_group() -> None:
    optimizer = build_optimizer(nn.Linear(4, 4, bias=False), OptimizerConfig())
    assert [len(group["params"]) for group in optimizer.param_groups] == [1]


def test_steps_are_those_of_the_paper(fused: bool) -> None:
    """Algorithm 2 of Loshchilov & Hutter, with the settings of the config, in plain numbers."""
    config = OptimizerConfig(weight_decay=0.3, beta1=0.8, beta2=0.9)
    layer = nn.Linear(1, 1, bias=False)
    optimizer = build_optimizer(layer, config)
    weight, first, second = float(layer.weight.detach()), 0.0, 0.0
    for number, (gradient, rate) in enumerate([(2.0, 0.1), (-1.0, 0.2), (0.5, 0.05)], start=1):
        layer.weight.grad = torch.full((1, 1), gradient)
        set_learning_rate(optimizer, rate)
        optimizer.step()
        first, second = 0.8 * first + 0.2 * gradient, 0.9 * second + 0.1 * gradient**2
        update = (first / (1 - 0.8**number)) / (math.sqrt(second / (1 - 0.9**number)) + 1e-8)
        weight -= rate * (update + 0.3 * weight)
        assert float(layer.weight.detach()) == pytest.approx(weight, rel=1e-5)


@pytest.mark.parametrize(("first", "then"), [("adamw", "muon"), ("muon", "adamw")])
def test_a_checkpoint_of_the_other_optimizer_is_refused(
    first: Literal["adamw", "muon"], then: Literal["adamw", "muon"]
) -> None:
    model = build_model(CONFIG, seed=1)
    optimizer = build_optimizer(model, OptimizerConfig(name=first))
    _step(model, optimizer, 0)
    with pytest.raises(ArtifactError, match=f"is from optimizer {first}"):
        load_optimizer_tensors(
            model,
            build_optimizer(model, OptimizerConfig(name=then)),
            optimizer_tensors(model, optimizer),
        )
