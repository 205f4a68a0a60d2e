"""Sequences on their way through the model: prompts are read once, then every sequence gets one
token after another.

Dims: prompts: prompts of the batch; seqs: sequences being decoded, one or several to a prompt; ids:
token ids that can follow, the whole vocabulary or a grammar's.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from corpus.model.cache import Branches, Cache
from corpus.model.transformer import Transformer
from corpus.solve.grammar import NUM_IDS, ProgramGrammar


def wide_dtype(device: torch.device | str) -> torch.dtype:
    """Return the widest number type of a device, for sums of many logarithms."""
    return torch.float32 if torch.device(device).type == "mps" else torch.float64


class Sequences:
    """A batch of sequences with their cache; `logits` scores what follows each."""

    def __init__(
        self,
        model: Transformer,
        prompts: Sequence[Sequence[int]],
        *,
        copies: int = 1,
        grammar: ProgramGrammar | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        """Read the prompts in one pass, padded on the right; each then has `copies` sequences in a
        row.

        `grammar` is that of the prompts; without one, any token of the vocabulary may follow.
        """
        self._model, self._grammar, self._copies = model, grammar, copies
        lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
        tokens = torch.zeros(len(prompts), int(lengths.max()), dtype=torch.long)
        for place, prompt in enumerate(prompts):
            tokens[place, : len(prompt)] = torch.tensor(prompt)
        weight = model.embedding.weight
        cache = Cache(
            model.config,
            batch=len(prompts),
            capacity=tokens.shape[1],
            device=device,
            dtype=weight.dtype,
        )
        hidden = model.hidden(tokens.to(device), cache=cache)
        last = hidden[torch.arange(len(prompts), device=device), lengths - 1]
        self._hidden, self._lengths = (x.repeat_interleave(copies, dim=0) for x in (last, lengths))
        self._branches = Branches(cache, lengths, copies)
        if grammar is not None:
            grammar.keep(torch.arange(len(prompts), device=device).repeat_interleave(copies))

    def __len__(self) -> int:
        return len(self._lengths)

    def logits(self) -> Float[Tensor, "seqs ids"]:
        """Return the scores of what may follow, in fp32: -inf for what the grammar rules out."""
        if self._grammar is None:
            return self._model.head(self._hidden)[:, : self._model.config.vocab_size].float()
        logits = F.linear(self._hidden, self._model.head_weight[:NUM_IDS]).float()
        return logits.masked_fill_(~self._grammar.allowed(), float("-inf"))

    def feed(self, tokens: Int[Tensor, " seqs"]) -> None:
        """Give each sequence its next token."""
        hidden = self._model.hidden(
            tokens[:, None], positions=self._lengths[:, None], cache=self._branches
        )
        self._hidden = hidden[:, 0]
        self._lengths = self._lengths + 1
        if self._grammar is not None:
            self._grammar.advance(tokens)

    def keep(self, prompts: Int[Tensor, " kept"]) -> None:
        """Keep only these prompts, with all sequences of each."""
        self._branches.keep(prompts)
        chosen = (
            prompts[:, None] * self._copies + torch.arange(self._copies, device=prompts.device)
        ).flatten()
        self._choose(chosen)

    def reorder(self, chosen: Int[Tensor, " seqs"]) -> None:
        """Let each sequence continue another one of its prompt."""
        self._branches.reorder(chosen)
        self._choose(chosen)

    def _choose(self, chosen: Int[Tensor, " kept"]) -> None:
        self._lengths, self._hidden = self._lengths[chosen], self._hidden[chosen]
        if self._grammar is not None:
            self._grammar.keep(chosen)
