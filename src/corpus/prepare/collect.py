"""Read documents of every input into the pool: within the limits, without duplicates.

A `Quota` counts the text of each source against its limits and says when to stop reading.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from corpus.base.console import Task, progress
from corpus.config.prepare import (
    BYTES_PER_TOKEN,
    SMALLEST_PART,
    VALIDATION_DOCUMENTS,
    PrepareConfig,
)
from corpus.prepare.dedup import Duplicates
from corpus.prepare.document import Document, TextInput, fingerprint
from corpus.prepare.pool import Pool, encode
from corpus.prepare.screen import Screen

SEARCH = 4
"""Read at most this many times the bytes that `max_tokens` needs, in search of rare sources."""

PATIENCE = 20_000
"""Documents to read after all sources seen so far are full, in case another source appears. In
SlimPajama's shuffled files the rarest source, Book, is one document in 3,000.
"""


class Dropped:
    """Documents that were read and not kept: counts by reason and source."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}

    def add(self, reason: str, source: str) -> None:
        """Count one document."""
        self.counts.setdefault(reason, Counter())[source] += 1

    @property
    def sources(self) -> set[str]:
        """Sources that lost a document."""
        return {source for counts in self.counts.values() for source in counts}


def collect(
    texts: Sequence[TextInput],
    config: PrepareConfig,
    pool: Pool,
    *,
    dedup: str,
    screen: Screen | None = None,
) -> Dropped:
    """Read every input into `pool`, held-out documents first; return what was dropped and why.

    Reasons: `cap` (its source is full), `empty` (null, or only white space), `held out` (equal to a
    held-out document), `contaminated` (`screen` found an evaluation problem), `exact` and `near`
    (duplicates, with `dedup`).
    """
    dropped = Dropped()
    sizes = [text.size(split) for text in texts for split in ("validation", "train")]
    with progress("reading text", sum(sizes) or None, "bytes") as task:
        _collect_validation(texts, config, pool, dropped, task)
        _collect_train(texts, config, pool, dropped, task, dedup, screen)
    return dropped


def _collect_validation(
    texts: Sequence[TextInput], config: PrepareConfig, pool: Pool, dropped: Dropped, task: Task
) -> None:
    most = config.max_validation_tokens * BYTES_PER_TOKEN
    part = max(SMALLEST_PART, -(-most // VALIDATION_DOCUMENTS))  # one book must not fill it
    inputs = (text.documents("validation", task.advance) for text in texts)
    for document in chain.from_iterable(inputs):
        source = document.source
        if document.is_empty:
            dropped.add("empty", source)
        elif config.weight(source) > 0 and pool.texts("validation", source).num_bytes < most:
            mark = fingerprint(document.text)
            pool.texts("validation", source).add(_cut(document.text, part), mark)


def _collect_train(
    texts: Sequence[TextInput],
    config: PrepareConfig,
    pool: Pool,
    dropped: Dropped,
    task: Task,
    dedup: str,
    screen: Screen | None,
) -> None:
    quota, held_out = Quota(config), pool.marks("validation")
    duplicates = Duplicates("near" if dedup == "near" else "exact") if dedup != "off" else None
    for text_input in texts:
        quota.begin()
        for document in text_input.documents("train", task.advance):
            source, room = document.source, quota.room(document.source)
            mark = fingerprint(document.text) if room else 0
            reason = _reason(document, room, mark, held_out, duplicates, screen)
            if reason is None:
                text = _cut(document.text, room)
                quota.take(source, pool.texts("train", source).add(text, mark))
                continue
            dropped.add(reason, source)
            quota.refuse(len(document.text))
            if quota.is_met:
                break


def _reason(
    document: Document,
    room: float,
    mark: int,
    held_out: set[int],
    duplicates: Duplicates | None,
    screen: Screen | None,
) -> str | None:
    if not room:
        return "cap"
    if document.is_empty:
        return "empty"
    if mark in held_out:
        return "held out"
    if screen is not None and screen.stops(document):
        return "contaminated"
    return duplicates.kind(document.text, mark) if duplicates else None


def _cut(text: str, room: float) -> str:
    """Return the start of `text` that fits into `room` bytes."""
    if len(text) * 4 <= room:  # a character has at most 4 bytes
        return text
    data = encode(text)
    return text if len(data) <= room else data[: int(room)].decode("utf-8", "ignore")


class Quota:
    """Counts the text taken from each source against its limits.

    Args:
        config: the limits of each source.
        most_bytes: a limit for every source alike, in place of those of `config`.
    """

    def __init__(self, config: PrepareConfig, *, most_bytes: int | None = None) -> None:
        self._config, self._most = config, most_bytes
        self._taken: dict[str, int] = {}
        self._read = self._unwanted = 0

    def begin(self) -> None:
        """Start reading another input."""
        self._read = self._unwanted = 0

    def room(self, source: str) -> float:
        """Return how many more bytes of `source` are wanted; infinite without a limit."""
        config = self._config
        if config.weight(source) == 0:
            return 0
        self._taken.setdefault(source, 0)
        if self._most is not None:
            return max(0, self._most - self._taken[source])
        limits = [float(config.max_source_bytes.get(source, float("inf")))]
        tokens = token_limit(config, source, list(self._taken))
        if tokens is not None:  # validation tokens may be split off what is taken
            limits.append((tokens + config.validation_tokens) * BYTES_PER_TOKEN)
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
        """True if reading more of this input is not worth it."""
        total = self._config.max_tokens
        if total is not None:
            needed = total + len(self._taken) * self._config.validation_tokens
            if self._read > SEARCH * needed * BYTES_PER_TOKEN:
                return True
        full = bool(self._taken) and not any(self.room(source) for source in list(self._taken))
        return full and self._unwanted >= PATIENCE

    def state(self) -> dict[str, Any]:
        """Return the counts, JSON-ready."""
        return {"taken": dict(self._taken), "read": self._read, "unwanted": self._unwanted}

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from what `state` returned; None changes nothing."""
        if state is not None:
            self._taken = dict(state["taken"])
            self._read, self._unwanted = state["read"], state["unwanted"]


def token_limit(config: PrepareConfig, source: str, sources: list[str]) -> int | None:
    """Return the most training tokens of `source` if `sources` share the total; None: no limit."""
    limits = [config.max_source_tokens[source]] if source in config.max_source_tokens else []
    if config.max_tokens is not None:
        weights = sum(config.weight(name) for name in {source, *sources})
        limits.append(round(config.max_tokens * config.weight(source) / weights))
    return min(limits) if limits else None
