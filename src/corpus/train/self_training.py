"""Programs that a model finds for training problems whose own does not give the key.

Those that give it are trained on as if the data had held them (Zelikman et al. 2022, arXiv:2203.14465: STaR; here within one course of
training). A key can be met by chance, so a program counts only where the model finds it likely.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from corpus.base.console import progress as bar
from corpus.base.console import say, warn
from corpus.base.errors import DataError, TrainingError
from corpus.base.seeds import derive
from corpus.config.model import ModelConfig
from corpus.config.run import RunConfig
from corpus.finetune.examples import Example, select_examples
from corpus.finetune.feed import ProblemFeed
from corpus.model.weights import empty_model
from corpus.problems.check import is_checked
from corpus.problems.numbers import template_of
from corpus.problems.problem import Problem, read_problems, write_problems
from corpus.run.folder import RunFolder
from corpus.runtime.runtime import Runtime
from corpus.solve.candidates import Candidate
from corpus.solve.solver import Solver
from corpus.text.tokenizer import Tokenizer
from corpus.train.loop import Turn
from corpus.train.session import Session

PROGRAMS = 8
"""The likeliest programs that are looked at for each problem."""

LEAST_SHARE = 0.01
"""What a program's likelihood must be at least, as a share of that of all the programs looked at."""

CHUNK = 256
"""Problems between two looks at the clock."""

LONGEST = 0.2
"""The most of what is left of fine-tuning that looking for programs may take under a clock."""

Progress = Callable[[], float]
"""Returns how far fine-tuning is, 0…1; under a clock it goes on by itself."""


@dataclass(frozen=True, kw_only=True)
class SelfTraining:
    """What a run needs for it."""

    config: RunConfig
    folder: RunFolder
    tokenizer: Tokenizer
    problems: Sequence[Problem]
    """Problems that have a key and no program that gives it."""
    written: Callable[[list[Problem]], list[Problem]]
    """Returns problems with their programs as the model is to write them."""

    def turn(
        self,
        feed: ProblemFeed,
        session: Session,
        *,
        shape: ModelConfig,
        tensors: Callable[[], Mapping[str, Tensor]],
    ) -> Turn | None:
        """Return what is done in the middle of fine-tuning, None where the config asks for nothing; `tensors` returns the weights as they are then."""
        share = self.config.finetune.self_training

        def do(progress: Progress, stopped: Callable[[], bool]) -> str | None:
            if feed.is_over:
                warn(
                    "self-training looks for nothing: the problems were shown as often as finetune.max_epochs allows"
                )
                if session.ranks.is_main:
                    write_problems(self.folder.found, [])
                return "nothing was looked for: finetune.max_epochs is reached"
            now = tensors()
            looked_at = (
                self._find(now, shape, session.runtime, progress, stopped)
                if session.ranks.is_main
                else None
            )
            del now
            looked_at = session.ranks.from_main(looked_at)
            if looked_at is None:
                return None
            examples = self._examples()
            feed.add(examples)
            return f"{len(examples):,} problems more to train on: of {looked_at:,} that had no program that gives the key"

        return (
            Turn(name="self_training", at=share, do=do, repeat=lambda: feed.add(self._examples()))
            if share
            else None
        )

    def _find(
        self,
        tensors: Mapping[str, Tensor],
        shape: ModelConfig,
        runtime: Runtime,
        progress: Progress,
        stopped: Callable[[], bool],
    ) -> int | None:
        """Look for programs, write those that were found, and return how many problems were looked at; None where it was stopped."""
        model, settings = empty_model(shape, runtime.device), self.config.evaluate
        model.load_state_dict(tensors)
        rows, result = settings.batch_size, None
        while result is None and not stopped():
            solver = Solver(
                model,
                self.tokenizer,
                runtime,
                max_program_tokens=settings.max_program_tokens,
                batch_size=rows,
            )
            try:
                result = find_programs(
                    self.problems,
                    solver,
                    progress,
                    stopped,
                    seed=derive(self.config.seed, "self-training"),
                )
            except torch.OutOfMemoryError:
                rows //= 2
                if rows < PROGRAMS:
                    raise TrainingError(
                        "self-training needs a second model in the device's memory, and there is no room for it; everything is saved. Begin a new run "
                        "with finetune.self_training 0, or with a smaller train.micro_batch_rows"
                    ) from None
                warn(f"out of memory while looking for programs: from now on {rows} rows at a time")
        if result is None:
            return None
        found, looked_at = result
        write_problems(self.folder.found, found)
        counts = {"problems": len(self.problems), "looked_at": looked_at, "found": len(found)}
        self.folder.update_manifest(self_training=counts)
        say(
            f"  self-training: programs that give the key for {len(found):,} of {looked_at:,} problems without one"
        )
        return looked_at

    def _examples(self) -> tuple[Example, ...]:
        fix = "Restore it from a copy, or begin a new run with another --out."
        problems, length = (
            read_problems(self.folder.found, fix=fix),
            self.config.model.context_length,
        )
        try:
            return select_examples(
                self.written(problems), self.tokenizer, max_length=length, checked_only=True
            ).examples
        except DataError:  # nothing was found, or nothing that fits into a row
            return ()


def find_programs(
    problems: Sequence[Problem],
    solver: Solver,
    progress: Progress,
    stopped: Callable[[], bool],
    *,
    seed: int,
) -> tuple[list[Problem], int] | None:
    """Return the problems for which a program was found, with that program, in their order; and how many were looked at.

    Under a clock it looks at as many as `LONGEST` leaves time for, in random order, twins together. None where it was stopped.
    """
    order = _by_wording(problems, seed=seed)
    found: dict[int, Problem] = {}
    looked_at, began, longest = 0, progress(), 0.0
    end = began + LONGEST * (1 - began)
    with bar("finding programs", len(order), "problems") as task:
        while looked_at < len(order) and progress() + longest <= end:
            if stopped():
                return None
            start = progress()
            chunk = order[looked_at : looked_at + CHUNK]
            for index, candidates in zip(
                chunk, solver.search([problems[index].text for index in chunk], PROGRAMS)
            ):
                program = _likeliest(problems[index], candidates)
                if program is not None:
                    found[index] = program
            looked_at += len(chunk)
            longest = max(longest, progress() - start)
            task.update(looked_at)
    return [found[index] for index in sorted(found)], looked_at


def _by_wording(problems: Sequence[Problem], *, seed: int) -> list[int]:
    """Return the problems' indices with those that differ in their numbers alone together, as the solver decodes them once."""
    families: dict[str, list[int]] = {}
    for index, problem in enumerate(problems):
        families.setdefault(template_of(problem.text), []).append(index)
    shuffled = list(families.values())
    random.Random(seed).shuffle(shuffled)
    return [index for family in shuffled for index in family]


def _likeliest(problem: Problem, candidates: Sequence[Candidate]) -> Problem | None:
    """Return the problem with the likeliest program that gives its key; None where no likely one does."""
    total = sum(
        math.exp(each.log_probability - candidates[0].log_probability) for each in candidates
    )
    for each in candidates:
        if math.exp(each.log_probability - candidates[0].log_probability) < LEAST_SHARE * total:
            return None
        solved = replace(problem, program=str(each.program))
        if is_checked(solved):
            return solved
    return None
