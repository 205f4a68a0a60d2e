"""Keys and values of the tokens seen so far, so that decoding reads each token once.

`Cache` holds one sequence per prompt. The slot of a token is its position. Sequences of different
lengths are padded on the right: what padding wrote lies beyond the sequence's last position, is
never visible to it, and is overwritten by the tokens that follow. So one mask serves prompts and
single steps alike: a token at position p sees slots 0 … p.

`Branches` holds several sequences that continue each prompt: the prompt's keys and values are kept
once, each sequence's own beside them. All sequences have read as many tokens since their prompts,
so their own part needs no mask, and reordering the sequences of a beam moves that part alone.

Dims: batch; seq: tokens of this call; slots: tokens seen so far; prompts; branches: sequences of
each prompt; sequences: prompts · branches, those of a prompt one after another; heads: query heads;
kv: key/value heads, each serving group = heads / kv of them; head: features of one head.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from corpus.config.model import ModelConfig
from corpus.model.attention import attend

ROOM = 16
"""Slots that are added when those for a branch's own tokens are full."""


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
        """Slots that any sequence may have filled."""
        self._positions, self._mask = torch.zeros(0), torch.zeros(0)

    def begin(self, positions: Int[Tensor, "batch seq"]) -> None:
        """Make room for the tokens at `positions`.

        Positions of a sequence must continue where its last call ended (or earlier), so that every
        slot up to them is filled.
        """
        self.used += positions.shape[1]
        if self.used > self.keys.shape[3]:
            raise ValueError(
                f"the cache holds {self.keys.shape[3]} positions, and {self.used} are needed"
            )
        self._positions = positions
        slots = torch.arange(self.used, device=positions.device)
        hidden = slots[None, None, :] > positions[:, :, None]
        self._mask = _hide(hidden)[:, None]

    def write(
        self,
        layer: int,
        key: Float[Tensor, "batch kv seq head"],
        value: Float[Tensor, "batch kv seq head"],
    ) -> tuple[Float[Tensor, "batch kv slots head"], Float[Tensor, "batch kv slots head"]]:
        """Store a layer's keys and values at the positions of `begin`; return its used slots."""
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
        """Store the new tokens' keys and values, and attend to all tokens up to each of them."""
        key, value = self.write(layer, key, value)
        return attend(query, key, value, self._mask.to(query.dtype))


class Branches:
    """The cache of sequences that branch off from prompts."""

    def __init__(self, prompts: Cache, lengths: Int[Tensor, " prompts"], branches: int) -> None:
        """Begin with the prompts alone.

        Args:
            prompts: the cache that has read the prompts.
            lengths: tokens of each prompt.
            branches: sequences of each prompt.
        """
        self._prompt_keys, self._prompt_values = (
            store[:, :, :, : prompts.used] for store in (prompts.keys, prompts.values)
        )
        hidden = torch.arange(prompts.used, device=lengths.device) >= lengths[:, None]
        self._mask = _hide(hidden)[:, None, None]
        self._branches, self._used = branches, 0
        layers, count, kv, _, head = prompts.keys.shape
        self._keys, self._values = (
            prompts.keys.new_zeros(layers, count * branches, kv, ROOM, head) for _ in range(2)
        )

    def begin(self, positions: Int[Tensor, "sequences 1"]) -> None:
        """Make room for one token of each sequence."""
        self._used += 1
        if self._used > self._keys.shape[3]:
            layers, sequences, kv, _, head = self._keys.shape
            room = self._keys.new_zeros(layers, sequences, kv, ROOM, head)
            self._keys, self._values = (
                torch.cat([store, room], dim=3) for store in (self._keys, self._values)
            )

    def attend(
        self,
        layer: int,
        query: Float[Tensor, "sequences heads 1 head"],
        key: Float[Tensor, "sequences kv 1 head"],
        value: Float[Tensor, "sequences kv 1 head"],
    ) -> Float[Tensor, "sequences heads 1 head"]:
        """Store the new token's keys and values; attend to the prompt and the sequence's own."""
        keys = self._keys[layer, :, :, : self._used]
        values = self._values[layer, :, :, : self._used]
        keys[:, :, -1:], values[:, :, -1:] = key.to(keys.dtype), value.to(values.dtype)
        sequences, heads, _, head = query.shape
        kv = key.shape[1]
        own_query = query.reshape(sequences, kv, heads // kv, head) / math.sqrt(head)
        shared_query = self._by_prompt(own_query)  # all sequences of a prompt in one product
        shared = shared_query @ self._prompt_keys[layer].transpose(2, 3) + self._mask
        own = own_query @ keys.transpose(2, 3)
        scores = torch.cat([self._by_sequence(shared), own], dim=3)
        weights = scores.softmax(-1, dtype=torch.float32).to(query.dtype)
        from_prompt = self._by_sequence(
            self._by_prompt(weights[..., : shared.shape[3]]) @ self._prompt_values[layer]
        )
        mixed = from_prompt + weights[..., shared.shape[3] :] @ values
        return mixed.reshape(sequences, heads, 1, head)

    def _by_prompt(
        self, x: Float[Tensor, "sequences kv group width"]
    ) -> Float[Tensor, "prompts kv branched width"]:
        return x.unflatten(0, (-1, self._branches)).transpose(1, 2).flatten(2, 3)

    def _by_sequence(
        self, x: Float[Tensor, "prompts kv branched width"]
    ) -> Float[Tensor, "sequences kv group width"]:
        return x.unflatten(2, (self._branches, -1)).transpose(1, 2).flatten(0, 1)

    def keep(self, prompts: Int[Tensor, " kept"]) -> None:
        """Drop all other prompts with their sequences."""
        branches = torch.arange(self._branches, device=prompts.device)
        sequences = (prompts[:, None] * self._branches + branches).flatten()
        self._prompt_keys = self._prompt_keys[:, prompts]
        self._prompt_values = self._prompt_values[:, prompts]
        self._mask = self._mask[prompts]
        self._keys, self._values = self._keys[:, sequences], self._values[:, sequences]

    def reorder(self, sequences: Int[Tensor, " sequences"]) -> None:
        """Let each sequence continue another one of its prompt."""
        for store in (self._keys, self._values):
            store[:, :, :, : self._used] = store[:, sequences, :, : self._used]


def _hide(hidden: Tensor) -> Tensor:
    """Return what is added to scores: -inf where `hidden`, 0 elsewhere."""
    return torch.zeros(hidden.shape, device=hidden.device).masked_fill_(hidden, float("-inf"))
