"""Muon: momentum whose update is made orthogonal, for the matrices of the blocks; AdamW for everything else.

A matrix's update is replaced by the nearest orthogonal one (all its singular values become about 1), so that rare directions move
as far as common ones. The update is scaled to the size that AdamW's has, so that one learning rate and one weight decay serve both.

References: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks" (the iteration and its coefficients);
Liu et al. 2025, arXiv:2502.16982, sec. 2.2 (the scale).

The iteration needs whole matrices: where ranks hold parts of them (FSDP), each gathers them and computes the same.

`torch.optim.Muon` is the same rule with the iteration in bf16 always, which is many times slower than fp32 on most CPUs.

Dims: many: matrices of one shape; rows, columns: of each.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from corpus.runtime.parallelize import like, whole

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that pushes singular values towards 1; chosen for speed: they end between 0.7 and 1.2."""

ITERATIONS = 5

MATCH_ADAMW = 0.2
"""Root mean square of AdamW's update at a learning rate of 1, as it is commonly found."""


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
    """Return, for each of [many rows columns], a matrix with the same singular vectors and singular values near 1.

    Newton and Schulz's iteration: in bf16 on a GPU, where the rounding does not matter, in fp32 elsewhere.
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
