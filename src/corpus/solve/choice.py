"""Whole programs as answers: the model chooses one by its token, or says that it spells another.

The choice is one softmax at the end of the prompt, over the programs that fit the problem and
`<|spelled|>`.

Dims: prompts: prompts of the batch; added: `<|spelled|>` and the programs.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from corpus.base.seeds import derive
from corpus.program.domains import DOMAINS
from corpus.program.language import MAX_NUMBERS, Program
from corpus.solve.decode import LARGEST, Decoder
from corpus.solve.grammar import Scope
from corpus.solve.sequences import wide_dtype
from corpus.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the model chooses for one prompt."""

    programs: list[tuple[Program, float]]
    """The likeliest whole programs with their log-probabilities, the likeliest first."""
    spelled: float
    """The log-probability that it spells a program instead."""


class ProgramChoice:
    """Chooses among the whole programs of a tokenizer that has some."""

    def __init__(self, tokenizer: Tokenizer, device: torch.device | str) -> None:
        self._programs = tokenizer.programs
        self._ids = torch.tensor(tokenizer.added_ids, device=device)
        self._needed = torch.tensor(list(map(_num_needed, self._programs)), device=device)
        self._domains = torch.tensor(
            [
                [_is_of(program, operations, constants) for program in self._programs]
                for operations, constants in _PARTS
            ],
            device=device,
        )

    def sample(
        self,
        decoder: Decoder,
        prompts: Sequence[Sequence[int]],
        count: int,
        *,
        scopes: Sequence[Scope],
        seed: int,
    ) -> list[list[int]]:
        """Return `count` sampled ids for each prompt, of programs or `<|spelled|>`.

        As in `Decoder.sample`, those of one prompt are spread evenly over what is likely.
        """
        found: list[list[int]] = [[] for _ in prompts]
        for chosen in decoder.batches(prompts, 1):
            logits = decoder.begin(prompts, chosen, None, copies=1).logits()
            logits = logits.to(wide_dtype(logits.device))[:, self._ids]
            fits = self._fits([scopes[index] for index in chosen])
            ends = logits.masked_fill(~fits, float("-inf")).softmax(-1).cumsum(-1)
            starts = [random.Random(derive(seed, "choice", index)).random() for index in chosen]
            points = torch.tensor(starts, dtype=ends.dtype, device=ends.device)[:, None]
            spread = torch.arange(count, dtype=ends.dtype, device=ends.device) / count
            # Rounded, the last end can be below 1, and the last ids may not fit.
            points = torch.minimum((points + spread) % 1.0, ends[:, -1:] * LARGEST)
            places = torch.searchsorted(ends, points, right=True)
            for index, ids in zip(chosen, self._ids[places].tolist()):
                found[index] = ids
        return found

    def choose(
        self,
        decoder: Decoder,
        prompts: Sequence[Sequence[int]],
        count: int,
        *,
        scopes: Sequence[Scope] | None,
    ) -> list[Choices]:
        """Return the `count` likeliest programs for each prompt.

        With `scopes`, those that fit the prompt's problem, and probabilities among them;
        without, any, and probabilities among all tokens.
        """
        found: list[Choices] = [Choices(programs=[], spelled=0.0) for _ in prompts]
        for chosen in decoder.batches(prompts, 1):
            logits = decoder.begin(prompts, chosen, None, copies=1).logits()
            logits = logits.to(wide_dtype(logits.device))
            if scopes is None:
                shares = logits.log_softmax(-1)[:, self._ids]
            else:
                fits = self._fits([scopes[index] for index in chosen])
                shares = logits[:, self._ids].masked_fill(~fits, float("-inf")).log_softmax(-1)
            best = shares[:, 1:].topk(min(count, len(self._programs)), dim=1)
            for index, spelled, values, places in zip(
                chosen, shares[:, 0].tolist(), best.values.tolist(), best.indices.tolist()
            ):
                programs = [
                    (self._programs[place], value)
                    for place, value in zip(places, values)
                    if value > float("-inf")
                ]
                found[index] = Choices(programs=programs, spelled=spelled)
        return found

    def _fits(self, scopes: Sequence[Scope]) -> Bool[Tensor, "prompts added"]:
        """Return which ids fit a problem; `<|spelled|>`, the first, always does."""
        device = self._needed.device
        domains = torch.tensor([DOMAINS.index(scope.domain) for scope in scopes], device=device)
        counts = torch.tensor([scope.num_quantities for scope in scopes], device=device)
        fits = self._domains[domains] & (self._needed <= counts.clamp(max=MAX_NUMBERS)[:, None])
        return torch.cat([torch.ones_like(fits[:, :1]), fits], dim=1)


_PARTS = [(frozenset(domain.operations), frozenset(domain.constants)) for domain in DOMAINS]


def _num_needed(program: Program) -> int:
    """Return how many quantities a problem must have for the program."""
    arguments = (argument for step in program.steps for argument in step.arguments)
    return max((int(each[1:]) + 1 for each in arguments if each[0] == "n"), default=0)


def _is_of(program: Program, operations: frozenset[str], constants: frozenset[str]) -> bool:
    """True if a domain has the operations and constants of the program."""
    return all(
        step.operation in operations
        and all(each[0] in "n#" or each in constants for each in step.arguments)
        for step in program.steps
    )
