"""Rows of text in the curriculum's mixture, with a cursor that is a few integers.

The order is a pure function of the seed: row number n takes its source by a draw that depends on (seed, n) and on the mixture at that
moment, and a source's k-th row by a permutation that depends on (seed, source, epoch). So the cursor (rows handed out, rows taken of
each source) says everything, and a run that goes on from it sees exactly the rows it would have seen.
"""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from corpus.base.errors import DataError
from corpus.base.seeds import derive
from corpus.data.batch import Batch, stack, text_rows
from corpus.data.curriculum import Mixture


class SourceRows:
    """One source's tokens cut into rows, in an order that is shuffled anew each epoch."""

    def __init__(self, name: str, tokens: np.ndarray, *, context_length: int, seed: int) -> None:
        self.name, self._tokens, self._length, self._seed = name, tokens, context_length, seed
        self.num_rows = (len(tokens) - 1) // context_length
        if self.num_rows < 1:
            raise DataError(
                f"source {name!r} has {len(tokens):,} tokens, fewer than one row of {context_length + 1}; give it more text"
            )
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def row(self, index: int) -> np.ndarray:
        """Return the `index`-th row read from this source: [context_length + 1] int64. Any non-negative index is valid."""
        epoch, place = divmod(index, self.num_rows)
        if epoch != self._epoch:
            generator = np.random.Generator(
                np.random.PCG64(derive(self._seed, "rows", self.name, epoch))
            )
            self._epoch, self._order = epoch, generator.permutation(self.num_rows)
        start = int(self._order[place]) * self._length
        return np.asarray(self._tokens[start : start + self._length + 1], dtype=np.int64)


class TextLoader:
    """Hands out batches of text rows and its own cursor."""

    def __init__(
        self,
        sources: Mapping[str, np.ndarray],
        *,
        context_length: int,
        rows_per_batch: int,
        eos_id: int,
        seed: int,
    ) -> None:
        self._sources = {
            name: SourceRows(name, tokens, context_length=context_length, seed=seed)
            for name, tokens in sources.items()
        }
        self._length, self._rows_per_batch, self._eos_id, self._seed = (
            context_length,
            rows_per_batch,
            eos_id,
            seed,
        )
        self._handed_out = 0
        self._taken = dict.fromkeys(self._sources, 0)

    @property
    def consumed(self) -> dict[str, int]:
        """Tokens handed out so far, by source."""
        return {name: rows * self._length for name, rows in self._taken.items()}

    @property
    def epochs(self) -> dict[str, float]:
        """How often each source has been read."""
        return {name: rows / self._sources[name].num_rows for name, rows in self._taken.items()}

    def cursor(self) -> dict[str, Any]:
        """Return the position, as JSON-ready values."""
        return {"handed_out": self._handed_out, "taken": dict(self._taken)}

    def restore(self, cursor: Mapping[str, Any]) -> None:
        """Go to a position that `cursor` returned."""
        if set(cursor["taken"]) != set(self._sources):
            raise DataError(
                f"the checkpoint read sources {sorted(cursor['taken'])}, and {sorted(self._sources)} are prepared; prepare the same data"
            )
        self._handed_out, self._taken = (
            int(cursor["handed_out"]),
            {name: int(rows) for name, rows in cursor["taken"].items()},
        )

    def rows(self, count: int, mixture: Mixture) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the next `count` rows drawn from `mixture` as inputs, targets and document ids, each [count context_length]."""
        names, edges = list(mixture), np.cumsum(list(mixture.values()))
        rows = []
        for _ in range(count):
            draw = random.Random(derive(self._seed, "draw", self._handed_out)).random() * edges[-1]
            name = names[min(int(np.searchsorted(edges, draw, side="right")), len(names) - 1)]
            rows.append(self._sources[name].row(self._taken[name]))
            self._taken[name] += 1
            self._handed_out += 1
        return text_rows(np.stack(rows), self._eos_id)

    def batch(self, mixture: Mixture) -> Batch:
        """Return the next batch, its rows drawn from `mixture`."""
        return stack(
            [self.rows(self._rows_per_batch, mixture)], self._rows_per_batch * self._length
        )
