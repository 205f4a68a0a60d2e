"""Self-training: a callback in the middle of fine-tuning that adds pseudo-labels to the data.

The model writes programs for problems that have a gold answer but no program that gives it.
Programs that give it become pseudo-labels, and training uses them like programs of the data.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from corpus.base.console import say, warn
from corpus.base.errors import DataError, TrainingError
from corpus.base.seeds import derive
from corpus.config.model import ModelConfig
from corpus.config.run import RunConfig
from corpus.finetune.examples import Example, select_examples
from corpus.finetune.loader import ProblemLoader
from corpus.model.weights import empty_model
from corpus.problems.problem import read_problems, write_problems
from corpus.run.folder import RunFolder
from corpus.solve.self_training import PROGRAMS, PseudoLabels, find_pseudo_labels
from corpus.solve.solver import Solver
from corpus.train.data import TrainingData
from corpus.train.phase import Callback
from corpus.train.session import Session


@dataclass(frozen=True, kw_only=True)
class SelfTraining:
    """Finds pseudo-labels once, and gives them to the loader."""

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
        share = self.config.finetune.self_training
        if not share:
            return None
        return Callback(name="self_training", at=share, run=self._run, repeat=self._add)

    def _run(self, progress: Callable[[], float], stopped: Callable[[], bool]) -> str | None:
        """Find programs on the first rank and train on them from now on, on all ranks."""
        is_main = self.session.ranks.is_main
        weights = self.weights()
        num_tried = self._find(weights, progress, stopped) if is_main else None
        del weights
        num_tried = self.session.ranks.from_main(num_tried)
        if num_tried is None:
            return None
        added = self._add()
        return f"{added:,} pseudo-labels for {num_tried:,} problems without a right program"

    def _find(
        self,
        weights: Mapping[str, Tensor],
        progress: Callable[[], float],
        stopped: Callable[[], bool],
    ) -> int | None:
        """Write the problems for which a program is found, and return how many were tried.

        None if the user stopped it.
        """
        problems = self.data.selected.solvable
        found = self._search(weights, progress, stopped)
        if found is None:
            return None
        write_problems(self.folder.found, found.problems)
        counts = {"looked_at": found.num_tried, "found": len(found.problems)}
        self.folder.update_manifest(self_training={"problems": len(problems), **counts})
        say(
            f"  self-training: pseudo-labels for {len(found.problems):,} of {found.num_tried:,} "
            "problems without a right program"
        )
        return found.num_tried

    def _search(
        self,
        weights: Mapping[str, Tensor],
        progress: Callable[[], float],
        stopped: Callable[[], bool],
    ) -> PseudoLabels | None:
        """Search with a copy of the model, with smaller batches where memory runs out."""
        settings, runtime = self.config.evaluate, self.session.runtime
        model, batch_size = empty_model(self.shape, runtime.device), settings.batch_size
        model.load_state_dict(weights)
        while not stopped():
            solver = Solver(
                model,
                self.data.tokenizer,
                runtime,
                max_program_tokens=settings.max_program_tokens,
                batch_size=batch_size,
            )
            try:
                return find_pseudo_labels(
                    self.data.selected.solvable,
                    solver,
                    progress=progress,
                    stopped=stopped,
                    seed=derive(self.config.seed, "self-training"),
                )
            except torch.OutOfMemoryError:
                batch_size //= 2
                if batch_size < PROGRAMS:
                    raise TrainingError(
                        "self-training needs a second model on the device, and its memory is full; "
                        "everything is saved. Begin a new run with finetune.self_training 0, or "
                        "with a smaller train.micro_batch_sequences"
                    ) from None
                warn(f"out of memory while decoding programs: from now on {batch_size} at a time")
        return None

    def _add(self) -> int:
        """Give the loader the problems that were found, and return how many fit."""
        examples = self._examples()
        self.loader.add(examples)
        return len(examples)

    def _examples(self) -> tuple[Example, ...]:
        fix = "Restore it from a copy, or begin a new run with another --out."
        problems = read_problems(self.folder.found, fix=fix)
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
