"""The choices of a run about how it computes, kept in its manifest."""

from collections.abc import Callable
from typing import Any, TypeVar

from corpus.run.folder import RunFolder
from corpus.runtime.ranks import Ranks
from corpus.train.step import OutOfMemory

T = TypeVar("T")


class Choices:
    """The recorded choices of a run, by name; the same on all ranks."""

    def __init__(self, folder: RunFolder, ranks: Ranks) -> None:
        """Read the choices of earlier sessions; all ranks call this."""
        self._folder, self._ranks = folder, ranks
        self._known: dict[str, Any] = ranks.from_main(folder.read_manifest()["choices"])

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def __getitem__(self, name: str) -> Any:
        return self._known[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a choice, or `default` where it was not made yet."""
        return self._known.get(name, default)

    @property
    def has_begun(self) -> bool:
        """Whether a phase has begun."""
        return any(name.endswith("_began_seconds") for name in self._known)

    def record(self, **choices: Any) -> None:
        """Keep the first rank's choices; all ranks call this."""
        choices = self._ranks.from_main(choices)
        self._known |= choices
        self._folder.update_manifest(choices=choices)

    def together(self, trial: Callable[[], T]) -> T:
        """Return the result of a trial on this rank.

        Raises `OutOfMemory` on all ranks if one of them ran out of memory. The trial itself must
        not wait for other ranks, since one that ran out of memory would never come.
        """
        full: OutOfMemory | None = None
        found: list[T] = []
        try:
            found.append(trial())
        except OutOfMemory as error:
            full = error
        if self._ranks.any(full is not None):
            raise full or OutOfMemory("another rank ran out of memory; see its own message")
        return found[0]
