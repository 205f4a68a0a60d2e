"""What one training step sees: a block of rows, with several documents in a row that do not see each other."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

IGNORED = -100
"""A target that no loss is computed for (the value PyTorch's cross-entropy ignores)."""


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

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on `device`; from pinned memory the copy does not wait."""
        if device.type == "cpu":
            return self
        tokens, targets, documents = (
            t.pin_memory().to(device, non_blocking=True) for t in (self.tokens, self.targets, self.documents)
        )
        return Batch(tokens=tokens, targets=targets, documents=documents, num_tokens=self.num_tokens)


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
