"""How much text is still wanted: caps by source, the total shared by weight, and when to stop reading."""

from collections.abc import Mapping
from typing import Any

from corpus.config.prepare import BYTES_PER_TOKEN, PrepareConfig

SEARCH = 4
"""Read at most this many times the bytes that `max_tokens` needs, looking for sources that are rare."""

PATIENCE = 20_000
"""With every source seen so far full, read this many more documents in case another source turns up. In SlimPajama's shuffled
files the rarest one, Book, is one document in 3,000."""


class Quota:
    """Counts the text taken, by source, against the caps of a config, or against `most_bytes` for every source alike."""

    def __init__(self, config: PrepareConfig, *, most_bytes: int | None = None) -> None:
        self._config, self._most = config, most_bytes
        self._taken: dict[str, int] = {}
        self._read = self._unwanted = 0

    def begin(self) -> None:
        """Start reading another input."""
        self._read = self._unwanted = 0

    def room(self, source: str) -> float:
        """Return how many more bytes of `source` are wanted; infinite where nothing caps it, 0 where it is left out or full."""
        config = self._config
        if config.weight(source) == 0:
            return 0
        self._taken.setdefault(source, 0)
        if self._most is not None:
            return max(0, self._most - self._taken[source])
        held_out = config.validation_tokens * BYTES_PER_TOKEN  # may be split off what is taken
        limits = [float(config.max_source_bytes.get(source, float("inf")))]
        tokens = token_limit(config, source, list(self._taken))
        if tokens is not None:
            limits.append(tokens * BYTES_PER_TOKEN + held_out)
        return max(0.0, min(limits) - self._taken[source])

    def take(self, source: str, num_bytes: int) -> None:
        """Count text that was kept."""
        self._taken[source] = self._taken.get(source, 0) + num_bytes
        self._read += num_bytes
        self._unwanted = 0

    def refuse(self, num_bytes: int) -> None:
        """Count text that was read and not kept."""
        self._read += num_bytes
        self._unwanted += 1

    @property
    def is_met(self) -> bool:
        """True where reading this input on is not worth it."""
        total = self._config.max_tokens
        if total is not None:
            needed = total + len(self._taken) * self._config.validation_tokens
            if self._read > SEARCH * needed * BYTES_PER_TOKEN:
                return True
        full = bool(self._taken) and not any(self.room(source) for source in list(self._taken))
        return full and self._unwanted >= PATIENCE

    def state(self) -> dict[str, Any]:
        """Return what was counted, as JSON-ready values."""
        return {"taken": dict(self._taken), "read": self._read, "unwanted": self._unwanted}

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Go on from what `state` returned; None starts anew."""
        if state is not None:
            self._taken, self._read, self._unwanted = (
                dict(state["taken"]),
                state["read"],
                state["unwanted"],
            )


def token_limit(config: PrepareConfig, source: str, sources: list[str]) -> int | None:
    """Return the most training tokens of `source` when `sources` share the total; None where nothing limits it."""
    limits = [config.max_source_tokens[source]] if source in config.max_source_tokens else []
    if config.max_tokens is not None:
        limits.append(
            round(
                config.max_tokens
                * config.weight(source)
                / sum(config.weight(name) for name in {source, *sources})
            )
        )
    return min(limits) if limits else None
