"""The policy gradient of fine-tuning: the first rank samples programs with a step's weights."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from torch import Tensor

from corpus.base.console import say
from corpus.base.seeds import derive
from corpus.config.model import ModelConfig
from corpus.config.run import RunConfig
from corpus.finetune.loader import ProblemLoader
from corpus.finetune.policy_gradient import MOST_TWINS, Judgement, PolicyGradientLoader, judge
from corpus.problems.check import is_checkable
from corpus.problems.problem import Problem
from corpus.text.tokenizer import PAD
from corpus.train.copied_solver import CopiedSolver
from corpus.train.data import TrainingData
from corpus.train.session import Session

REPORTS = 10
"""Lines about the mean reward."""


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
        self._twins: dict[str, list[Problem]] = {}
        for problem in (*data.selected.problems, *data.selected.solvable):
            twins = self._twins.setdefault(problem.template, [])
            if is_checkable(problem) and len(twins) < MOST_TWINS:
                twins.append(problem)
        self._solver = None
        if session.ranks.is_main:
            self._solver = CopiedSolver(
                config,
                session.runtime,
                data.tokenizer,
                shape,
                purpose="finetune.grpo",
                fix="finetune.grpo.start 0",
                least=self._settings.samples,
            )
        self._rewards: list[float] = []
        self._reported: float | None = None

    def loader(self, examples: ProblemLoader) -> PolicyGradientLoader:
        """Return the loader of fine-tuning, given that of its supervised part."""
        tokens = [len(example.tokens) for example in self._data.selected.examples]
        return PolicyGradientLoader(
            examples,
            [twins for twins in self._twins.values() if twins],
            self._explore,
            start=self._settings.start,
            seq_length=self._config.model.context_length,
            batch_size=self._config.train.sequences_per_batch,
            pad_id=self._data.tokenizer.token_id(PAD),
            mean_length=sum(tokens) / len(tokens),
            seed=derive(self._config.seed, "policy gradient"),
            on_rewards=self._report,
        )

    def _explore(self, problems: Sequence[Problem], seed: int) -> tuple[list[Judgement], float]:
        weights = self._weights()
        found = None
        if self._solver is not None:
            samples = self._solver.use(
                weights,
                lambda solver: solver.sample(problems, self._settings.samples, seed=seed),
            )
            judged = [
                judge(each, self._twins[problem.template])
                for problem, each in zip(problems, samples)
            ]
            rewards = [reward for _, reward in judged]
            programs = [asdict(each) for judgements, _ in judged for each in judgements]
            found = {"programs": programs, "reward": sum(rewards) / len(rewards)}
        found = self._session.ranks.from_main(found)
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

    def _report(self, progress: float, reward: float) -> None:
        """Say the mean reward now and then."""
        self._rewards.append(reward)
        first = self._settings.start
        due = first + (1 - first) * (1 / REPORTS)
        if self._reported is not None:
            due = self._reported + (1 - first) / REPORTS
        if progress >= due:
            mean = sum(self._rewards) / len(self._rewards)
            say(f"  finetune {progress:.0%}: mean reward of sampled programs {mean:.3f}")
            self._rewards, self._reported = [], progress
