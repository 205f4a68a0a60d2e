"""What may follow in a program, for many rows at once: every row that is decoded under it parses, and refers only to what exists.

A program in symbols is operations with their arguments, `divide n0 n1 multiply #0 const_100`, so what may come next depends on three
numbers alone: arguments still missing, results so far, and quantities in the problem; and on whether those are numbers or expressions, which
have operations of their own.

Dims: rows: rows being decoded; ids: special tokens and program symbols, which have the lowest ids in every vocabulary.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from corpus.config.tokenizer import SPECIAL
from corpus.program.language import (
    ARITIES,
    CONSTANTS,
    MAX_NUMBERS,
    MAX_RESULTS,
    OPERATIONS,
    SYMBOLS,
)
from corpus.program.symbolic import SHARED, SYMBOLIC
from corpus.text.tokenizer import EOS

NUM_IDS = len(SPECIAL) + len(SYMBOLS)
"""Ids that a program can hold; the others are text."""

_NEVER = 1 << 20


def _by_id(values: dict[str, int], other: int) -> Tensor:
    return torch.tensor([other] * len(SPECIAL) + [values.get(symbol, other) for symbol in SYMBOLS])


_ARITY = _by_id(ARITIES, 0)
_ON_NUMBERS = _by_id(dict.fromkeys(OPERATIONS, 1), 0).bool()
_ON_EXPRESSIONS = _by_id(dict.fromkeys((*SHARED, *SYMBOLIC), 1), 0).bool()
_NUMBER = _by_id({f"n{index}": index for index in range(MAX_NUMBERS)}, _NEVER)
_RESULT = _by_id({f"#{index}": index for index in range(MAX_RESULTS)}, _NEVER)
_CONSTANT = _by_id(dict.fromkeys(CONSTANTS, 1), 0).bool()
_EOS = SPECIAL.index(EOS)


class ProgramGrammar:
    """The state of many rows, each in the middle of its program."""

    def __init__(
        self,
        num_numbers: Sequence[int],
        max_new_tokens: int,
        *,
        symbolic: Sequence[bool] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        """All rows are at their beginning.

        Args:
            num_numbers: n0, n1, … that each row's problem has.
            symbolic: whether they are expressions, for each row; None where all are numbers.
            max_new_tokens: a program ends within so many tokens, its `<|eos|>` included; at least 5, which any operation fits in.
            device: where the rows are decoded.
        """
        if max_new_tokens < 2 + max(ARITIES.values()):
            raise ValueError(
                f"max_new_tokens is {max_new_tokens}: a program of one step may need 5"
            )
        self._arity, self._number, self._result, self._constant = (
            table.to(device) for table in (_ARITY, _NUMBER, _RESULT, _CONSTANT)
        )
        self._num_numbers = torch.tensor(num_numbers, device=device).clamp(max=MAX_NUMBERS)
        on_expressions = torch.tensor(symbolic or [False] * len(num_numbers), device=device)
        self._operation = torch.where(
            on_expressions[:, None], _ON_EXPRESSIONS.to(device), _ON_NUMBERS.to(device)
        )
        self._missing = torch.zeros_like(self._num_numbers)
        self._steps = torch.zeros_like(self._num_numbers)
        self._left = max_new_tokens

    def allowed(self) -> Bool[Tensor, "rows ids"]:
        """Return what may come next."""
        between = (self._missing == 0)[:, None]
        argument = (
            self._constant
            | (self._number < self._num_numbers[:, None])
            | (self._result < self._results[:, None])
        )
        # An operation needs room for itself, its arguments and the end; and its result a symbol, should it be used.
        operation = (
            self._operation & (self._arity + 2 <= self._left) & (self._steps < MAX_RESULTS)[:, None]
        )
        operation[:, _EOS] = self._steps > 0
        return torch.where(between, operation, argument)

    @property
    def _results(self) -> Int[Tensor, " rows"]:
        """Results of finished steps."""
        return self._steps - (self._missing > 0).to(self._steps.dtype)

    def advance(self, tokens: Int[Tensor, " rows"]) -> None:
        """Take one token for each row. What a row that has ended is given makes no difference to the others."""
        arity = self._arity[tokens.clamp(max=NUM_IDS - 1)]
        self._missing = torch.where(arity > 0, arity, (self._missing - 1).clamp(min=0))
        self._steps = self._steps + (arity > 0).to(self._steps.dtype)
        self._left -= 1

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Go on with these rows; one may stand there several times."""
        self._num_numbers, self._missing, self._steps = (
            self._num_numbers[rows],
            self._missing[rows],
            self._steps[rows],
        )
        self._operation = self._operation[rows]
