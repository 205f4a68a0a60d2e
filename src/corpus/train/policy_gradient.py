"""The policy gradient of fine-tuning: the first rank samples programs with a step's weights."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from statistics import fmean
from typing import Any

from torch import Tensor

from corpus.base.errors import ConfigError
from corpus.base.seeds import derive
from corpus.config.model import ModelConfig
from corpus.config.run import RunConfig
from corpus.finetune.loader import ProblemLoader
from corpus.finetune.policy_gradient import (
    MOST_TWINS,
    Explore,
    Judgement,
    PolicyGradientLoader,
    judge,
)
from corpus.problems.check import is_checkable
from corpus.problems.problem import Problem
from corpus.problems.repair import distinct
from corpus.text.tokenizer import PAD
from corpus.train.copied_solver import CopiedSolver
from corpus.train.data import TrainingData
from corpus.train.session import Session


class PolicyGradient:
    """Samples and judges programs for the batches of a run."""

    def __init__(
        self,
        config: RunConfig,
        session: Session,
        data: TrainingData,
        *,
        shape: ModelConfig,
        weights: Callable[[], Mapping[str, Tensor]],
    ) -> None:
        """`shape` is the model's without adapters; `weights` returns it as it is now, and all
        ranks call it."""
        self._config, self._session, self._data = config, session, data
        self._weights, self._settings = weights, config.finetune.grpo
        self._twins = _wordings((*data.selected.problems, *data.selected.solvable))
        if not self._twins:
            raise ConfigError(
                f"finetune.grpo.start is {self._settings.start:g}, but no training problem has an "
                "answer that the value of a program can be compared with; give problems that have "
                "one, or set finetune.grpo.start to 0"
            )
        self._shape = shape

    def loader(self, examples: ProblemLoader) -> PolicyGradientLoader:
        """Return the loader of fine-tuning, given that of its supervised part."""
        tokens = [len(example.tokens) for example in self._data.selected.examples]
        return PolicyGradientLoader(
            examples,
            list(self._twins.values()),
            self._begin,
            start=self._settings.start,
            max_batches=self._data.finetune_batches,
            seq_length=self._config.model.context_length,
            batch_size=self._config.train.sequences_per_batch,
            pad_id=self._data.tokenizer.token_id(PAD),
            mean_length=sum(tokens) / len(tokens),
            seed=derive(self._config.seed, "policy gradient"),
        )

    @cached_property
    def _solver(self) -> CopiedSolver:
        return CopiedSolver(
            self._config,
            self._session.runtime,
            self._data.tokenizer,
            self._shape,
            purpose="finetune.grpo",
            fix="finetune.grpo.start 0",
            least=self._settings.samples,
        )

    def _begin(self) -> Explore:
        """Return what samples on the first rank with the weights as they are now."""
        weights, ranks = self._weights(), self._session.ranks
        if ranks.is_main:
            self._solver.load(weights)

        def explore(problems: Sequence[Problem], seed: int) -> tuple[list[Judgement], float]:
            found = ranks.from_main(self._sample(problems, seed) if ranks.is_main else None)
            assert found is not None
            return [
                Judgement(
                    prompt=tuple(each["prompt"]),
                    tokens=tuple(each["tokens"]),
                    count=each["count"],
                    advantage=each["advantage"],
                )
                for each in found["programs"]
            ], found["reward"]

        return explore

    def _sample(self, problems: Sequence[Problem], seed: int) -> dict[str, Any]:
        """Return the judged programs and their mean reward, JSON-ready."""
        samples = self._solver.use(
            lambda solver: solver.sample(problems, self._settings.samples, seed=seed)
        )
        judged = [
            judge(each, self._twins[problem.template]) for problem, each in zip(problems, samples)
        ]
        programs = [asdict(each) for judgements, _ in judged for each in judgements]
        return {"programs": programs, "reward": fmean(reward for _, reward in judged)}


def _wordings(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    """Return the problems whose answers can be compared with a value, some twins of each wording.

    Where answers are computed from programs, a program is its own answer.
    """
    wordings: dict[str, list[Problem]] = {}
    for problem in problems:
        if is_checkable(problem) and not problem.domain.computes_answers:
            wordings.setdefault(problem.template, []).append(problem)
    return {name: distinct(twins)[:MOST_TWINS] for name, twins in wordings.items()}
