"""Pre-training's batches: text rows in the mixture that the curriculum gives for the progress."""

from collections.abc import Sequence
from typing import Any

from corpus.data.batch import Batch
from corpus.data.curriculum import Phase, mixture_at
from corpus.data.loader import TextLoader


class CurriculumFeed:
    """Hands out text batches; see `loop.Feed`."""

    def __init__(self, loader: TextLoader, phases: Sequence[Phase]) -> None:
        self._loader, self._phases = loader, phases

    @property
    def consumed(self) -> dict[str, int]:
        """Tokens handed out so far, by source."""
        return self._loader.consumed

    def batch(self, progress: float) -> Batch:
        """Return the next batch, drawn from the mixture in force at `progress`."""
        return self._loader.batch(mixture_at(self._phases, progress))

    def cursor(self) -> dict[str, Any]:
        """Return the position, JSON-ready."""
        return self._loader.cursor()

    def restore(self, cursor: dict[str, Any]) -> None:
        """Go to a position that `cursor` returned."""
        self._loader.restore(cursor)
