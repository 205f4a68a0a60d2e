"""Batches of a study: its sequences, in one order, each once."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from corpus.data.batch import Batch, shift_text, stack
from corpus.study.sequences import Sequences


class OrderedLoader:
    """Hands out the sequences of a study in one order; the cursor is how many were handed out."""

    def __init__(
        self, sequences: Sequences, order: np.ndarray, *, batch_size: int, eos_id: int
    ) -> None:
        """`order` is a permutation, `batch_size` counts sequences; a rest is not used."""
        self._sequences, self._order, self._batch_size = sequences, order, batch_size
        self._eos_id, self._length = eos_id, len(sequences.tokens(0)) - 1
        self.num_batches = len(order) // batch_size
        self._done = 0

    @property
    def consumed(self) -> dict[str, int]:
        """Tokens handed out so far, by source."""
        read = self._sequences.source[self._order[: self._done * self._batch_size]]
        counts = np.bincount(read, minlength=len(self._sequences.names))
        return {
            name: int(count) * self._length for name, count in zip(self._sequences.names, counts)
        }

    @property
    def done(self) -> float:
        """Share of the batches that were handed out."""
        return self._done / self.num_batches

    def batch(self, progress: float) -> Batch:
        """Return the next batch. `progress` plays no part: the order is fixed."""
        first = self._done * self._batch_size
        chosen = self._order[first : first + self._batch_size]
        self._done += 1
        text = np.stack([self._sequences.tokens(int(index)) for index in chosen])
        return stack([shift_text(text, self._eos_id)], len(chosen) * self._length)

    def cursor(self) -> dict[str, Any]:
        """Return the position, JSON-ready."""
        return {"batches": self._done}

    def restore(self, cursor: Mapping[str, Any]) -> None:
        """Go to a position that `cursor` returned."""
        self._done = int(cursor["batches"])
