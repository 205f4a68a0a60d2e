"""Batches of a policy gradient: programs that the model wrote, each with its advantage.

The model samples several programs for a problem. A program's reward is the share of the gold
answers that it gives, of the problem and its twins, which differ only in their numbers. Its
advantage is its reward less the mean of the problem's programs, over their standard deviation
(GRPO: Shao et al. 2024, arXiv:2402.03300, sec. 4.1). Each batch is sampled with the weights of
its step and used once, so there is no ratio to clip; there is no reference model.

The loss is -advantage · log p(program), a mean over the programs. p is the model's probability
among all tokens; programs were sampled among those that fit the problem, which have nearly all of
it.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from corpus.base.plain import from_plain, to_plain
from corpus.base.seeds import derive
from corpus.data.batch import Batch, pack, packed_sequence, stack
from corpus.finetune.loader import ProblemLoader
from corpus.problems.check import gives_gold
from corpus.problems.problem import Problem
from corpus.program.language import Program

MOST_TWINS = 8
"""Twins of a wording whose answers are looked at."""

ROUNDING = 1e-9
"""Of a progress that is counted in steps."""

MOST_DRAWS = 4
"""How often a batch is drawn, where the model's programs are all equally good."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A program that was sampled, in tokens."""

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    """What follows the prompt, the end included."""
    program: Program | None
    """None where the tokens are cut off."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A program that was sampled, and how much likelier it is to become."""

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    """What follows the prompt."""
    count: int
    """How often it was sampled."""
    advantage: float


@dataclass(frozen=True, kw_only=True)
class _Cursor:
    """How many problems were drawn, and how many batches were made."""

    drawn: int
    batches: int


Explore = Callable[[Sequence[Problem], int], tuple[list[Judgement], float]]
"""Samples programs for problems, with a seed; returns those of `judge` for each, and the mean
reward. All ranks call it, with the same result."""

MOST_PROBLEMS = 256
"""Problems of a draw."""


def judge(samples: Sequence[Sample], twins: Sequence[Problem]) -> tuple[list[Judgement], float]:
    """Return what one problem's samples teach, and their mean reward.

    Where all are equally good, there is nothing to learn.
    """
    counts = Counter(samples)
    rewards = np.array([_reward(each.program, twins) for each in counts])
    shares = np.array(list(counts.values())) / len(samples)
    mean = float(shares @ rewards)
    if rewards.min() == rewards.max():  # the deviation may be rounded, to more than 0
        return [], mean
    deviation = float(np.sqrt(shares @ (rewards - mean) ** 2))
    return [
        Judgement(
            prompt=each.prompt,
            tokens=each.tokens,
            count=count,
            advantage=float(reward - mean) / deviation,
        )
        for (each, count), reward in zip(counts.items(), rewards)
    ], mean


def _reward(program: Program | None, twins: Sequence[Problem]) -> float:
    """Return the share of the gold answers that a program gives."""
    if program is None:
        return 0.0
    return sum(gives_gold(twin, program) for twin in twins) / len(twins)


