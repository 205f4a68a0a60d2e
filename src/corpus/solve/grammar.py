"""The grammar of programs for constrained decoding: every program that is decoded under it parses,
and refers only to what exists.

A program in symbols is operations with their arguments: `divide n0 n1 multiply #0 const_100`. So
what may come next depends on the problem's domain and three numbers: the arguments still missing,
the results so far, and the problem's quantities.

Dims: seqs: sequences being decoded; ids: special tokens and program symbols, which have the lowest
ids in every vocabulary.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from corpus.config.tokenizer import SPECIAL
from corpus.problems.problem import Problem
from corpus.program.domain import Domain
from corpus.program.domains import DOMAINS
from corpus.program.language import ARITIES, MAX_NUMBERS, MAX_RESULTS, SYMBOLS
from corpus.text.tokenizer import EOS

NUM_IDS = len(SPECIAL) + len(SYMBOLS)
"""Ids that a program can hold; the others are text."""

_NEVER = 1 << 20


@dataclass(frozen=True, slots=True)
class Scope:
    """What the program of one prompt may refer to."""

    num_quantities: int
    domain: Domain[Any]

    @classmethod
    def of(cls, problem: Problem) -> "Scope":
        """Return the scope of a problem's programs."""
        return cls(len(problem.quantities), problem.domain)


def _by_id(values: Mapping[str, int], other: int) -> Tensor:
    return torch.tensor([other] * len(SPECIAL) + [values.get(symbol, other) for symbol in SYMBOLS])


def _among(symbols: Iterable[str]) -> Tensor:
    return _by_id(dict.fromkeys(symbols, 1), 0).bool()


_ARITY = _by_id(ARITIES, 0)
_NUMBER = _by_id({f"n{index}": index for index in range(MAX_NUMBERS)}, _NEVER)
_RESULT = _by_id({f"#{index}": index for index in range(MAX_RESULTS)}, _NEVER)
_OPERATIONS = torch.stack([_among(domain.operations) for domain in DOMAINS])
_CONSTANTS = torch.stack([_among(domain.constants) for domain in DOMAINS])
_EOS = SPECIAL.index(EOS)


class ProgramGrammar:
    """The state of many sequences, each in the middle of its program."""

    def __init__(
        self, scopes: Sequence[Scope], max_new_tokens: int, *, device: torch.device | str = "cpu"
    ) -> None:
        """Put every sequence at its beginning.

        Args:
            scopes: that of each sequence.
            max_new_tokens: a program ends within so many tokens, its `<|eos|>` included; at least
                5, which any operation fits in.
            device: where the sequences are decoded.
        """
        if max_new_tokens < 2 + max(ARITIES.values()):
            raise ValueError(
                f"max_new_tokens is {max_new_tokens}: a program of one step may need 5"
            )
        self._arity, self._number, self._result = (
            table.to(device) for table in (_ARITY, _NUMBER, _RESULT)
        )
        domains = torch.tensor([DOMAINS.index(scope.domain) for scope in scopes], dtype=torch.long)
        self._operation, self._constant = (
            table[domains].to(device) for table in (_OPERATIONS, _CONSTANTS)
        )
        counts = [scope.num_quantities for scope in scopes]
        self._num_quantities = torch.tensor(counts, device=device).clamp(max=MAX_NUMBERS)
        self._missing = torch.zeros_like(self._num_quantities)
        self._steps = torch.zeros_like(self._num_quantities)
        self._left = max_new_tokens

    def allowed(self) -> Bool[Tensor, "seqs ids"]:
        """Return what may come next."""
        between = (self._missing == 0)[:, None]
        argument = (
            self._constant
            | (self._number < self._num_quantities[:, None])
            | (self._result < self._results[:, None])
        )
        # An operation needs room for itself, its arguments and the end; and its result a symbol.
        operation = (
            self._operation & (self._arity + 2 <= self._left) & (self._steps < MAX_RESULTS)[:, None]
        )
        operation[:, _EOS] = self._steps > 0
        return torch.where(between, operation, argument)

    @property
    def _results(self) -> Int[Tensor, " seqs"]:
        """Results of finished steps."""
        return self._steps - (self._missing > 0).to(self._steps.dtype)

    def advance(self, tokens: Int[Tensor, " seqs"]) -> None:
        """Take one token for each sequence; those of sequences that have ended do not matter."""
        arity = self._arity[tokens.clamp(max=NUM_IDS - 1)]
        self._missing = torch.where(arity > 0, arity, (self._missing - 1).clamp(min=0))
        self._steps = self._steps + (arity > 0).to(self._steps.dtype)
        self._left -= 1

    def keep(self, sequences: Int[Tensor, " kept"]) -> None:
        """Keep these sequences; one may occur several times."""
        self._num_quantities = self._num_quantities[sequences]
        self._missing, self._steps = self._missing[sequences], self._steps[sequences]
        self._operation = self._operation[sequences]
        self._constant = self._constant[sequences]
