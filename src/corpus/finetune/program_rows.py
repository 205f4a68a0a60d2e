"""Where the embeddings of whole programs begin: programs that share parts begin alike.

Most programs have one wording in training, from which a row of its own learns little. Here a row is
the sum of random vectors of the program's parts: operations, arguments, steps and pairs of
steps. So what one program learns moves its relatives as well, from the first step on.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from corpus.model.transformer import Transformer
from corpus.program.language import Program

DEVIATION = 0.32
"""Standard deviation of the rows, many times that of other embeddings. Chosen on a tuning split
(docs/experiments/2026-11-30-whole-programs-as-tokens.md)."""


@torch.no_grad()
def begin_alike(
    model: Transformer, ids: Sequence[int], programs: Sequence[Program], *, seed: int
) -> None:
    """Draw the rows of whole programs in the embedding, and in the head where it is not tied.

    Args:
        model: a new one.
        ids: the programs' token ids.
        programs: the programs.
        seed: decides the vectors of the parts.
    """
    if not programs:
        return
    tables = (
        [model.embedding] if model.unembedding is None else [model.embedding, model.unembedding]
    )
    for table in tables:
        weight = table.weight
        rows = _rows(programs, weight.shape[1], seed=seed)
        weight[torch.tensor(ids, device=weight.device)] = rows.to(weight)


def _rows(programs: Sequence[Program], dim: int, *, seed: int) -> Float[Tensor, "programs dim"]:
    """Return a row for each program: the sum of its parts' vectors, all of one expected length.

    Parts that no other program has are one vector together.
    """
    parts = [Counter(_parts(program)) for program in programs]
    owners = Counter(part for own in parts for part in own)
    place_of = {part: place for place, part in enumerate(p for p, n in owners.items() if n > 1)}
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(len(place_of), dim, generator=generator)
    rows = torch.randn(len(programs), dim, generator=generator)
    for row, own in zip(rows, parts):
        shared = [(place_of[part], count) for part, count in own.items() if part in place_of]
        counts = torch.tensor([float(count) for _, count in shared])
        length = math.sqrt(sum(count**2 for count in own.values()))
        row *= math.sqrt(max(0.0, length**2 - float(counts.square().sum())))
        row += counts @ vectors[[place for place, _ in shared]]
        row *= DEVIATION / length
    return rows


def _parts(program: Program) -> Iterator[Hashable]:
    steps = program.steps
    yield "length", len(steps)
    yield "last", steps[-1].operation
    yield "operations", tuple(step.operation for step in steps)
    yield "form", tuple((step.operation, *map(_without_place, step.arguments)) for step in steps)
    for step in steps:
        yield "operation", step.operation
        yield "step", step
        for place, argument in enumerate(step.arguments):
            yield "argument", argument
            yield "argument of", step.operation, place, argument
    for first, second in pairwise(steps):
        yield "steps", first, second
        yield "pair", first.operation, second.operation


def _without_place(argument: str) -> str:
    """Return the argument, or `n` for any quantity."""
    return "n" if argument[0] == "n" else argument
