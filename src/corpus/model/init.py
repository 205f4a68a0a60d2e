"""The weights before training."""

import math

import torch

from corpus.config.model import ModelConfig
from corpus.model.transformer import Transformer

STANDARD_DEVIATION = 0.02
"""Of every matrix, the embedding included. Reference: Radford et al. 2019 (GPT-2), sec. 2.3."""


@torch.no_grad()
def init_weights(model: Transformer, seed: int) -> Transformer:
    """Draw all weights from `seed`, in the order of their names: norms are 1, matrices normal.

    The two projections of a block that add to the residual stream are scaled down by √(2 · num_layers), so that the stream's
    variance does not grow with depth. Numbers are drawn on the CPU, so that every device starts from the same weights.
    """
    generator = torch.Generator().manual_seed(seed)
    scale = 1 / math.sqrt(2 * model.config.num_layers)
    for name, parameter in sorted(model.named_parameters()):
        if parameter.ndim == 1:
            parameter.fill_(1.0)
            continue
        is_residual = name.endswith(("attention.output.weight", "feed_forward.down.weight"))
        drawn = torch.randn(parameter.shape, generator=generator) * STANDARD_DEVIATION
        parameter.copy_(drawn * scale if is_residual else drawn)
    return model


def build_model(
    config: ModelConfig, *, seed: int, device: torch.device | str = "cpu"
) -> Transformer:
    """Return a new model on `device` with weights drawn from `seed`; PyTorch's global generator is not touched."""
    return init_weights(empty_model(config, device), seed)


def empty_model(config: ModelConfig, device: torch.device | str) -> Transformer:
    """Return a model whose weights are whatever memory held: somebody must fill them."""
    with torch.device("meta"):
        model = Transformer(config)
    return model.to_empty(device=device)
