"""Self-training: a callback in the middle of fine-tuning that adds pseudo-labels to the data.

It runs in one or several rounds.

The model writes programs for problems that have a gold answer but no program that gives it.
Programs that give it become pseudo-labels, and training uses them like programs of the data.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from corpus.base.console import say
from corpus.base.errors import DataError
from corpus.base.seeds import derive
from corpus.config.model import ModelConfig
from corpus.config.run import RunConfig
from corpus.finetune.examples import Example, select_examples
from corpus.finetune.loader import ProblemLoader
from corpus.problems.problem import Problem, read_problems, write_problems
from corpus.run.folder import RunFolder
from corpus.solve.self_training import PROGRAMS, PseudoLabels, find_pseudo_labels
from corpus.train.copied_solver import CopiedSolver
from corpus.train.data import TrainingData
from corpus.train.phase import Callback
from corpus.train.session import Session


@dataclass(frozen=True, kw_only=True)
class SelfTraining:
    """Finds pseudo-labels, and gives them to the loader."""

    config: RunConfig
    folder: RunFolder
    session: Session
    data: TrainingData
    loader: ProblemLoader
    shape: ModelConfig
    """The model's, without adapters."""
    weights: Callable[[], Mapping[str, Tensor]]
    """Returns the model's weights as they are now; all ranks call it."""

    def callback(self) -> Callback | None:
        """Return the callback, or None if self-training is off."""
        settings = self.config.finetune
        first, rounds = settings.self_training, settings.self_training_rounds
        if not first:
            return None
        end = settings.grpo.start or 1.0  # from there on, examples are not read any more
        at = tuple(first + (end - first) * number / rounds for number in range(rounds))
        return Callback(name="self_training", at=at, run=self._run, repeat=self._add)

    def _run(
        self, before: int, progress: Callable[[], float], stopped: Callable[[], bool]
    ) -> str | None:
        """Find programs on the first rank and train on them from now on, on all ranks.

        `before` counts the earlier rounds.
        """
        is_main = self.session.ranks.is_main
        weights = self.weights()
        num_tried = self._find(before + 1, weights, progress, stopped) if is_main else None
        del weights
        num_tried = self.session.ranks.from_main(num_tried)
        if num_tried is None:
            return None
        added = self._add(before + 1)
        return f"{added:,} pseudo-labels for {num_tried:,} problems without a right program"

    def _find(
        self,
        number: int,
        weights: Mapping[str, Tensor],
        progress: Callable[[], float],
        stopped: Callable[[], bool],
    ) -> int | None:
        """Write the problems for which a program is found, and return how many were tried.

        None if the user stopped it.
        """
        problems = self.data.selected.solvable
        found = self._search(number, weights, progress, stopped)
        if found is None:
            return None
        earlier = self._found(number - 1) if number > 1 else []
        labelled = {problem.id: problem for problem in (*earlier, *found.problems)}
        write_problems(self.folder.found(number), labelled.values())
        counts = {"looked_at": found.num_tried, "found": len(labelled), "rounds": number}
        self.folder.update_manifest(self_training={"problems": len(problems), **counts})
        say(
            f"  self-training: pseudo-labels for {len(found.problems):,} of {found.num_tried:,} "
            "problems without a right program"
            + (f"; with those of earlier rounds {len(labelled):,}" if earlier else "")
        )
        return found.num_tried

    def _search(
        self,
        number: int,
        weights: Mapping[str, Tensor],
        progress: Callable[[], float],
        stopped: Callable[[], bool],
    ) -> PseudoLabels | None:
        """Search with a copy of the model, None if the user stopped it."""
        if stopped():
            return None
        copy = CopiedSolver(
            self.config,
            self.session.runtime,
            self.data.tokenizer,
            self.shape,
            purpose="self-training",
            fix="finetune.self_training 0",
            least=PROGRAMS,
        )
        copy.load(weights)
        return copy.use(
            lambda solver: find_pseudo_labels(
                self.data.selected.solvable,
                solver,
                solved=self.data.selected.problems,
                rounds=self.config.finetune.self_training_rounds,
                progress=progress,
                stopped=stopped,
                seed=self._seed(number),
            ),
        )

    def _seed(self, number: int) -> int:
        """Return the seed of a round; under a clock each tries other problems first."""
        name = "self-training" if number == 1 else f"self-training {number}"
        return derive(self.config.seed, name)

    def _add(self, number: int) -> int:
        """Give the loader the problems found after so many rounds, and return how many fit."""
        examples = self._examples(number)
        self.loader.add(examples)
        return len(examples)

    def _found(self, number: int) -> list[Problem]:
        fix = "Restore it from a copy, or begin a new run with another --out."
        return read_problems(self.folder.found(number), fix=fix)

    def _examples(self, number: int) -> tuple[Example, ...]:
        problems = self._found(number)
        length = self.config.model.context_length
        try:
            return select_examples(
                self.data.written(problems),
                self.data.tokenizer,
                max_length=length,
                checked_only=True,
            ).examples
        except DataError:  # no program was found, or none that fits into a sequence
            return ()
