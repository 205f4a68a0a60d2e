"""Keys and values where several rows go on from each prompt: the prompt's are kept once, each row's own beside them.

All rows have read as many tokens since their prompts, so their own part needs no mask, and rows that change places (in a beam) move that
part alone.

Dims: prompts; branches: rows of each prompt; rows: prompts · branches, those of a prompt one after another; prompt: slots of the longest
prompt; own: tokens since; heads: query heads; kv: key/value heads, each serving group = heads / kv of them; head: features of one.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from corpus.model.cache import Cache

ROOM = 16
"""Slots that are added when those for own tokens are full."""


class Branches:
    """The cache of rows that branch off from prompts."""

    def __init__(self, prompts: Cache, lengths: Int[Tensor, " prompts"], branches: int) -> None:
        """Begin with nothing but the prompts.

        Args:
            prompts: the prompts, read.
            lengths: tokens of each.
            branches: rows of each.
        """
        self._prompt_keys, self._prompt_values = (
            store[:, :, :, : prompts.used] for store in (prompts.keys, prompts.values)
        )
        hidden = torch.arange(prompts.used, device=lengths.device) >= lengths[:, None]
        self._mask = torch.zeros(hidden.shape, device=lengths.device).masked_fill_(
            hidden, float("-inf")
        )[:, None, None]
        self._branches, self._used = branches, 0
        layers, count, kv, _, head = prompts.keys.shape
        self._keys, self._values = (
            prompts.keys.new_zeros(layers, count * branches, kv, ROOM, head) for _ in range(2)
        )

    def begin(self, positions: Int[Tensor, "rows 1"]) -> None:
        """Make room for one token of each row."""
        self._used += 1
        if self._used > self._keys.shape[3]:
            layers, rows, kv, _, head = self._keys.shape
            room = self._keys.new_zeros(layers, rows, kv, ROOM, head)
            self._keys, self._values = (
                torch.cat([store, room], dim=3) for store in (self._keys, self._values)
            )

    def attend(
        self,
        layer: int,
        query: Float[Tensor, "rows heads 1 head"],
        key: Float[Tensor, "rows kv 1 head"],
        value: Float[Tensor, "rows kv 1 head"],
    ) -> Float[Tensor, "rows heads 1 head"]:
        """Store the new token's keys and values, and attend to the prompt and to the row's own tokens."""
        keys, values = (
            self._keys[layer, :, :, : self._used],
            self._values[layer, :, :, : self._used],
        )
        keys[:, :, -1:], values[:, :, -1:] = key.to(keys.dtype), value.to(values.dtype)
        rows, heads, _, head = query.shape
        kv = key.shape[1]
        own_query = query.reshape(rows, kv, heads // kv, head) / math.sqrt(head)
        shared_query = self._by_prompt(own_query)  # all rows of a prompt in one product
        shared = shared_query @ self._prompt_keys[layer].transpose(2, 3) + self._mask
        own = own_query @ keys.transpose(2, 3)
        weights = (
            torch.cat([self._by_row(shared), own], dim=3)
            .softmax(-1, dtype=torch.float32)
            .to(query.dtype)
        )
        from_prompt = self._by_row(
            self._by_prompt(weights[..., : shared.shape[3]]) @ self._prompt_values[layer]
        )
        return (from_prompt + weights[..., shared.shape[3] :] @ values).reshape(
            rows, heads, 1, head
        )

    def _by_prompt(
        self, x: Float[Tensor, "rows kv group width"]
    ) -> Float[Tensor, "prompts kv branched width"]:
        return x.unflatten(0, (-1, self._branches)).transpose(1, 2).flatten(2, 3)

    def _by_row(
        self, x: Float[Tensor, "prompts kv branched width"]
    ) -> Float[Tensor, "rows kv group width"]:
        return x.unflatten(2, (self._branches, -1)).transpose(1, 2).flatten(0, 1)

    def keep(self, prompts: Int[Tensor, " kept"]) -> None:
        """Drop all other prompts with their rows."""
        rows = (
            prompts[:, None] * self._branches + torch.arange(self._branches, device=prompts.device)
        ).flatten()
        self._prompt_keys, self._prompt_values = (
            self._prompt_keys[:, prompts],
            self._prompt_values[:, prompts],
        )
        self._mask = self._mask[prompts]
        self._keys, self._values = self._keys[:, rows], self._values[:, rows]

    def reorder(self, rows: Int[Tensor, " rows"]) -> None:
        """Let each row go on from another one of its prompt."""
        for store in (self._keys, self._values):
            store[:, :, :, : self._used] = store[:, rows, :, : self._used]
