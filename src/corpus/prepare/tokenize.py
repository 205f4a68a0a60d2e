"""From text to tokens: the sample that the tokenizer is trained on, and the token shards."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from corpus.base.console import Task
from corpus.config.tokenizer import TokenizerConfig
from corpus.data.shards import ShardsWriter, write_shards
from corpus.prepare.pool import TextSelection, by_mark
from corpus.text.tokenizer import EOS, Tokenizer

DOCUMENTS_AT_LEAST = 20
"""A document gives at most one part in this many of its source's share of the sample, so that one
long book does not stand for its source."""

LONGEST_RUN = 4000
"""Longest run of letters, signs or white space to learn from; the rest of the run is left out. The
time to learn from a run grows with the square of its length.
"""

BATCH_BYTES = 2_000_000
"""Text encoded at a time: enough for every core, in some 100 MB at most."""


def sample_texts(
    sources: Mapping[str, TextSelection], problem_texts: Sequence[str], config: TokenizerConfig
) -> Iterator[str]:
    """Yield about `sample_bytes` of training text, an equal share of each source.

    The same text gives the same sample. Larger sources make up for what a small source lacks.
    """
    sample_bytes = config.sample_bytes
    problems = _spread(problem_texts, round(sample_bytes * config.problems_share))
    yield from map(shorten_runs, problems)
    available = {source: selection.num_bytes for source, selection in sources.items()}
    shares = fair_shares(available, max(1, sample_bytes - sum(len(text) for text in problems)))
    for source in sorted(sources):
        yield from map(shorten_runs, _draw(sources[source], shares[source]))


def shorten_runs(text: str) -> str:
    """Cut runs of letters, signs or white space to `LONGEST_RUN` characters each."""
    if len(text) <= LONGEST_RUN:
        return text
    return _runs(LONGEST_RUN).sub(lambda run: run[run.lastindex or 0], text)


@cache
def _runs(longest: int) -> re.Pattern[str]:
    """Return a pattern of longer runs. A run is matched from its start only, so the time is linear.
    The group is the part that stays.
    """
    letter, sign = r"[^\W\d_]", r"(?:[^\w\s]|_)"
    return re.compile(
        rf"(?<!{letter})({letter}{{{longest}}}){letter}+"
        rf"|(?<!\s)(\s{{{longest}}})\s+"
        rf"|(?<![^\w\s])(?<!_)({sign}{{{longest}}}){sign}+"
    )


def sample_size(
    sources: Mapping[str, TextSelection], problem_texts: Sequence[str], config: TokenizerConfig
) -> int:
    """Return about how many bytes `sample_texts` yields."""
    available = sum(selection.num_bytes for selection in sources.values())
    return min(config.sample_bytes, available + sum(map(len, problem_texts)))


def fair_shares(available: Mapping[str, int], total: int) -> dict[str, int]:
    """Divide `total` evenly; what one name cannot use, the others share."""
    shares: dict[str, int] = {}
    for position, name in enumerate(sorted(available, key=lambda name: (available[name], name))):
        shares[name] = min(available[name], total // (len(available) - position))
        total -= shares[name]
    return shares


def _draw(selection: TextSelection, share: int) -> Iterator[str]:
    texts, by_index = selection.texts, {piece.index: piece for piece in selection.pieces}
    most, taken = max(1000, share // DOCUMENTS_AT_LEAST), 0
    for index in by_mark(texts):
        if taken >= share:
            return
        if piece := by_index.get(index):
            data = texts.data(index)[piece.start : min(piece.end, piece.start + most)]
            taken += len(data)
            yield data.decode("utf-8", "ignore")


def _spread(texts: Sequence[str], num_bytes: int) -> list[str]:
    """Return every n-th text, so that they come to `num_bytes` at most."""
    total = sum(map(len, texts))
    return list(texts[:: max(1, -(-total // num_bytes))]) if num_bytes else []


def tokenize(
    selections: Mapping[str, Sequence[TextSelection]],
    tokenizer: Tokenizer,
    folder: Path,
    task: Task,
) -> dict[str, np.ndarray]:
    """Write one shard a source into `folder`; return token counts: source → [vocab_size] int64."""
    eos_id, counts = tokenizer.token_id(EOS), {}
    with write_shards(
        folder, vocab_size=tokenizer.vocab_size, eos_id=eos_id, tokenizer_digest=tokenizer.digest
    ) as writer:
        for source in sorted(selections):
            counts[source] = np.zeros(tokenizer.vocab_size, dtype=np.int64)
            for selection in selections[source]:
                _write(writer, source, selection, tokenizer, counts[source], task)
    return counts


def num_tokens(selection: TextSelection, tokenizer: Tokenizer) -> int:
    """Return the tokens of a selection, with the `<|eos|>` of each piece and without its limit."""
    return sum(
        len(ids) + 1 for batch in _batches(selection) for ids in tokenizer.encode_arrays(batch)
    )


def has_tokens(selection: TextSelection, tokenizer: Tokenizer, wanted: int) -> bool:
    """Return whether a selection has `wanted` tokens, without its limit; encodes no more text."""
    found = 0
    for batch in _batches(selection):
        found += sum(len(ids) + 1 for ids in tokenizer.encode_arrays(batch))
        if found >= wanted:
            return True
    return found >= wanted


def _write(
    writer: ShardsWriter,
    source: str,
    selection: TextSelection,
    tokenizer: Tokenizer,
    counts: np.ndarray,
    task: Task,
) -> None:
    room = selection.limit if selection.limit is not None else 1 << 62
    eos_id = tokenizer.token_id(EOS)
    for batch in _batches(selection):
        for text, ids in zip(batch, tokenizer.encode_arrays(batch), strict=True):
            if len(ids) >= room:
                ids, text = _fit(text, ids[: max(0, room - 1)], tokenizer)
            if len(ids) == 0:
                break
            size = len(text.encode())
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


def _batches(selection: TextSelection) -> Iterator[list[str]]:
    batch, size = [], 0
    for piece in selection.pieces:
        batch.append(selection.text(piece))
        size += piece.num_bytes
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
