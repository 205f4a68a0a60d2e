"""The optimizer: AdamW or Muon, with decay on matrices only."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from corpus.base.errors import ArtifactError
from corpus.config.train import OptimizerConfig
from corpus.runtime.parallelize import like
from corpus.train.muon import Muon


def build_optimizer(model: nn.Module, config: OptimizerConfig) -> torch.optim.AdamW:
    """Return the optimizer of the model's parameters; the learning rate is set before every step.

    Muon takes the matrices of the blocks; embeddings, the head and norms stay with AdamW.
    """
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    hidden = [
        p
        for name, p in named
        if p.ndim == 2 and config.name == "muon" and name.startswith("blocks.")
    ]
    matrices = [p for name, p in named if p.ndim >= 2 and not any(p is other for other in hidden)]
    vectors = [p for _, p in named if p.ndim < 2]
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
        {"params": hidden, "weight_decay": config.weight_decay, "orthogonal": True},
    ]
    groups = [group for group in groups if group["params"]]
    settings: dict[str, Any] = {
        "lr": 0.0,
        "betas": (config.beta1, config.beta2),
        "fused": _can_fuse(model),
    }
    if config.name == "muon":
        return Muon(groups, momentum=config.momentum, **settings)
    return torch.optim.AdamW(groups, **settings)


def _can_fuse(model: nn.Module) -> bool:
    """The fused kernel is for plain and sharded tensors, not for other kinds of wrapped ones."""
    return all(
        type(p) is nn.Parameter or hasattr(p, "full_tensor")
        for p in model.parameters()
        if p.requires_grad
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, value: float) -> None:
    """Set the learning rate of all groups."""
    for group in optimizer.param_groups:
        group["lr"] = value


def optimizer_tensors(
    model: nn.Module, optimizer: torch.optim.Optimizer
) -> dict[str, torch.Tensor]:
    """Return the optimizer's state as named tensors: `exp_avg/blocks.0…` and so on. Nothing needs to be pickled."""
    tensors = {}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{key}/{name}"] = value
    return tensors


def load_optimizer_tensors(
    model: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]
) -> None:
    """Put back what `optimizer_tensors` returned. Raises `ArtifactError` where another kind of optimizer wrote it."""
    parameters = dict(model.named_parameters())
    orthogonal = {
        id(p)
        for group in optimizer.param_groups
        if group.get("orthogonal")
        for p in group["params"]
    }
    for full_name, tensor in tensors.items():
        key, name = full_name.split("/", 1)
        parameter = parameters[name]
        if (key == "momentum") != (id(parameter) in orthogonal):
            other = "muon" if key == "momentum" else "adamw"
            raise ArtifactError(
                f"the checkpoint was written by the optimizer {other}, which is not the one of this run's config; set train.optimizer.name to "
                f"{other} in its config.json to go on"
            )
        if key == "step":
            value = (
                tensor.to(parameter.device) if optimizer.param_groups[0].get("fused") else tensor
            )
        else:
            value = like(tensor.to(parameter.device), parameter)
        optimizer.state[parameter][key] = value
