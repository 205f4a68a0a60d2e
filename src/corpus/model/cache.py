"""Keys and values of the tokens seen so far, so that decoding reads each token once.

The slot of a token is its position in its row. Rows of different lengths are padded on the right: what padding wrote lies beyond
the row's last position, is never visible to it, and is overwritten by the tokens that follow. So one mask serves prompts and single
steps alike: a token at position p sees slots 0 … p.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from corpus.config.model import ModelConfig
from corpus.model.attend import attend


class Cache:
    """Preallocated keys and values of all layers, each [layers batch kv capacity head]."""

    def __init__(
        self,
        config: ModelConfig,
        *,
        batch: int,
        capacity: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        shape = (config.num_layers, batch, config.num_kv_heads, capacity, config.resolved_head_dim)
        self.keys = torch.zeros(shape, device=device, dtype=dtype)
        self.values = torch.zeros(shape, device=device, dtype=dtype)
        self.used = 0
        """Slots that any row may have filled."""
        self._positions, self._mask = torch.zeros(0), torch.zeros(0)

    def begin(self, positions: Int[Tensor, "batch seq"]) -> None:
        """Make room for the tokens at `positions`.

        Positions of a row must go on where its last call ended (or earlier), so that every slot up to them is filled.
        """
        self.used += positions.shape[1]
        if self.used > self.keys.shape[3]:
            raise ValueError(
                f"the cache holds {self.keys.shape[3]} positions, and {self.used} are needed"
            )
        self._positions = positions
        slots = torch.arange(self.used, device=positions.device)
        hidden = slots[None, None, :] > positions[:, :, None]
        self._mask = torch.zeros(hidden.shape, device=positions.device).masked_fill_(
            hidden, float("-inf")
        )[:, None]

    def write(
        self,
        layer: int,
        key: Float[Tensor, "batch kv seq head"],
        value: Float[Tensor, "batch kv seq head"],
    ) -> tuple[Float[Tensor, "batch kv slots head"], Float[Tensor, "batch kv slots head"]]:
        """Store one layer's keys and values at the positions given to `begin`; return all of that layer's used slots."""
        rows = torch.arange(key.shape[0], device=key.device)[:, None]
        for store, new in ((self.keys[layer], key), (self.values[layer], value)):
            store[rows, :, self._positions] = new.transpose(1, 2).to(store.dtype)
        return self.keys[layer, :, :, : self.used], self.values[layer, :, :, : self.used]

    def attend(
        self,
        layer: int,
        query: Float[Tensor, "batch heads seq head"],
        key: Float[Tensor, "batch kv seq head"],
        value: Float[Tensor, "batch kv seq head"],
    ) -> Float[Tensor, "batch heads seq head"]:
        """Store the new tokens' keys and values, and attend to all up to each of them."""
        key, value = self.write(layer, key, value)
        return attend(query, key, value, self._mask.to(query.dtype))
