"""Beam search: likely continuations, found by extending the likeliest hypotheses.

Dims: prompts: prompts still searched; beams: hypotheses kept of each; ids: token ids that can
follow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from corpus.solve.decode import CROWDED, Continuation, Decoder
from corpus.solve.grammar import Scope
from corpus.solve.sequences import Sequences, wide_dtype


def beam(
    decoder: Decoder,
    prompts: Sequence[Sequence[int]],
    count: int,
    *,
    scopes: Sequence[Scope] | None = None,
    negligible: float = 0.0,
) -> list[list[Continuation]]:
    """Return up to `count` different continuations of each prompt that end, the likeliest first.

    Probabilities are of whole continuations: there is no length penalty. Every prompt has a
    continuation where a grammar makes sure that it ends; without one it may have none.

    Args:
        decoder: the model and the limits of decoding.
        prompts: token ids, at least one each.
        count: continuations wanted, and hypotheses kept at each step.
        scopes: for programs only, as in `Decoder.greedy`.
        negligible: hypotheses less likely than this share of the likeliest continuation are
            dropped: the search ends sooner, with fewer continuations.
    """
    found: list[list[Continuation]] = [[] for _ in prompts]
    for chosen in decoder.batches(prompts, count):
        batch = decoder.begin(prompts, chosen, scopes, copies=count)
        search = _Search(decoder, batch, len(chosen), count, negligible)
        for index, continuations in zip(chosen, search.run()):
            found[index] = continuations
    return found


class _Search:
    """The beams of one batch."""

    def __init__(
        self, decoder: Decoder, batch: Sequences, num_prompts: int, count: int, negligible: float
    ) -> None:
        self._decoder, self._batch, self._count = decoder, batch, count
        self._margin = math.log(negligible) if negligible else float("-inf")
        self._active = list(range(num_prompts))
        self._results: list[list[Continuation]] = [[] for _ in range(num_prompts)]
        device, shape = decoder.device, (num_prompts, count)
        nothing = torch.full(shape, float("-inf"), dtype=wide_dtype(device), device=device)
        tokens = torch.zeros(*shape, decoder.max_new_tokens, dtype=torch.long, device=device)
        self._open, self._ended = _Set(tokens, nothing), _Set(tokens, nothing.clone())
        # All beams of a prompt begin alike, so all but one begin as impossible.
        self._open.scores[:, 0] = 0.0

    def run(self) -> list[list[Continuation]]:
        """Search until no hypothesis can lead to anything better than what was found."""
        for step in range(self._decoder.max_new_tokens):
            origins = self._extend(step)
            worth = torch.maximum(
                self._ended.scores[:, -1], self._ended.scores[:, 0] + self._margin
            )
            going = self._open.scores[:, 0] > worth
            if not going.any() or step == self._decoder.max_new_tokens - 1:
                break
            # A prompt that is done gets nothing more, however long it stays in the batch.
            self._open.scores.masked_fill_(~going[:, None], float("-inf"))
            kept = going.nonzero()[:, 0]
            if len(kept) <= CROWDED * len(self._active):
                self._keep_results()
                self._open, self._ended, origins = (
                    self._open.of(kept),
                    self._ended.of(kept),
                    origins[kept],
                )
                self._active = [self._active[place] for place in kept.tolist()]
                self._batch.keep(kept)
            first = torch.arange(len(self._active), device=origins.device)[:, None] * self._count
            self._batch.reorder((first + origins).flatten())
            self._batch.feed(self._open.tokens[:, :, step].flatten())
        self._keep_results()
        return self._results

    def _extend(self, step: int) -> Int[Tensor, "prompts beams"]:
        """Take the likeliest next tokens, and collect what ends. Return the beam that each one
        continues.
        """
        totals = self._open.scores[:, :, None] + self._batch.logits().to(
            self._open.scores.dtype
        ).log_softmax(-1).unflatten(0, (-1, self._count))
        stop, ids = self._decoder.stop_id, totals.shape[2]
        ended = self._open.tokens.clone()
        ended[:, :, step] = stop
        self._ended = self._ended.best_with(_Set(ended, totals[:, :, stop]))
        totals[:, :, stop] = float("-inf")
        scores, places = totals.flatten(1).topk(self._count, dim=1)
        origins = places // ids
        self._open = _Set(self._open.tokens, scores).at(origins)
        self._open.tokens[:, :, step] = places % ids
        return origins

    def _keep_results(self) -> None:
        for place, index in enumerate(self._active):
            tokens, scores = self._ended.tokens[place].tolist(), self._ended.scores[place].tolist()
            stop = self._decoder.stop_id
            self._results[index] = [
                Continuation(tuple(ids[: ids.index(stop)]), score)
                for ids, score in zip(tokens, scores)
                if score > float("-inf")
            ]


@dataclass(frozen=True)
class _Set:
    """Some continuations of each prompt, the likeliest first."""

    tokens: Int[Tensor, "prompts beams places"]
    scores: Float[Tensor, "prompts beams"]

    def of(self, prompts: Int[Tensor, " kept"]) -> "_Set":
        return _Set(self.tokens[prompts], self.scores[prompts])

    def at(self, origins: Int[Tensor, "prompts beams"]) -> "_Set":
        """Return the tokens of other beams of the same prompts, with these scores."""
        return _Set(
            self.tokens.gather(1, origins[:, :, None].expand(-1, -1, self.tokens.shape[2])),
            self.scores,
        )

    def best_with(self, other: "_Set") -> "_Set":
        """Return the likeliest of both sets, as many as this set has."""
        scores, places = torch.cat([self.scores, other.scores], dim=1).topk(
            self.scores.shape[1], dim=1
        )
        return _Set(torch.cat([self.tokens, other.tokens], dim=1), scores).at(places)
