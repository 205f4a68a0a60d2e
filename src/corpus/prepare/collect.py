"""Documents of every input into the pool, within the caps, without duplicates."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

from corpus.base.console import Task, progress
from corpus.config.prepare import BYTES_PER_TOKEN, PrepareConfig
from corpus.prepare.dedup import Duplicates
from corpus.prepare.document import Document, TextInput, fingerprint
from corpus.prepare.pool import Pool, encode
from corpus.prepare.quota import Quota
from corpus.prepare.screen import Screen


@dataclass
class Dropped:
    """Documents that were read and not kept, by reason and source."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)

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
    """Read every input into `pool`, held-out documents first, and return what was dropped and why.

    Reasons: `empty` (nothing but white space), `exact` and `near` (duplicates, with `dedup`), `held out` (a training document equal
    to a held-out one), `contaminated` (the `screen` found an evaluation problem in it), `cap` (its source was full).
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
    for document in chain.from_iterable(
        text.documents("validation", task.advance) for text in texts
    ):
        source = document.source
        if not document.text.strip():
            dropped.add("empty", source)
        elif config.weight(source) > 0 and pool.texts("validation", source).num_bytes < most:
            pool.texts("validation", source).add(document.text, fingerprint(document.text))


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
            room = quota.room(document.source)
            mark = fingerprint(document.text) if room else 0
            reason = _reason(document, room, mark, held_out, duplicates, screen)
            if reason is None:
                text = (
                    document.text if len(document.text) * 4 <= room else _cut(document.text, room)
                )
                quota.take(document.source, pool.texts("train", document.source).add(text, mark))
                continue
            dropped.add(reason, document.source)
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
    if not document.text.strip():
        return "empty"
    if mark in held_out:
        return "held out"
    if screen is not None and screen.stops(document):
        return "contaminated"
    return duplicates.kind(document.text, mark) if duplicates else None


def _cut(text: str, room: float) -> str:
    """Return the beginning of `text` that fits into `room` bytes."""
    data = encode(text)
    return text if len(data) <= room else data[: int(room)].decode("utf-8", "ignore")
