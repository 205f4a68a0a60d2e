"""Held-out problems during fine-tuning: the loss of their gold programs, token by token."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from corpus.data.batch import IGNORED, pack, packed_sequence, stack
from corpus.finetune.examples import Example
from corpus.model.transformer import Transformer
from corpus.runtime.runtime import Runtime


def score_completions(
    model: Transformer, runtime: Runtime, examples: Sequence[Example], *, pad_id: int
) -> tuple[float, float]:
    """Return the mean loss (nats) and next-token accuracy over the completions of `examples`."""
    length = model.config.context_length
    rows = pack(
        [len(example.tokens) for example in examples], seq_length=length, order=range(len(examples))
    )
    loss, right, count = 0.0, 0, 0
    with (
        torch.no_grad()
    ):  # not inference_mode: sharded weights gathered here are used for training afterwards
        for first in range(0, len(rows), 8):
            parts = []
            for row in rows[first : first + 8]:
                arrays = packed_sequence(
                    [(examples[i].tokens, examples[i].prompt_length) for i in row],
                    seq_length=length,
                    pad_id=pad_id,
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
