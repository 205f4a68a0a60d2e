"""Held-out text: loss, next-token accuracy and bits per byte by source, beside a model that knows only word frequencies."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from corpus.base.console import Task
from corpus.data.batch import IGNORED, shift_text
from corpus.data.shards import Shard
from corpus.model.transformer import Transformer
from corpus.runtime.runtime import Runtime

ROWS = 8
"""Rows scored at a time: enough for the cores, little enough for the logits of a large vocabulary."""


@dataclass(frozen=True, kw_only=True)
class TextScore:
    """How well one source's held-out text was predicted."""

    loss: float
    """Mean negative log-likelihood of a token, in nats."""
    accuracy: float
    """Share of tokens that were the most likely one."""
    num_tokens: int
    """Tokens predicted. The first token of a row or document has nothing before it and is not among them."""


def score_text(
    model: Transformer,
    runtime: Runtime,
    tokens: np.ndarray,
    *,
    eos_id: int,
    max_tokens: int | None = None,
    task: Task | None = None,
) -> TextScore:
    """Score a token stream in rows of the model's context length, documents apart.

    Args:
        model: in any mode; gradients are off.
        runtime: device and precision.
        tokens: [num_tokens] ids of one source, every document ended by `eos_id`.
        eos_id: the id of `<|eos|>`.
        max_tokens: look only at about the first so many.
        task: told the number of tokens as they are done.
    """
    loss, right, count = 0.0, 0, 0
    with (
        torch.no_grad()
    ):  # not inference_mode: sharded weights gathered here are used for training afterwards
        for inputs, targets, documents in _blocks(
            tokens[:max_tokens], model.config.context_length, eos_id
        ):
            chosen = torch.from_numpy(np.flatnonzero(targets != IGNORED)).to(runtime.device)
            wanted = torch.from_numpy(targets).to(runtime.device).flatten()[chosen]
            with runtime.autocast():
                logits = model(
                    torch.from_numpy(inputs).to(runtime.device),
                    documents=torch.from_numpy(documents).to(runtime.device),
                    select=chosen,
                ).float()
            loss += float(F.cross_entropy(logits, wanted, reduction="sum"))
            right += int((logits.argmax(-1) == wanted).sum())
            count += len(wanted)
            if task:
                task.advance(inputs.size)
    return TextScore(loss=loss / max(count, 1), accuracy=right / max(count, 1), num_tokens=count)


def score_unigram(
    tokens: np.ndarray, counts: np.ndarray, *, context_length: int, eos_id: int
) -> TextScore:
    """Score the same tokens by their frequency in the source's training text, with one added to every count.

    Args:
        tokens: as in `score_text`.
        counts: [vocab_size] how often each id occurs in the source's training tokens.
        context_length: of the model, so that exactly the same tokens are predicted.
        eos_id: the id of `<|eos|>`.
    """
    smoothed = counts.astype(np.float64) + 1
    negative_log = -np.log(smoothed / smoothed.sum())
    likeliest, loss, right, count = int(smoothed.argmax()), 0.0, 0, 0
    for _, targets, _ in _blocks(tokens, context_length, eos_id):
        wanted = targets[targets != IGNORED]
        loss += float(negative_log[wanted].sum())
        right += int((wanted == likeliest).sum())
        count += len(wanted)
    return TextScore(loss=loss / max(count, 1), accuracy=right / max(count, 1), num_tokens=count)


def bits_per_byte(loss: float, shard: Shard) -> float:
    """Turn nats per token into bits per byte of the source's text: a measure that does not depend on the tokenizer."""
    return loss / math.log(2) * shard.num_tokens / max(shard.num_bytes, 1)


def score_sources(
    model: Transformer,
    runtime: Runtime,
    sources: Mapping[str, np.ndarray],
    *,
    eos_id: int,
    max_tokens: int,
) -> tuple[dict[str, float], dict[str, float]]:
    """Return loss and accuracy by source on about the first `max_tokens` of each: what training looks at on its way."""
    scores = {
        name: score_text(model, runtime, tokens, eos_id=eos_id, max_tokens=max_tokens + 1)
        for name, tokens in sources.items()
    }
    return {name: score.loss for name, score in scores.items()}, {
        name: score.accuracy for name, score in scores.items()
    }


def _blocks(
    tokens: np.ndarray, context_length: int, eos_id: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield inputs, targets and document ids in blocks of `ROWS` rows; a last, shorter row comes alone."""
    length = min(context_length, len(tokens) - 1)
    if length < 1:
        return
    num_rows = (len(tokens) - 1) // length
    for first in range(0, num_rows, ROWS):
        starts = range(first * length, min(first + ROWS, num_rows) * length, length)
        rows = np.stack(
            [np.asarray(tokens[start : start + length + 1], dtype=np.int64) for start in starts]
        )
        yield shift_text(rows, eos_id)
    rest = np.asarray(tokens[num_rows * length :], dtype=np.int64)
    if len(rest) > 1:
        yield shift_text(rest[None], eos_id)
