"""Greedy decoding of many prompts: in batches of similar length, each token read once.

The result does not depend on the batch: every prompt gets what it would get alone, without a cache.

Dims: batch: rows being decoded; seq: longest prompt of the batch; dim: width of the model.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from corpus.model.cache import Cache
from corpus.model.transformer import Transformer

CROWDED = 0.75
"""Finished rows are dropped once no more than this share of the rows is still being decoded: dropping copies the cache."""


def greedy(
    model: Transformer,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    stop_id: int,
    batch_size: int,
    device: torch.device | str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> list[list[int]]:
    """Return the most likely continuation of each prompt, token by token, in the order of the prompts.

    Args:
        model: on `device`.
        prompts: token ids, at least one each.
        max_new_tokens: a continuation is cut off at this length.
        stop_id: ends a continuation; it is not part of the result.
        batch_size: prompts decoded together, at most.
        device: where the model is.
        progress: told after each batch how many prompts are done.
    """
    if any(len(prompt) == 0 for prompt in prompts):
        raise ValueError("a prompt is empty: there is nothing to continue")
    results: list[list[int]] = [[] for _ in prompts]
    # Similar lengths together waste little on padding; the longest first, so that memory that does not suffice shows at once.
    order = sorted(range(len(prompts)), key=lambda index: -len(prompts[index]))
    with torch.inference_mode():
        for start in range(0, len(order) if max_new_tokens > 0 else 0, batch_size):
            chosen = order[start : start + batch_size]
            batch = _Batch(model, [prompts[index] for index in chosen], max_new_tokens, device)
            for index, continuation in zip(chosen, batch.decode(stop_id)):
                results[index] = continuation
            if progress:
                progress(start + len(chosen))
    return results


class _Batch:
    """Prompts on their way; `rows` says which prompt each remaining row of the tensors belongs to."""

    def __init__(self, model: Transformer, prompts: list[Sequence[int]], max_new_tokens: int, device: torch.device | str) -> None:
        self._model, self._prompts, self._max_new_tokens, self._device = model, prompts, max_new_tokens, device
        self._continuations: list[list[int]] = [[] for _ in prompts]
        self._rows = list(range(len(prompts)))
        capacity = max(map(len, prompts)) + max_new_tokens
        weight = model.embedding.weight
        self._cache = Cache(model.config, batch=len(prompts), capacity=capacity, device=device, dtype=weight.dtype)
        self._lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)

    def decode(self, stop_id: int) -> list[list[int]]:
        """Return the continuations, without their stop tokens."""
        tokens = self._likeliest(self._read_prompts())
        for step in range(self._max_new_tokens):
            active = [index for index, token in enumerate(tokens.tolist()) if self._take(self._rows[index], token, stop_id)]
            if not active or step == self._max_new_tokens - 1:
                break
            if len(active) <= CROWDED * len(self._rows):
                tokens = self._drop_all_but(active, tokens)
            hidden = self._model.hidden(tokens[:, None], positions=self._lengths[:, None], cache=self._cache)
            self._lengths += 1
            tokens = self._likeliest(hidden[:, 0])
        return [_until(continuation, stop_id) for continuation in self._continuations]

    def _read_prompts(self) -> Float[Tensor, "batch dim"]:
        """Run all prompts in one pass, padded on the right, and return the hidden state of each one's last token."""
        tokens = torch.zeros(len(self._prompts), max(map(len, self._prompts)), dtype=torch.long)
        for row, prompt in enumerate(self._prompts):
            tokens[row, : len(prompt)] = torch.tensor(prompt)
        hidden = self._model.hidden(tokens.to(self._device), cache=self._cache)
        return hidden[torch.arange(len(self._prompts), device=self._device), self._lengths - 1]

    def _likeliest(self, hidden: Float[Tensor, "batch dim"]) -> Int[Tensor, " batch"]:
        return self._model.head(hidden)[:, : self._model.config.vocab_size].argmax(-1)

    def _take(self, prompt: int, token: int, stop_id: int) -> bool:
        """Append a token to a prompt's continuation; return whether it goes on."""
        continuation = self._continuations[prompt]
        if continuation and continuation[-1] == stop_id:
            return False  # finished, but its row was not dropped yet
        continuation.append(token)
        return token != stop_id

    def _drop_all_but(self, active: list[int], tokens: Int[Tensor, " batch"]) -> Int[Tensor, " kept"]:
        kept = torch.tensor(active, device=self._device)
        self._rows = [self._rows[index] for index in active]
        self._lengths = self._lengths[kept]
        self._cache.keep(kept, int(self._lengths.max()))
        return tokens[kept]


def _until(continuation: list[int], stop_id: int) -> list[int]:
    return continuation[:-1] if continuation and continuation[-1] == stop_id else continuation
