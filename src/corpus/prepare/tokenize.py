"""Text pieces to token shards, source after source, each in the order it was read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus.base.console import Task
from corpus.data.shards import ShardsWriter, write_shards
from corpus.prepare.pool import Texts
from corpus.prepare.split import Piece
from corpus.text.tokenizer import EOS, Tokenizer

BATCH_BYTES = 2_000_000
"""Text encoded at a time: enough for every core, and some 100 MB at most."""


@dataclass(frozen=True)
class Selection:
    """What is written of one source: pieces of its texts, in order."""

    texts: Texts
    pieces: Sequence[Piece]
    limit: int | None = None
    """Most tokens to write, `<|eos|>` included; None for all."""

    @property
    def num_bytes(self) -> int:
        return sum(piece.num_bytes for piece in self.pieces)


def tokenize(
    selections: Mapping[str, Sequence[Selection]], tokenizer: Tokenizer, folder: Path, task: Task
) -> dict[str, np.ndarray]:
    """Write one shard for each source into `folder`; return how often each id occurs in it: source → [vocab_size] int64."""
    eos_id, counts = tokenizer.token_id(EOS), {}
    with write_shards(
        folder, vocab_size=tokenizer.vocab_size, eos_id=eos_id, tokenizer_digest=tokenizer.digest
    ) as writer:
        for source in sorted(selections):
            counts[source] = np.zeros(tokenizer.vocab_size, dtype=np.int64)
            for selection in selections[source]:
                _write(writer, source, selection, tokenizer, counts[source], task)
    return counts


def num_tokens(selection: Selection, tokenizer: Tokenizer) -> int:
    """Return the tokens a selection comes to, the `<|eos|>` of each piece included and its limit ignored."""
    return sum(
        len(ids) + 1 for batch in _batches(selection) for ids in tokenizer.encode_arrays(batch)
    )


def reaches(selection: Selection, tokenizer: Tokenizer, wanted: int) -> bool:
    """Return whether a selection comes to as many tokens, its limit ignored; no more than that is encoded."""
    found = 0
    for batch in _batches(selection):
        found += sum(len(ids) + 1 for ids in tokenizer.encode_arrays(batch))
        if found >= wanted:
            return True
    return found >= wanted


def _write(
    writer: ShardsWriter,
    source: str,
    selection: Selection,
    tokenizer: Tokenizer,
    counts: np.ndarray,
    task: Task,
) -> None:
    room = selection.limit if selection.limit is not None else 1 << 62
    eos_id = tokenizer.token_id(EOS)
    for batch in _batches(selection):
        for text, found in zip(batch, tokenizer.encode_arrays(batch), strict=True):
            ids, kept = (
                (found, text)
                if len(found) < room
                else _fit(text, found[: max(0, room - 1)], tokenizer)
            )
            if len(ids) == 0:
                break
            size = len(kept.encode())
            writer.add(source, ids, num_bytes=size)
            counts += np.bincount(ids, minlength=len(counts))
            counts[eos_id] += 1
            room -= len(ids) + 1
            task.advance(size)
        if room < 2:
            return


def _fit(text: str, ids: np.ndarray, tokenizer: Tokenizer) -> tuple[np.ndarray, str]:
    """Shorten the first ids of `text` to the end of a character; return them and their text."""
    while len(ids) and not text.startswith(tokenizer.decode(ids)):
        ids = ids[:-1]
    return ids, tokenizer.decode(ids)


def _batches(selection: Selection) -> Iterator[list[str]]:
    batch, size = [], 0
    for piece in selection.pieces:
        batch.append(piece.text(selection.texts))
        size += piece.num_bytes
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
