"""What one training step reads: sequences of one length, packed with documents or examples.

Text is cut into sequences, which may hold the ends and beginnings of several documents. Examples of
different lengths are packed side by side, so that hardly any position is padding. Attention stays
within a document (or example).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from corpus.base.errors import DataError
from corpus.model.loss import IGNORED

DENSE = 0.9
"""Share of positions with a target above which the loss is computed at all positions: gathering the
others would cost more."""

OPEN_SEQUENCES = 64
"""Sequences kept open while packing: enough to fill 98 % of the positions, few enough to keep the
order close to the shuffled one."""

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Inputs, targets and document ids as int64."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Sequences for one step. All tensors have shape [batch seq]."""

    tokens: Tensor
    """Input token ids, int64."""
    targets: Tensor
    """The next token of each position, int64, or `IGNORED`."""
    documents: Tensor
    """Which document of its sequence a position belongs to, int64."""
    num_tokens: int
    """Positions that are not padding."""
    factors: Tensor | None = None
    """How many times the loss of each position counts, float; None is once."""
    reward: float | None = None
    """Of sampled programs, the mean of what they are worth. Their loss says nothing by itself."""

    @cached_property
    def places(self) -> Tensor | None:
        """The positions with targets, as indices into [batch · seq]; None means all positions."""
        chosen = (self.targets.flatten() != IGNORED).nonzero().squeeze(1)
        return None if len(chosen) > DENSE * self.targets.numel() else chosen

    @cached_property
    def num_targets(self) -> int:
        """Positions that a loss is computed for."""
        return int((self.targets != IGNORED).sum())

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on `device`.

        Neither the copy nor the batch's properties wait for the device afterwards.
        """
        if device.type == "cpu":
            return self
        moved = Batch(
            tokens=_move(self.tokens, device),
            targets=_move(self.targets, device),
            documents=_move(self.documents, device),
            num_tokens=self.num_tokens,
            factors=None if self.factors is None else _move(self.factors, device),
        )
        moved.__dict__.update(  # computed here, where the batch is in the host's memory
            places=None if self.places is None else _move(self.places, device),
            num_targets=self.num_targets,
        )
        return moved

    def split(self, size: int) -> "list[Batch]":
        """Return the batch in parts of `size` sequences; 0 keeps it whole."""
        if not size or size >= len(self.tokens):
            return [self]
        parts = (self.tokens.split(size), self.targets.split(size), self.documents.split(size))
        factors = [None] * len(parts[0]) if self.factors is None else self.factors.split(size)
        return [
            Batch(tokens=tokens, targets=targets, documents=documents, num_tokens=0, factors=factor)
            for tokens, targets, documents, factor in zip(*parts, factors)
        ]


def _move(tensor: Tensor, device: torch.device) -> Tensor:
    return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)


def stack(parts: Sequence[Arrays], num_tokens: int) -> Batch:
    """Build a batch from blocks of sequences."""
    tokens, targets, documents = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return Batch(
        tokens=torch.from_numpy(np.ascontiguousarray(tokens)),
        targets=torch.from_numpy(np.ascontiguousarray(targets)),
        documents=torch.from_numpy(np.ascontiguousarray(documents)),
        num_tokens=num_tokens,
    )


def document_ids(tokens: np.ndarray, eos_id: int) -> np.ndarray:
    """Number the documents of each sequence from 0; a document's `<|eos|>` still belongs to it."""
    ends = tokens == eos_id
    return np.cumsum(ends, axis=-1) - ends


def shift_text(text: np.ndarray, eos_id: int) -> Arrays:
    """Turn sequences of context_length + 1 tokens into arrays, each [batch context_length].

    The target after an `<|eos|>` is the first token of an unrelated document, so it is ignored.
    """
    tokens, targets = text[:, :-1], text[:, 1:].copy()
    targets[tokens == eos_id] = IGNORED
    return tokens, targets, document_ids(tokens, eos_id)


def pack(lengths: Sequence[int], *, seq_length: int, order: Sequence[int]) -> list[list[int]]:
    """Pack examples into sequences, best fit first; return the example indices of each sequence.

    Every example of `order` lands in exactly one sequence of at most `seq_length` tokens.
    """
    packed: list[list[int]] = []
    open_sequences: list[tuple[int, int]] = []  # (free positions, index into packed)
    for example in order:
        length = lengths[example]
        if length > seq_length:
            raise DataError(
                f"example {example} has {length} tokens, more than a sequence of {seq_length}; "
                "leave it out or raise model.context_length"
            )
        fitting = [
            (free, place) for place, (free, _) in enumerate(open_sequences) if free >= length
        ]
        if fitting:
            free, place = min(fitting)
            index = open_sequences[place][1]
            packed[index].append(example)
            open_sequences[place] = (free - length, index)
        else:
            if len(open_sequences) == OPEN_SEQUENCES:
                open_sequences.remove(min(open_sequences))
            packed.append([example])
            open_sequences.append((seq_length - length, len(packed) - 1))
    return packed


def packed_sequence(
    examples: Sequence[tuple[Sequence[int] | np.ndarray, int]],
    *,
    seq_length: int,
    pad_id: int,
    answers: Sequence[int | None] = (),
) -> Arrays:
    """Put examples into one sequence; return its arrays, each [seq_length].

    Args:
        examples: (tokens, length of the prompt) of each; only completions have targets.
        answers: for each example the target of its prompt's last token, where that is not the
            token after it.
        seq_length: positions of the sequence.
        pad_id: token that fills the end; padding is a document of its own without targets.
    """
    tokens = np.full(seq_length, pad_id, dtype=np.int64)
    targets = np.full(seq_length, IGNORED, dtype=np.int64)
    documents = np.full(seq_length, len(examples), dtype=np.int64)
    start = 0
    answers = answers or [None] * len(examples)
    for index, ((example, prompt_length), answer) in enumerate(zip(examples, answers, strict=True)):
        end = start + len(example)
        tokens[start:end], documents[start:end] = example, index
        targets[start + prompt_length - 1 : end - 1] = example[prompt_length:]
        if answer is not None:
            targets[start + prompt_length - 1] = answer
        start = end
    return tokens, targets, documents
