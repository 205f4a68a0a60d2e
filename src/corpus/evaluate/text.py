"""Loss on held-out tokens: text by source, beside a unigram model, and completions of examples."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from corpus.base.console import Task, progress
from corpus.config.prepare import VALIDATION_DOCUMENTS
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

Block = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Inputs, targets, documents within a sequence, and the document of all that a target belongs to:
each [batch seq] int64."""


@dataclass(frozen=True, kw_only=True)
class TextScore:
    """How well one source's held-out text was predicted."""

    loss: float
    """Mean negative log-likelihood of a token, in nats."""
    accuracy: float
    """Share of tokens that were the most likely one."""
    num_tokens: int
    """Tokens predicted: all but the first of each sequence and document."""
    num_documents: int = 0
    """Documents that they come from."""
    interval: tuple[float, float] | None = None
    """95 % interval of the loss over documents; None for a single one."""


def score_text(
    model: Transformer,
    runtime: Runtime,
    tokens: np.ndarray,
    *,
    eos_id: int,
    task: Task | None = None,
) -> TextScore:
    """Score a token stream in sequences of the model's context length, documents apart.

    Args:
        model: in any mode; gradients are off.
        runtime: device and precision.
        tokens: [num_tokens] ids of one source, every document ended by `eos_id`.
        eos_id: the id of `<|eos|>`.
        task: advanced by the number of tokens as they are done.
    """
    blocks = _blocks(tokens, model.config.context_length, eos_id)
    return _score(model, runtime, blocks, num_documents=_num_documents(tokens, eos_id), task=task)


def _score(
    model: Transformer,
    runtime: Runtime,
    blocks: Iterable[Block],
    *,
    num_documents: int,
    task: Task | None = None,
) -> TextScore:
    """Score blocks of sequences whose targets belong to documents 0 … `num_documents` - 1."""
    losses, counts, right = _sum_losses(model, runtime, blocks, num_documents, task)
    count = int(counts.sum())
    return TextScore(
        loss=float(losses.sum()) / max(count, 1),
        accuracy=right / max(count, 1),
        num_tokens=count,
        num_documents=int((counts > 0).sum()),
        interval=mean_interval(losses, counts),
    )


