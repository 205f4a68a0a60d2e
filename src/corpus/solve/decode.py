"""Continuations of many prompts: greedy, sampled, or found by a beam.

Prompts are decoded in batches of similar length, each prompt is read once whatever the number of
its continuations, and sequences that have ended are dropped. The result does not depend on the
batch: every prompt gets what it would get alone, without a cache.

Dims: seqs: sequences being decoded; ids: token ids that can follow.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from corpus.base.seeds import derive
from corpus.model.transformer import Transformer
from corpus.solve.grammar import ProgramGrammar, Scope
from corpus.solve.sequences import Sequences, wide_dtype

CROWDED = 0.75
"""Prompts that are done are dropped once no more than this share is still being decoded: dropping
copies the cache."""

WORN, LARGEST = 2.0**-24, 1.0 - 2.0**-24
"""If less than this part of the line is left around a sample's point, a new point is drawn.
The second is the largest number below 1."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """What follows a prompt."""

    tokens: tuple[int, ...]
    """Without the token that ends it."""
    log_probability: float
    """Of all its tokens, the end included, under the model (and the grammar) at temperature 1."""


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """A model and the limits of decoding."""

    model: Transformer
    stop_id: int
    """Ends a continuation."""
    max_new_tokens: int
    """A continuation is cut off at this length, its end included."""
    batch_size: int
    """Sequences decoded together, at most. The continuations of one prompt stay together."""
    device: torch.device | str = "cpu"
    """Where the model is."""
    progress: Callable[[int], None] | None = None
    """Called after each batch with the number of prompts done."""

    def greedy(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        scopes: Sequence[Scope] | None = None,
    ) -> list[Continuation]:
        """Return the continuation of each prompt that takes the likeliest token each time.

        Args:
            prompts: token ids, at least one each.
            scopes: for programs only: what each prompt's program may refer to. Continuations then
                follow the grammar.
        """

        def choose(logits: Tensor, places: Tensor, step: int) -> Tensor:
            return logits.argmax(-1)

        return [found[0] for found in self._decode(prompts, scopes, 1, lambda chosen: choose)]

    def sample(
        self,
        prompts: Sequence[Sequence[int]],
        count: int,
        *,
        seed: int,
        temperature: float = 1.0,
        scopes: Sequence[Scope] | None = None,
    ) -> list[list[Continuation]]:
        """Return `count` samples of each prompt; the first of them are spread over what is likely.

        Each sample is the continuation at one point of the line from 0 to 1, on which every
        continuation takes as much room as it is likely, and the points are spread evenly, from a
        random start. So each sample is distributed as usual, but together they repeat each other
        less and miss less (Vilnis et al. 2023, arXiv:2210.15458). The points of the first 2, 4, 8 …
        are spread evenly too, and do not depend on `count`.

        Args:
            prompts: as in `greedy`.
            count: samples of each.
            seed: decides the start, together with the place of the prompt.
            temperature: divides the logits.
            scopes: as in `greedy`.
        """
        if temperature <= 0:
            raise ValueError(
                f"temperature is {temperature}, expected a positive number; "
                "`greedy` is the limit at 0"
            )

        def chooser(chosen: Sequence[int]) -> _Choose:
            line = _Line(chosen, count, seed=seed, steps=self.max_new_tokens, device=self.device)
            return lambda logits, places, step: line.next(logits / temperature, places, step)

        return self._decode(prompts, scopes, count, chooser)

    def _decode(
        self,
        prompts: Sequence[Sequence[int]],
        scopes: Sequence[Scope] | None,
        copies: int,
        chooser: "Callable[[Sequence[int]], _Choose]",
    ) -> list[list[Continuation]]:
        found: list[list[Continuation]] = [[Continuation((), 0.0)] * copies for _ in prompts]
        for chosen in self.batches(prompts, copies):
            batch = self.begin(prompts, chosen, scopes, copies=copies)
            continuations = self._finish(batch, chooser(chosen), copies)
            for place, index in enumerate(chosen):
                found[index] = continuations[place * copies : (place + 1) * copies]
        return found

    def batches(self, prompts: Sequence[Sequence[int]], copies: int) -> Iterator[list[int]]:
        """Yield the indices of the prompts of each batch, and call `progress` after each."""
        if any(len(prompt) == 0 for prompt in prompts):
            raise ValueError("a prompt is empty: there is nothing to continue")
        # Similar lengths waste little on padding; the longest come first to show a lack of memory.
        order = sorted(range(len(prompts)), key=lambda index: -len(prompts[index]))
        size = max(1, self.batch_size // copies)
        with torch.inference_mode():
            for start in range(0, len(order) if self.max_new_tokens > 0 else 0, size):
                yield order[start : start + size]
                if self.progress:
                    self.progress(min(start + size, len(order)))

    def begin(
        self,
        prompts: Sequence[Sequence[int]],
        chosen: Sequence[int],
        scopes: Sequence[Scope] | None,
        *,
        copies: int,
    ) -> Sequences:
        """Return the sequences of one batch, prompts read."""
        grammar = None
        if scopes is not None:
            own = [scopes[index] for index in chosen]
            grammar = ProgramGrammar(own, self.max_new_tokens, device=self.device)
        return Sequences(
            self.model,
            [prompts[index] for index in chosen],
            copies=copies,
            grammar=grammar,
            device=self.device,
        )

    def _finish(self, batch: Sequences, choose: "_Choose", copies: int) -> list[Continuation]:
        """Decode every sequence to its end."""
        tokens: list[list[int]] = [[] for _ in range(len(batch))]
        total = torch.zeros(len(batch), dtype=wide_dtype(self.device), device=self.device)
        # The sequences of the prompts that are still decoded.
        active = torch.arange(len(batch), device=self.device).unflatten(0, (-1, copies))
        ended = torch.zeros(len(batch), dtype=torch.bool, device=self.device)
        for step in range(self.max_new_tokens):
            places, logits = active.flatten(), batch.logits()
            taken = choose(logits, places, step)
            gained = logits.gather(1, taken[:, None])[:, 0] - logits.logsumexp(-1)
            total[places] += torch.where(ended[places], 0.0, gained)
            for place, token, over in zip(places.tolist(), taken.tolist(), ended[places].tolist()):
                if not over and token != self.stop_id:
                    tokens[place].append(token)
            ended[places] |= taken == self.stop_id
            going = (~ended[active].all(1)).nonzero()[:, 0]
            if not len(going) or step == self.max_new_tokens - 1:
                break
            if len(going) <= CROWDED * len(active):
                batch.keep(going)
                active, taken = active[going], taken.unflatten(0, (-1, copies))[going].flatten()
            batch.feed(taken)
        return [Continuation(tuple(ids), value) for ids, value in zip(tokens, total.tolist())]


_Choose = Callable[[Float[Tensor, "seqs ids"], Int[Tensor, " seqs"], int], Int[Tensor, " seqs"]]
"""Takes logits, the place of each sequence in the batch, and the step; returns a token for each."""


class _Line:
    """Each sample's point on the line from 0 to 1, within the part of its continuation so far."""

    def __init__(
        self,
        prompts: Sequence[int],
        count: int,
        *,
        seed: int,
        steps: int,
        device: torch.device | str,
    ) -> None:
        spread = torch.tensor([_reversed(index) for index in range(count)], dtype=torch.float64)
        points, renewals = [], []
        for prompt in prompts:
            generator = torch.Generator().manual_seed(derive(seed, "sample", prompt))
            points.append((torch.rand((), dtype=torch.float64, generator=generator) + spread) % 1.0)
            renewals.append(torch.rand(steps, count, dtype=torch.float64, generator=generator).T)
        self._wide = wide_dtype(device)
        self._points, self._renewals = (
            torch.cat(parts).to(self._wide).to(device) for parts in (points, renewals)
        )
        self._width = torch.ones_like(self._points)

    def next(
        self, logits: Float[Tensor, "seqs ids"], sequences: Int[Tensor, " seqs"], step: int
    ) -> Int[Tensor, " seqs"]:
        """Return the id whose part holds each sequence's point."""
        points = self._points[sequences]
        parts = logits.softmax(-1)
        ends = parts.cumsum(-1)
        end = ends[:, -1]
        total = end.to(self._wide)
        # Rounded up to the very end, a point would lie beyond the last id that can follow.
        places = torch.minimum(
            (points * total).to(ends.dtype), end.nextafter(torch.zeros_like(end))
        )
        tokens = torch.searchsorted(ends, places[:, None], right=True)
        width = parts.gather(1, tokens)[:, 0].to(self._wide) / total
        starts = ends.gather(1, tokens)[:, 0].to(self._wide) / total - width
        self._width[sequences] *= width
        # A point is a number of 53 bits: once most are used up, the rest of its way is drawn anew.
        worn = self._width[sequences] < WORN
        self._width[sequences] = torch.where(worn, 1.0, self._width[sequences])
        inner = ((points - starts) / width).clamp(0.0, LARGEST)
        self._points[sequences] = torch.where(worn, self._renewals[sequences, step], inner)
        return tokens[:, 0]


def _reversed(index: int) -> float:
    """Return the binary digits of an index mirrored at the point: van der Corput's sequence.

    Any 2^n that follow one another are spread evenly.
    """
    value, unit = 0.0, 0.5
    while index:
        value += unit * (index & 1)
        index, unit = index >> 1, unit / 2
    return value
