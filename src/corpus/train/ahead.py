"""The next batch, made while the device works on the one before."""

from typing import Any, Protocol

from corpus.data.batch import Batch


class Feed(Protocol):
    """Where batches come from."""

    @property
    def consumed(self) -> dict[str, int]:
        """Tokens handed out so far, by source."""
        ...

    def batch(self, progress: float) -> Batch:
        """Return the next batch at this progress of the phase."""
        ...

    def cursor(self) -> dict[str, Any]:
        """Return the position, JSON-ready."""
        ...

    def restore(self, cursor: dict[str, Any]) -> None:
        """Go to a position that `cursor` returned."""
        ...


class Ahead:
    """A feed that can make its next batch early; what it says of its position is as if it had not."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._next: tuple[Batch, dict[str, Any], dict[str, int]] | None = None

    def prepare(self, progress: float) -> None:
        """Make the next batch now, for this progress; without effect where it is made already."""
        if self._next is None:
            cursor, consumed = self._feed.cursor(), dict(self._feed.consumed)
            self._next = self._feed.batch(progress), cursor, consumed

    @property
    def consumed(self) -> dict[str, int]:
        """Tokens handed out so far, by source."""
        return self._feed.consumed if self._next is None else self._next[2]

    def batch(self, progress: float) -> Batch:
        """Return the next batch: the one that was prepared, else one at this progress."""
        if self._next is None:
            return self._feed.batch(progress)
        made, self._next = self._next[0], None
        return made

    def cursor(self) -> dict[str, Any]:
        """Return the position before the prepared batch, JSON-ready."""
        return self._feed.cursor() if self._next is None else self._next[1]

    def forget(self) -> None:
        """Drop the prepared batch and what came of making it, in a feed that hands out other batches from here on."""
        if self._next is not None:
            self.restore(self._next[1])

    def restore(self, cursor: dict[str, Any]) -> None:
        """Go to a position that `cursor` returned."""
        self._next = None
        self._feed.restore(cursor)
