"""The optimizer: AdamW or Muon, with decay on matrices only; and the averaging of weights.

Muon replaces the update of a block's matrix by the nearest orthogonal one (all its singular values
become about 1), so that rare directions move as far as common ones. The update is scaled to the
size that AdamW's has, so that one learning rate and one weight decay serve both. `torch.optim.Muon`
is the same rule, always in bf16, which is many times slower than fp32 on most CPUs.

References: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks" (the
iteration and its coefficients); Liu et al. 2025, arXiv:2502.16982, sec. 2.2 (the scale); Izmailov
et al. 2018, arXiv:1803.05407 (the mean of weights); Hägele et al. 2024, arXiv:2405.18392, sec. 4
(for language models).

Dims: many: matrices of one shape; rows, columns: of each.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from corpus.base.errors import ArtifactError
from corpus.config.train import OptimizerConfig
from corpus.runtime.parallelize import like, whole
from corpus.train.tensor_files import like_stored

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that pushes singular values towards 1. Chosen for speed: singular values end
between 0.7 and 1.2."""

ITERATIONS = 5

MATCH_ADAMW = 0.2
"""Usual root mean square of AdamW's update at a learning rate of 1."""


def build_optimizer(model: nn.Module, config: OptimizerConfig) -> torch.optim.AdamW:
    """Return the optimizer of the trained parameters; the learning rate is set before every step.

    Muon takes the matrices of the blocks; embeddings, the head and norms stay with AdamW.
    """
    hidden, matrices, vectors = [], [], []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            is_hidden = config.name == "muon" and parameter.ndim == 2 and name.startswith("blocks.")
            group = hidden if is_hidden else matrices if parameter.ndim >= 2 else vectors
            group.append(parameter)
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
    """Return whether all trained tensors are plain or sharded, as the fused kernel needs."""
    return all(
        type(p) is nn.Parameter or hasattr(p, "full_tensor")
        for p in model.parameters()
        if p.requires_grad
    )


class Muon(torch.optim.AdamW):
    """Muon on the groups that have `orthogonal` set, AdamW on the others."""

    def __init__(self, groups: Iterable[dict[str, Any]], *, momentum: float, **adamw: Any) -> None:
        self._momentum = momentum
        super().__init__(groups, **adamw)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Update all parameters that have a gradient."""
        groups = self.param_groups
        self.param_groups = [group for group in groups if not group.get("orthogonal")]
        try:
            super().step(closure)
        finally:
            self.param_groups = groups
        for group in groups:
            if group.get("orthogonal"):
                self._orthogonal_step(group)

    def _orthogonal_step(self, group: dict[str, Any]) -> None:
        """Update matrices of one shape together.

        The iteration needs whole matrices: where ranks hold parts of them (FSDP), each gathers them
        and computes the same.
        """
        by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
        for parameter in group["params"]:
            if parameter.grad is not None:
                by_shape[parameter.shape].append(parameter)
        for shape, parameters in by_shape.items():
            updates = orthogonalize(
                torch.stack([whole(self._direction(parameter)) for parameter in parameters])
            )
            scale = group["lr"] * MATCH_ADAMW * math.sqrt(max(shape))
            for parameter, update in zip(parameters, updates):
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.sub_(like(update.to(parameter.dtype), parameter), alpha=scale)

    def _direction(self, parameter: Tensor) -> Tensor:
        """Return Nesterov's look-ahead of the momentum."""
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum = state["momentum"].lerp_(gradient, 1 - self._momentum)
        return gradient.lerp(momentum, self._momentum)


def orthogonalize(matrices: Tensor) -> Tensor:
    """Return [many rows columns] matrices of the same singular vectors, singular values near 1.

    Newton and Schulz's iteration: in bf16 on a GPU, where its rounding does no harm, else in fp32.
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.bfloat16() if matrices.is_cuda else matrices.float()
    x = x.transpose(1, 2) if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.transpose(1, 2)
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.transpose(1, 2) if tall else x


def set_learning_rate(optimizer: torch.optim.Optimizer, value: float) -> None:
    """Set the learning rate of all groups."""
    for group in optimizer.param_groups:
        group["lr"] = value


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimizer's state as named tensors, such as `exp_avg/blocks.0…`."""
    return {
        f"{key}/{name}": value
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def load_optimizer_tensors(
    model: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]
) -> None:
    """Load what `optimizer_tensors` returned.

    Raises `ArtifactError` if another kind of optimizer wrote it.
    """
    parameters = dict(model.named_parameters())
    groups = optimizer.param_groups
    orthogonal = {id(p) for group in groups if group.get("orthogonal") for p in group["params"]}
    for full_name in tensors:
        key, name = full_name.split("/", 1)
        parameter = parameters[name]
        if (key == "momentum") != (id(parameter) in orthogonal):
            other = "muon" if key == "momentum" else "adamw"
            raise ArtifactError(
                f"the checkpoint is from optimizer {other}, but this run's config has another one; "
                f"set train.optimizer.name to {other} in its config.json to resume"
            )
        if key == "step":
            value = tensors[full_name]
            value = value.to(parameter.device) if groups[0].get("fused") else value
        else:
            value = like_stored(tensors, full_name, parameter)
        optimizer.state[parameter][key] = value


class WeightAverage:
    """A running mean of a model's trained weights, in fp32."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.tensors: dict[str, Tensor] = {}
        """The mean by parameter name; empty before the first `add`."""
        self.count = 0
        """How many states of the weights it is the mean of."""

    @torch.no_grad()
    def add(self) -> None:
        """Take in the weights as they are now."""
        self.count += 1
        for name, parameter in self._model.named_parameters():
            if not parameter.requires_grad:
                continue
            if name in self.tensors:
                self.tensors[name].lerp_(parameter.float(), 1 / self.count)
            else:
                self.tensors[name] = parameter.detach().float().clone()

    @torch.no_grad()
    def put(self) -> None:
        """Set the weights to the mean; no effect before the first `add`."""
        for name, parameter in self._model.named_parameters():
            if name in self.tensors:
                parameter.copy_(self.tensors[name])

    def restore(self, tensors: Mapping[str, Tensor], count: int) -> None:
        """Continue from a saved mean."""
        parameters = dict(self._model.named_parameters())
        self.tensors = {name: like_stored(tensors, name, parameters[name]) for name in tensors}
        self.count = count
