"""Continuations of many prompts: the likeliest token each time, samples, or the likeliest continuations found by a beam.

Prompts are decoded in batches of similar length, each prompt is read once whatever the number of its continuations, and rows that have
ended are dropped. The result does not depend on the batch: every prompt gets what it would get alone, without a cache.

Dims: rows: rows being decoded; ids: token ids that can follow.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from corpus.base.seeds import derive
from corpus.model.transformer import Transformer
from corpus.solve.grammar import ProgramGrammar
from corpus.solve.rows import Rows, wide_dtype

CROWDED = 0.75
"""Prompts whose rows have all ended are dropped once no more than this share is still being decoded: dropping copies the cache."""

WORN, LARGEST = 2.0**-24, 1.0 - 2.0**-24
"""The part of the line that is left of a sample's point, below which the point is drawn anew; and the largest number below 1."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """What follows a prompt."""

    tokens: tuple[int, ...]
    """Without the token that ends it."""
    log_probability: float
    """Of all its tokens, the end included, under the model (and the grammar, where there is one) at temperature 1."""


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """A model and how far it is followed."""

    model: Transformer
    stop_id: int
    """Ends a continuation."""
    max_new_tokens: int
    """A continuation is cut off at this length, its end included."""
    batch_size: int
    """Rows decoded together, at most: as many prompts, divided by their continuations. The continuations of one prompt are never parted."""
    device: torch.device | str = "cpu"
    """Where the model is."""
    progress: Callable[[int], None] | None = None
    """Told after each batch how many prompts are done."""

    def greedy(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        num_numbers: Sequence[int] | None = None,
        symbolic: Sequence[bool] | None = None,
    ) -> list[Continuation]:
        """Return the continuation of each prompt that takes the likeliest token each time.

        Args:
            prompts: token ids, at least one each.
            num_numbers: for programs only: how many quantities each prompt's problem has. Continuations then follow the grammar.
            symbolic: with `num_numbers`: whether each prompt's quantities are expressions; None where all are numbers.
        """

        def choose(logits: Tensor, rows: Tensor, step: int) -> Tensor:
            return logits.argmax(-1)

        return [
            found[0]
            for found in self._decode(prompts, num_numbers, symbolic, 1, lambda chosen: choose)
        ]

    def sample(
        self,
        prompts: Sequence[Sequence[int]],
        count: int,
        *,
        seed: int,
        temperature: float = 1.0,
        num_numbers: Sequence[int] | None = None,
        symbolic: Sequence[bool] | None = None,
    ) -> list[list[Continuation]]:
        """Return `count` samples of each prompt; the first of them are spread over what the model thinks likely.

        Each sample is the continuation at one point of the line from 0 to 1, on which every continuation takes as much room as it is
        likely, and the points are spread evenly, from a random start. So each sample is distributed as usual, but together they repeat each other less and
        miss less (Vilnis et al. 2023, arXiv:2210.15458). The points of the first 2, 4, 8 … are spread evenly too, and do not depend on `count`.

        Args:
            prompts: as in `greedy`.
            count: samples of each.
            seed: decides the start, together with the place of the prompt.
            temperature: divides the logits.
            num_numbers: as in `greedy`.
            symbolic: as in `greedy`.
        """
        if temperature <= 0:
            raise ValueError(
                f"temperature is {temperature}, expected a positive number; `greedy` is the limit at 0"
            )

        def chooser(chosen: Sequence[int]) -> _Choose:
            line = _Line(chosen, count, seed=seed, steps=self.max_new_tokens, device=self.device)
            return lambda logits, rows, step: line.next(logits / temperature, rows, step)

        return self._decode(prompts, num_numbers, symbolic, count, chooser)

    def _decode(
        self,
        prompts: Sequence[Sequence[int]],
        num_numbers: Sequence[int] | None,
        symbolic: Sequence[bool] | None,
        copies: int,
        chooser: "Callable[[Sequence[int]], _Choose]",
    ) -> list[list[Continuation]]:
        found: list[list[Continuation]] = [[Continuation((), 0.0)] * copies for _ in prompts]
        for chosen in self.batches(prompts, copies):
            rows = self.rows(prompts, chosen, num_numbers, symbolic, copies=copies)
            continuations = self._finish(rows, chooser(chosen), copies)
            for place, index in enumerate(chosen):
                found[index] = continuations[place * copies : (place + 1) * copies]
        return found

    def batches(self, prompts: Sequence[Sequence[int]], copies: int) -> Iterator[list[int]]:
        """Yield the indices of the prompts of each batch, and tell `progress` after each."""
        if any(len(prompt) == 0 for prompt in prompts):
            raise ValueError("a prompt is empty: there is nothing to continue")
        # Similar lengths together waste little on padding; the longest first, so that memory that does not suffice shows at once.
        order = sorted(range(len(prompts)), key=lambda index: -len(prompts[index]))
        size = max(1, self.batch_size // copies)
        with torch.inference_mode():
            for start in range(0, len(order) if self.max_new_tokens > 0 else 0, size):
                yield order[start : start + size]
                if self.progress:
                    self.progress(min(start + size, len(order)))

    def rows(
        self,
        prompts: Sequence[Sequence[int]],
        chosen: Sequence[int],
        num_numbers: Sequence[int] | None,
        symbolic: Sequence[bool] | None = None,
        *,
        copies: int,
    ) -> Rows:
        """Return the rows of one batch, prompts read."""
        grammar = None
        if num_numbers is not None:
            grammar = ProgramGrammar(
                [num_numbers[index] for index in chosen],
                self.max_new_tokens,
                symbolic=None if symbolic is None else [symbolic[index] for index in chosen],
                device=self.device,
            )
        return Rows(
            self.model,
            [prompts[index] for index in chosen],
            copies=copies,
            max_new_tokens=self.max_new_tokens,
            grammar=grammar,
            device=self.device,
        )

    def _finish(self, rows: Rows, choose: "_Choose", copies: int) -> list[Continuation]:
        """Decode every row to its end."""
        tokens: list[list[int]] = [[] for _ in range(len(rows))]
        total = torch.zeros(len(rows), dtype=wide_dtype(self.device), device=self.device)
        active = torch.arange(len(rows), device=self.device).unflatten(
            0, (-1, copies)
        )  # rows of the prompts still decoded
        ended = torch.zeros(len(rows), dtype=torch.bool, device=self.device)
        for step in range(self.max_new_tokens):
            places, logits = active.flatten(), rows.logits()
            taken = choose(logits, places, step)
            gained = logits.gather(1, taken[:, None])[:, 0] - logits.logsumexp(-1)
            total[places] += torch.where(ended[places], 0.0, gained)
            for row, token, over in zip(places.tolist(), taken.tolist(), ended[places].tolist()):
                if not over and token != self.stop_id:
                    tokens[row].append(token)
            ended[places] |= taken == self.stop_id
            going = (~ended[active].all(1)).nonzero()[:, 0]
            if not len(going) or step == self.max_new_tokens - 1:
                break
            if len(going) <= CROWDED * len(active):
                rows.keep(going)
                active, taken = active[going], taken.unflatten(0, (-1, copies))[going].flatten()
            rows.feed(taken)
        return [Continuation(tuple(row), value) for row, value in zip(tokens, total.tolist())]


_Choose = Callable[[Float[Tensor, "rows ids"], Int[Tensor, " rows"], int], Int[Tensor, " rows"]]
"""Takes logits, the row of the batch that each belongs to, and the step; returns a token for each."""


class _Line:
    """Where each sample is on the line from 0 to 1, within the part that its continuation so far takes up."""

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
        self, logits: Float[Tensor, "rows ids"], rows: Int[Tensor, " rows"], step: int
    ) -> Int[Tensor, " rows"]:
        """Return the id whose part holds each row's point."""
        points = self._points[rows]
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
        self._width[rows] *= width
        # A point is a number of 53 bits: once most are used up, the rest of its way is drawn anew.
        worn = self._width[rows] < WORN
        self._width[rows] = torch.where(worn, 1.0, self._width[rows])
        inner = ((points - starts) / width).clamp(0.0, LARGEST)
        self._points[rows] = torch.where(worn, self._renewals[rows, step], inner)
        return tokens[:, 0]


def _reversed(index: int) -> float:
    """Van der Corput's sequence: the binary digits of an index mirrored at the point. Any 2^n that follow one another are spread evenly."""
    value, unit = 0.0, 0.5
    while index:
        value += unit * (index & 1)
        index, unit = index >> 1, unit / 2
    return value
