"""Where batches come from: text in the mixture of the curriculum, and prefetching.

The order is a pure function of the seed. The source of sequence n is drawn by (seed, n) from the
mixture at that moment. The k-th sequence of a source follows an offset and a permutation drawn by
(seed, source, epoch). So the cursor is a few integers (sequences handed out, sequences taken of
each source), and a run that resumes from it sees exactly the batches it would have seen.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from corpus.base.errors import DataError
from corpus.base.plain import from_plain, to_plain
from corpus.base.seeds import derive
from corpus.data.batch import Arrays, Batch, shift_text, stack
from corpus.data.curriculum import CurriculumPhase, mixture_at


@dataclass(frozen=True, kw_only=True)
class _TextCursor:
    """A position in the text."""

    handed_out: int
    """Sequences so far."""
    taken: dict[str, int]
    """Those of each source."""


class Loader(Protocol):
    """Hands out batches, and can go back to a position."""

    @property
    def consumed(self) -> dict[str, int]:
        """Tokens handed out so far, by source."""
        ...

    @property
    def done(self) -> float:
        """Share of what there is to read that was handed out, 0…1; 0 if it never ends."""
        ...

    def batch(self, progress: float) -> Batch:
        """Return the next batch at this progress (0…1) of the training phase."""
        ...

    def cursor(self) -> dict[str, Any]:
        """Return the position, JSON-ready."""
        ...

    def restore(self, cursor: dict[str, Any]) -> None:
        """Go to a position that `cursor` returned."""
        ...


class Prefetcher:
    """A loader that can make its next batch early; until the batch is taken, its position does not
    move.
    """

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._next: tuple[Batch, dict[str, Any], dict[str, int], float] | None = None

    def prefetch(self, progress: float) -> None:
        """Make the next batch now, for this progress, unless it is made already."""
        if self._next is None:
            cursor, consumed = self._loader.cursor(), dict(self._loader.consumed)
            done = self._loader.done
            self._next = self._loader.batch(progress), cursor, consumed, done

    @property
    def consumed(self) -> dict[str, int]:
        """Tokens handed out so far, by source."""
        return self._loader.consumed if self._next is None else self._next[2]

    @property
    def done(self) -> float:
        """Share of what there is to read that was handed out, 0…1."""
        return self._loader.done if self._next is None else self._next[3]

    def batch(self, progress: float) -> Batch:
        """Return the prefetched batch, or else the next one at this progress."""
        if self._next is None:
            return self._loader.batch(progress)
        made, self._next = self._next[0], None
        return made

    def cursor(self) -> dict[str, Any]:
        """Return the position before the prefetched batch, JSON-ready."""
        return self._loader.cursor() if self._next is None else self._next[1]

    def discard(self) -> None:
        """Drop the prefetched batch: the loader is about to hand out others."""
        if self._next is not None:
            self.restore(self._next[1])

    def restore(self, cursor: dict[str, Any]) -> None:
        """Go to a position that `cursor` returned."""
        self._next = None
        self._loader.restore(cursor)


class SourceText:
    """One source's tokens cut into sequences, elsewhere and in another order each epoch.

    The tokens are a circle, and an epoch begins at a place drawn for it. So no token is always at
    the start of a sequence, or always in the rest that is shorter than one.
    """

    def __init__(self, name: str, tokens: np.ndarray, *, context_length: int, seed: int) -> None:
        self.name, self._tokens, self._length, self._seed = name, tokens, context_length, seed
        self.num_sequences = len(tokens) // context_length
        if len(tokens) <= context_length:
            raise DataError(
                f"source {name!r} has {len(tokens):,} tokens, fewer than one sequence of "
                f"{context_length + 1}; give it more text"
            )
        self._epoch, self._offset, self._order = -1, 0, np.empty(0, dtype=np.int64)

    def sequence(self, index: int) -> np.ndarray:
        """Return the `index`-th sequence read from this source: [context_length + 1] int64.

        Any non-negative index is valid.
        """
        epoch, place = divmod(index, self.num_sequences)
        if epoch != self._epoch:
            seed = derive(self._seed, "rows", self.name, epoch)
            generator = np.random.Generator(np.random.PCG64(seed))
            self._epoch, self._order = epoch, generator.permutation(self.num_sequences)
            self._offset = int(generator.integers(len(self._tokens)))
        size, total = self._length + 1, len(self._tokens)
        start = (self._offset + int(self._order[place]) * self._length) % total
        first = np.asarray(self._tokens[start : start + size], dtype=np.int64)
        rest = np.asarray(self._tokens[: size - len(first)], dtype=np.int64)
        return np.concatenate([first, rest]) if len(rest) else first


class TextLoader:
    """Hands out batches of text in the mixture of the curriculum's phases."""

    def __init__(
        self,
        sources: Mapping[str, np.ndarray],
        phases: Sequence[CurriculumPhase],
        *,
        context_length: int,
        batch_size: int,
        eos_id: int,
        seed: int,
    ) -> None:
        """`sources` are the tokens of each source, `batch_size` counts sequences."""
        self._sources = {
            name: SourceText(name, tokens, context_length=context_length, seed=seed)
            for name, tokens in sources.items()
        }
        self._phases, self._length, self._batch_size = phases, context_length, batch_size
        self._eos_id, self._seed = eos_id, seed
        self._handed_out = 0
        self._taken = dict.fromkeys(self._sources, 0)

    @property
    def consumed(self) -> dict[str, int]:
        """Tokens handed out so far, by source."""
        return {name: taken * self._length for name, taken in self._taken.items()}

    @property
    def done(self) -> float:
        """Return 0: text is read again and again."""
        return 0.0

    @property
    def epochs(self) -> dict[str, float]:
        """How often each source has been read."""
        return {
            name: taken / self._sources[name].num_sequences for name, taken in self._taken.items()
        }

    def cursor(self) -> dict[str, Any]:
        """Return the position, JSON-ready."""
        return to_plain(_TextCursor(handed_out=self._handed_out, taken=self._taken))

    def restore(self, cursor: Mapping[str, Any]) -> None:
        """Go to a position that `cursor` returned. Raises `ConfigError` for anything else, and
        `DataError` where other sources were read."""
        found = from_plain(_TextCursor, cursor, where="cursor.text")
        if set(found.taken) != set(self._sources):
            raise DataError(
                f"the checkpoint was trained on sources {sorted(found.taken)}, but the "
                f"prepared data has {sorted(self._sources)}; prepare the same data again"
            )
        self._handed_out, self._taken = found.handed_out, found.taken

    def sequences(self, count: int, progress: float) -> Arrays:
        """Return the next `count` sequences, drawn from the mixture in force at `progress`.

        Each array is [count context_length].
        """
        mixture = mixture_at(self._phases, progress)
        names, edges = list(mixture), np.cumsum(list(mixture.values()))
        text = []
        for _ in range(count):
            draw = random.Random(derive(self._seed, "draw", self._handed_out)).random() * edges[-1]
            name = names[min(int(np.searchsorted(edges, draw, side="right")), len(names) - 1)]
            text.append(self._sources[name].sequence(self._taken[name]))
            self._taken[name] += 1
            self._handed_out += 1
        return shift_text(np.stack(text), self._eos_id)

    def batch(self, progress: float) -> Batch:
        """Return the next batch."""
        arrays = self.sequences(self._batch_size, progress)
        return stack([arrays], self._batch_size * self._length)
