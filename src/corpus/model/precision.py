"""The type that matrix products are computed in."""

import torch
from torch import Tensor


def product_dtype(x: Tensor) -> torch.dtype:
    """Return the type matrix products of `x` are computed in: autocast's where it is on, else that of `x`."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
