"""Loss on held-out tokens: text by source, beside a unigram model, and completions of examples."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from corpus.base.console import Task, progress
from corpus.config.rope import Reach
from corpus.data.batch import IGNORED, pack, packed_sequence, shift_text, stack
from corpus.data.prepared import Prepared
from corpus.data.shards import Shard
from corpus.finetune.examples import Example
from corpus.model.transformer import Transformer
from corpus.run.folder import RunFolder
from corpus.run.weights import AS_TRAINED, load_weights
from corpus.runtime.runtime import Runtime
from corpus.text.tokenizer import EOS

SEQUENCES = 8
"""Sequences scored at a time: enough for the cores, little enough for the logits of a large
vocabulary."""


@dataclass(frozen=True, kw_only=True)
class TextScore:
    """How well one source's held-out text was predicted."""

    loss: float
    """Mean negative log-likelihood of a token, in nats."""
    accuracy: float
    """Share of tokens that were the most likely one."""
    num_tokens: int
    """Tokens predicted: all but the first of each sequence and document."""


def score_text(
    model: Transformer,
    runtime: Runtime,
    tokens: np.ndarray,
    *,
    eos_id: int,
    max_tokens: int | None = None,
    task: Task | None = None,
) -> TextScore:
    """Score a token stream in sequences of the model's context length, documents apart.

    Args:
        model: in any mode; gradients are off.
        runtime: device and precision.
        tokens: [num_tokens] ids of one source, every document ended by `eos_id`.
        eos_id: the id of `<|eos|>`.
        max_tokens: look only at about the first so many.
        task: advanced by the number of tokens as they are done.
    """
    loss, right, count = 0.0, 0, 0
    blocks = _blocks(tokens[:max_tokens], model.config.context_length, eos_id)
    # Not inference_mode: sharded weights gathered here are used for training afterwards.
    with torch.no_grad():
        for inputs, targets, documents in blocks:
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
    """Score the same tokens by their frequency in the source's training text, with add-one
    smoothing.

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
    """Turn nats per token into bits per byte of the source's text, whatever the tokenizer."""
    return loss / math.log(2) * shard.num_tokens / max(shard.num_bytes, 1)


def score_sources(
    model: Transformer,
    runtime: Runtime,
    sources: Mapping[str, np.ndarray],
    *,
    eos_id: int,
    max_tokens: int,
) -> tuple[dict[str, float], dict[str, float]]:
    """Return loss and accuracy by source on about the first `max_tokens` of each: validation."""
    scores = {
        name: score_text(model, runtime, tokens, eos_id=eos_id, max_tokens=max_tokens + 1)
        for name, tokens in sources.items()
    }
    return {name: score.loss for name, score in scores.items()}, {
        name: score.accuracy for name, score in scores.items()
    }


def score_all_text(
    folder: RunFolder,
    model: Transformer,
    runtime: Runtime,
    reach: Reach = AS_TRAINED,
    *,
    in_int8: bool = False,
) -> dict[str, Any]:
    """Score held-out text by source: the final model, the pre-trained one, and a unigram model.

    Both models have their weights in int8, or neither.
    """
    prepared = Prepared.open(folder.prepared)
    eos = prepared.tokenizer.token_id(EOS)
    pretrained, how, found = None, {"reach": reach, "in_int8": in_int8}, {}
    if folder.pretrained_weights.exists():
        pretrained, _ = load_weights(folder, runtime, name="pretrained", **how)
    total = prepared.validation.num_tokens * (1 if pretrained is None else 2)
    with progress("reading held-out text", total, "tokens") as task:
        for source, shard in prepared.validation.items():
            score = score_text(model, runtime, shard.tokens, eos_id=eos, task=task)
            unigram = score_unigram(
                shard.tokens,
                prepared.unigram(source),
                context_length=model.config.context_length,
                eos_id=eos,
            )
            found[source] = {
                "loss": score.loss,
                "accuracy": score.accuracy,
                "bits_per_byte": bits_per_byte(score.loss, shard),
                "unigram_loss": unigram.loss,
                "unigram_accuracy": unigram.accuracy,
                "unigram_bits_per_byte": bits_per_byte(unigram.loss, shard),
                "num_tokens": score.num_tokens,
                "loss_pretrained": None,
            }
            if pretrained is not None:
                found[source]["loss_pretrained"] = score_text(
                    pretrained, runtime, shard.tokens, eos_id=eos, task=task
                ).loss
    return found


def score_completions(
    model: Transformer, runtime: Runtime, examples: Sequence[Example], *, pad_id: int
) -> tuple[float, float]:
    """Return the mean loss (nats) and next-token accuracy over the gold programs of `examples`."""
    length, sizes = model.config.context_length, [len(example.tokens) for example in examples]
    rows = pack(sizes, seq_length=length, order=range(len(examples)))
    loss, right, count = 0.0, 0, 0
    with torch.no_grad():  # as above
        for first in range(0, len(rows), SEQUENCES):
            parts = []
            for row in rows[first : first + SEQUENCES]:
                own = [(examples[i].tokens, examples[i].prompt_length) for i in row]
                arrays = packed_sequence(own, seq_length=length, pad_id=pad_id)
                parts.append(tuple(array[None] for array in arrays))
            batch = stack(parts, 0).to(runtime.device)
            targets = batch.targets.flatten()
            chosen = (targets != IGNORED).nonzero().squeeze(1)
            with runtime.autocast():
                logits = model(batch.tokens, documents=batch.documents, select=chosen).float()
            loss += float(F.cross_entropy(logits, targets[chosen], reduction="sum"))
            right += int((logits.argmax(-1) == targets[chosen]).sum())
            count += len(chosen)
    return loss / max(count, 1), right / max(count, 1)


def _blocks(
    tokens: np.ndarray, context_length: int, eos_id: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield inputs, targets and documents of `SEQUENCES` sequences; a shorter last one is alone."""
    length = min(context_length, len(tokens) - 1)
    if length < 1:
        return
    num_rows = (len(tokens) - 1) // length
    for first in range(0, num_rows, SEQUENCES):
        starts = range(first * length, min(first + SEQUENCES, num_rows) * length, length)
        rows = np.stack(
            [np.asarray(tokens[start : start + length + 1], dtype=np.int64) for start in starts]
        )
        yield shift_text(rows, eos_id)
    rest = np.asarray(tokens[num_rows * length :], dtype=np.int64)
    if len(rest) > 1:
        yield shift_text(rest[None], eos_id)