def document_losses(
    model: Transformer, runtime: Runtime, tokens: np.ndarray, *, eos_id: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the summed loss (nats) and the number of predicted tokens of each document, both
    [num_documents] float64. The arguments are those of `score_text`."""
    blocks = _blocks(tokens, model.config.context_length, eos_id)
    return _sum_losses(model, runtime, blocks, _num_documents(tokens, eos_id))[:2]


def sequence_losses(
    model: Transformer, runtime: Runtime, sequences: np.ndarray, *, eos_id: int
) -> np.ndarray:
    """Return the mean loss (nats per token) of each sequence: [num] float64.

    `sequences` is [num context_length + 1]; the target after an `<|eos|>` does not count.
    """
    losses, counts, _ = _sum_losses(model, runtime, _rows(sequences, eos_id), len(sequences))
    return losses / np.maximum(counts, 1)


def _rows(sequences: np.ndarray, eos_id: int) -> Iterator[Block]:
    """Yield blocks of sequences, each of which counts as one document."""
    for first in range(0, len(sequences), SEQUENCES):
        tokens, targets, documents = shift_text(sequences[first : first + SEQUENCES], eos_id)
        rows = np.arange(first, first + len(tokens))[:, None]
        yield tokens, targets, documents, np.broadcast_to(rows, tokens.shape)


def _sum_losses(
    model: Transformer,
    runtime: Runtime,
    blocks: Iterable[Block],
    num_documents: int,
    task: Task | None = None,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the summed loss and the number of tokens of each document, and how many tokens were
    the most likely one."""
    losses, counts, right = np.zeros(num_documents), np.zeros(num_documents), 0
    # Not inference_mode: sharded weights gathered here are used for training afterwards.
    with torch.no_grad():
        for inputs, targets, documents, owners in blocks:
            chosen = torch.from_numpy(np.flatnonzero(targets != IGNORED)).to(runtime.device)
            wanted = torch.from_numpy(targets).to(runtime.device).flatten()[chosen]
            with runtime.autocast():
                logits = model(
                    torch.from_numpy(inputs).to(runtime.device),
                    documents=torch.from_numpy(documents).to(runtime.device),
                    select=chosen,
                ).float()
            found = F.cross_entropy(logits, wanted, reduction="none").double().cpu().numpy()
            own = owners[targets != IGNORED]
            losses += np.bincount(own, weights=found, minlength=num_documents)
            counts += np.bincount(own, minlength=num_documents)
            right += int((logits.argmax(-1) == wanted).sum())
            if task:
                task.advance(inputs.size)
    return losses, counts, right


def mean_interval(losses: np.ndarray, counts: np.ndarray) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean loss of a token, where documents were drawn at random.

    The tokens of a document are alike, so it is the documents that count: the variance is that of
    a ratio of sums over them (Cochran 1977, Sampling Techniques, sec. 6.4), and Student's t stands
    for their number.

    Args:
        losses: [num_documents] summed loss of each.
        counts: [num_documents] tokens of each; documents without tokens do not count.

    Returns None for fewer than two documents.
    """
    losses, counts = losses[counts > 0], counts[counts > 0]
    number, total = len(counts), counts.sum()
    if number < 2:
        return None
    from scipy.special import stdtrit  # importing it takes a third of a second

    mean = float(losses.sum() / total)
    rest = losses - mean * counts
    deviation = math.sqrt(number / (number - 1) * float(rest @ rest)) / total
    half = float(stdtrit(number - 1, 0.975)) * deviation
    return mean - half, mean + half


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
    for _, targets, _, _ in _blocks(tokens, context_length, eos_id):
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
    sources: Mapping[str, Shard],
    *,
    pad_id: int,
    max_tokens: int,
) -> tuple[dict[str, float], dict[str, float]]:
    """Return loss and accuracy by source on about `max_tokens` of each: validation.

    They are the beginnings of at least `VALIDATION_DOCUMENTS` documents of a source that has them.
    """
    length, scores = model.config.context_length, {}
    for name, shard in sources.items():
        beginnings = _beginnings(shard, max_tokens, length)
        blocks = _packed_blocks(beginnings, length, pad_id)
        scores[name] = _score(model, runtime, blocks, num_documents=len(beginnings))
    return {name: score.loss for name, score in scores.items()}, {
        name: score.accuracy for name, score in scores.items()
    }


def _beginnings(shard: Shard, max_tokens: int, context_length: int) -> list[np.ndarray]:
    """Return the first tokens of documents that are spread evenly over a source."""
    mean = max(1, min(context_length, len(shard.tokens) // max(1, shard.num_documents)))
    number = min(shard.num_documents, max(VALIDATION_DOCUMENTS, max_tokens // mean))
    length = min(context_length, max(2, max_tokens // max(1, number)))
    chosen = (position * shard.num_documents // number for position in range(number))
    return [np.asarray(shard.document(index)[:length], dtype=np.int64) for index in chosen]


def _packed_blocks(
    texts: Sequence[np.ndarray], context_length: int, pad_id: int
) -> Iterator[Block]:
    """Yield blocks of sequences that hold several texts each."""
    rows = pack([len(text) for text in texts], seq_length=context_length, order=range(len(texts)))
    for first in range(0, len(rows), SEQUENCES):
        parts, owners = [], []
        for row in rows[first : first + SEQUENCES]:
            own = [(texts[index], 1) for index in row]
            parts.append(packed_sequence(own, seq_length=context_length, pad_id=pad_id))
            owners.append(np.append(row, row[-1])[parts[-1][2]])  # padding counts as the last one
        tokens, targets, documents = (np.stack([part[i] for part in parts]) for i in range(3))
        yield tokens, targets, documents, np.stack(owners)


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
                "loss_interval": score.interval,
                "accuracy": score.accuracy,
                "bits_per_byte": bits_per_byte(score.loss, shard),
                "unigram_loss": unigram.loss,
                "unigram_accuracy": unigram.accuracy,
                "unigram_bits_per_byte": bits_per_byte(unigram.loss, shard),
                "num_tokens": score.num_tokens,
                "num_documents": score.num_documents,
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
                arrays = packed_sequence(
                    own,
                    seq_length=length,
                    pad_id=pad_id,
                    answers=[examples[i].answer for i in row],
                )
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


def _num_documents(tokens: np.ndarray, eos_id: int) -> int:
    return int((tokens == eos_id).sum()) + 1


def _blocks(tokens: np.ndarray, context_length: int, eos_id: int) -> Iterator[Block]:
    """Yield blocks of `SEQUENCES` sequences; a shorter last one is alone."""
    length = min(context_length, len(tokens) - 1)
    if length < 1:
        return
    ends = np.asarray(tokens) == eos_id
    owner_of = np.cumsum(ends) - ends
    num_rows = (len(tokens) - 1) // length

    def block(starts: Sequence[int], size: int) -> Block:
        places = np.asarray(starts)[:, None] + np.arange(size + 1)
        text = np.asarray(tokens)[places].astype(np.int64)
        return *shift_text(text, eos_id), owner_of[places[:, 1:]]

    for first in range(0, num_rows, SEQUENCES):
        last = min(first + SEQUENCES, num_rows)
        yield block(range(first * length, last * length, length), length)
    rest = len(tokens) - num_rows * length
    if rest > 1:
        yield block([num_rows * length], rest - 1)
