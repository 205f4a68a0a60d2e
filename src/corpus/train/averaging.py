"""The mean of the weights over the tail of a phase.

Reference: Izmailov et al. 2018 (stochastic weight averaging), arXiv:1803.05407; for language models Hägele et al. 2024,
arXiv:2405.18392, sec. 4.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from corpus.runtime.parallelize import like


class Averaging:
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
        """Set the weights to the mean; without effect before the first `add`."""
        for name, parameter in self._model.named_parameters():
            if name in self.tensors:
                parameter.copy_(self.tensors[name])

    def restore(self, tensors: Mapping[str, Tensor], count: int) -> None:
        """Go on from a saved mean."""
        parameters = dict(self._model.named_parameters())
        self.tensors = {
            name: like(tensor.to(parameters[name].device), parameters[name])
            for name, tensor in tensors.items()
        }
        self.count = count
