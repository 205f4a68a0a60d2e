"""What one training step sees: a block of rows, with several documents in a row that do not see each other."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from corpus.model.loss import IGNORED

DENSE = 0.9
"""Share of positions with a target from which the loss is computed at all of them: gathering the others would cost more."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One block of rows. All tensors have shape [batch seq]."""

    tokens: Tensor
    """Input token ids, int64."""
    targets: Tensor
    """The next token of each position, int64, or `IGNORED`."""
    documents: Tensor
    """Which document of its row a position belongs to, int64; attention stays within a document."""
    num_tokens: int
    """Positions that are not padding."""

    @cached_property
    def places(self) -> Tensor | None:
        """Where there are targets, as indices into the flattened [batch · seq]; None stands for everywhere."""
        chosen = (self.targets.flatten() != IGNORED).nonzero().squeeze(1)
        return None if len(chosen) > DENSE * self.targets.numel() else chosen

    @cached_property
    def num_targets(self) -> int:
        """Positions that a loss is computed for."""
        return int((self.targets != IGNORED).sum())

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on `device`; the copy does not wait for the device, and neither does anything that is asked of it there."""
        if device.type == "cpu":
            return self
        moved = Batch(
            tokens=_move(self.tokens, device),
            targets=_move(self.targets, device),
            documents=_move(self.documents, device),
            num_tokens=self.num_tokens,
        )
        known = {
            "places": None if self.places is None else _move(self.places, device),
            "num_targets": self.num_targets,
        }
        moved.__dict__.update(known)  # looked up here, where the batch is in the host's memory
        return moved


def _move(tensor: Tensor, device: torch.device) -> Tensor:
    return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)


def document_ids(tokens: np.ndarray, eos_id: int) -> np.ndarray:
    """Number the documents of each row from 0: a document ends with its `<|eos|>`, which still belongs to it."""
    ends = tokens == eos_id
    return np.cumsum(ends, axis=-1) - ends


def text_rows(rows: np.ndarray, eos_id: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turn rows of context_length + 1 tokens into inputs, targets and document ids, each [batch context_length].

    The target after an `<|eos|>` is the first token of an unrelated document, so it is ignored.
    """
    tokens, targets = rows[:, :-1], rows[:, 1:].copy()
    targets[tokens == eos_id] = IGNORED
    return tokens, targets, document_ids(tokens, eos_id)


def stack(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], num_tokens: int) -> Batch:
    """Build a batch from row blocks (inputs, targets, document ids) as NumPy arrays of int64."""
    tokens, targets, documents = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return Batch(
        tokens=torch.from_numpy(np.ascontiguousarray(tokens)),
        targets=torch.from_numpy(np.ascontiguousarray(targets)),
        documents=torch.from_numpy(np.ascontiguousarray(documents)),
        num_tokens=num_tokens,
    )
