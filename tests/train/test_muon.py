"""Muon: updates that are orthogonal, PyTorch's own Muon where its rounding allows to compare, and
state that comes back."""

import pytest
import torch
from torch import nn

from corpus.config.model import ModelConfig
from corpus.config.train import OptimizerConfig
from corpus.model.weights import build_model
from corpus.train.optimizer import (
    build_optimizer,
    load_optimizer_tensors,
    optimizer_tensors,
    orthogonalize,
    set_learning_rate,
)

CONFIG = ModelConfig(
    vocab_size=64, dim=16, num_layers=2, num_heads=2, num_kv_heads=1, context_length=16
)
MUON = OptimizerConfig(name="muon")


@pytest.mark.parametrize("shape", [(3, 24, 24), (1, 16, 40), (2, 40, 16)])
def test_singular_values_become_about_one_and_vectors_stay(shape: tuple[int, ...]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    found = orthogonalize(matrices)
    assert found.shape == matrices.shape
    values = torch.linalg.svdvals(found)
    assert 0.7 < float(values.median()) < 1.2
    assert float(values.max()) < 1.3
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    diagonal = u.transpose(1, 2) @ found @ v.transpose(1, 2)
    assert float((diagonal - diagonal.diagonal(dim1=1, dim2=2).diag_embed()).abs().max()) < 1e-4


@pytest.mark.parametrize("shape", [(16, 40), (40, 16), (24, 24)])
def test_it_is_the_rule_of_pytorchs_muon(shape: tuple[int, int]) -> None:
    """That one iterates in bf16, so only to a few percent of the update."""
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(shape, generator=generator)
    layer, other = nn.Linear(*reversed(shape), bias=False), nn.Parameter(start.clone())
    model = nn.ModuleDict({"blocks": layer})
    layer.weight.data.copy_(start)
    ours = build_optimizer(model, MUON)
    theirs = torch.optim.Muon(
        [other],
        lr=0.01,
        weight_decay=0.1,
        momentum=0.95,
        nesterov=True,
        adjust_lr_fn="match_rms_adamw",
    )
    for _ in range(3):
        layer.weight.grad = torch.randn(shape, generator=generator)
        other.grad = layer.weight.grad.clone()
        set_learning_rate(ours, 0.01)
        ours.step()
        theirs.step()
    moved = (layer.weight.detach() - start).norm()
    assert float((layer.weight.detach() - other.detach()).norm() / moved) < 0.05


def test_embedding_and_norms_stay_with_adamw() -> None:
    model = build_model(CONFIG, seed=0)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer = build_optimizer(model, MUON)
    set_learning_rate(optimizer, 1e-3)
    optimizer.step()
    names = optimizer_tensors(model, optimizer)
    assert {name for name in names if name.endswith("embedding.weight")} == {
        f"{kind}/embedding.weight" for kind in ("step", "exp_avg", "exp_avg_sq")
    }
    assert [name for name in names if name.endswith("blocks.0.attention.query.weight")] == [
        "momentum/blocks.0.attention.query.weight"
    ]
    assert "exp_avg/blocks.0.attention_norm.weight" in names
    given = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(given) == sorted(id(p) for p in model.parameters())


def test_the_step_after_a_round_trip_is_the_same_bit_for_bit() -> None:
    results = []
    for stops in (False, True):
        model, generator = build_model(CONFIG, seed=0), torch.Generator().manual_seed(0)
        optimizer = build_optimizer(model, MUON)
        for step in range(4):
            if stops and step == 2:
                saved = {
                    name: tensor.clone()
                    for name, tensor in optimizer_tensors(model, optimizer).items()
                }
                optimizer = build_optimizer(model, MUON)
                load_optimizer_tensors(model, optimizer, saved)
            for parameter in model.parameters():
                parameter.grad = torch.randn(parameter.shape, generator=generator)
            set_learning_rate(optimizer, 1e-2)
            optimizer.step()
        results.append({name: tensor.tolist() for name, tensor in model.state_dict().items()})
    assert results[0] == results[1]