class PolicyGradientLoader:
    """Hands out the batches of supervised fine-tuning up to a progress, and from there on those of
    the policy gradient; see `data.loader.Loader`.

    The wordings are in random order, a new one each time all were drawn. The cursor is how many
    were drawn and how many batches made of them, beside that of the supervised batches. Under a
    clock, a batch that might take longer than what is left is supervised.
    """

    def __init__(
        self,
        examples: ProblemLoader,
        wordings: Sequence[Sequence[Problem]],
        begin: Callable[[], Explore],
        *,
        start: float,
        max_batches: int,
        seq_length: int,
        batch_size: int,
        pad_id: int,
        mean_length: float,
        seed: int,
    ) -> None:
        """`wordings` are problems with a gold answer, twins together.

        `begin` returns what samples with the weights as they are; all ranks call it. `max_batches`
        are those of all epochs, were they all supervised. `mean_length` is that of an example, in
        tokens.
        """
        self._examples, self._wordings, self._begin = examples, wordings, begin
        self._start, self._seq_length, self._batch_size = start, seq_length, batch_size
        self._max_batches, self._pad_id, self._seed = max_batches, pad_id, seed
        # About two programs of a problem are different and teach something.
        wanted = round(batch_size * seq_length / (2 * mean_length))
        self._num_problems = max(1, min(wanted, MOST_PROBLEMS, len(wordings)))
        self._drawn, self._batches = 0, 0
        self._order: tuple[int, list[int]] = -1, []  # of an epoch
        self._last, self._longest = math.nan, 0.0  # progress, and the most between two batches

    @property
    def consumed(self) -> dict[str, int]:
        """Tokens of supervised batches so far, by source."""
        return self._examples.consumed

    @property
    def done(self) -> float:
        """Share of all epochs that were shown, 0…1; a batch of programs counts like others."""
        return min(1.0, self._examples.done + self._batches / self._max_batches)

    def batch(self, progress: float) -> Batch:
        """Return the next batch at this progress.

        A supervised one takes its place where the model's programs are all equally good.
        """
        if progress < self._start or not self._fits(progress):
            return self._examples.batch(progress)
        explore = self._begin()
        for _ in range(MOST_DRAWS):
            seed = derive(self._seed, "explore", self._drawn)
            judged, reward = explore(self._next_problems(), seed)
            judged = [
                each for each in judged if len(each.prompt) + len(each.tokens) <= self._seq_length
            ]
            if judged:
                self._batches += 1
                return replace(self._packed(judged, seed), reward=reward)
        return self._examples.batch(progress)

    def _fits(self, progress: float) -> bool:
        """Return whether a step as long as the longest one ends before the phase does."""
        if progress > self._last:
            self._longest = max(self._longest, progress - self._last)
        self._last = progress
        return progress + self._longest <= 1 + ROUNDING

    def _next_problems(self) -> list[Problem]:
        """Return the first problem of each of the next wordings."""
        chosen = []
        for _ in range(self._num_problems):
            epoch, place = divmod(self._drawn, len(self._wordings))
            if self._order[0] != epoch:
                order = list(range(len(self._wordings)))
                random.Random(derive(self._seed, "wordings", epoch)).shuffle(order)
                self._order = epoch, order
            chosen.append(self._wordings[self._order[1][place]][0])
            self._drawn += 1
        return chosen

    def _packed(self, judged: Sequence[Judgement], seed: int) -> Batch:
        """Pack programs into a batch, in random order, as many as it has room for."""
        order = list(range(len(judged)))
        random.Random(seed).shuffle(order)
        lengths = [len(each.prompt) + len(each.tokens) for each in judged]
        packed = pack(lengths, seq_length=self._seq_length, order=order)[: self._batch_size]
        packed += [[] for _ in range(self._batch_size - len(packed))]
        parts, factors = [], np.zeros((self._batch_size, self._seq_length), np.float32)
        for row, chosen in zip(factors, packed):
            examples = [judged[index] for index in chosen]
            arrays = packed_sequence(
                [((*each.prompt, *each.tokens), len(each.prompt)) for each in examples],
                seq_length=self._seq_length,
                pad_id=self._pad_id,
            )
            parts.append(tuple(array[None] for array in arrays))
            start = 0
            for each in examples:
                begin = start + len(each.prompt) - 1
                start += len(each.prompt) + len(each.tokens)
                row[begin : start - 1] = each.count * each.advantage
        used = [judged[index] for chosen in packed for index in chosen]
        num_tokens = sum(len(each.prompt) + len(each.tokens) for each in used)
        batch = stack(parts, num_tokens)
        # A step divides by the number of targets, and the mean over programs is wanted.
        factors *= batch.num_targets / sum(each.count for each in used)
        return replace(batch, factors=torch.from_numpy(factors))

    def cursor(self) -> dict[str, Any]:
        """Return the position, JSON-ready."""
        own = _Cursor(drawn=self._drawn, batches=self._batches)
        return {**self._examples.cursor(), "policy_gradient": to_plain(own)}

    def restore(self, cursor: dict[str, Any]) -> None:
        """Go to a position that `cursor` returned."""
        examples = dict(cursor)
        own = from_plain(_Cursor, examples.pop("policy_gradient", None), where="policy_gradient")
        self._drawn, self._batches = own.drawn, own.batches
        self._examples.restore(examples)
