"""Programs that a model finds for training problems whose own does not give the key.

Those that give it are trained on as if the data had held them (Zelikman et al. 2022, arXiv:2203.14465: STaR; here within one course of
training). A key can be met by chance, so a program counts only where the model finds it likely.
"""

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from corpus.base.console import progress, say
from corpus.base.errors import DataError
from corpus.base.run_folder import RunFolder
from corpus.base.seeds import derive
from corpus.finetune.examples import Example, select_examples
from corpus.finetune.feed import ProblemFeed
from corpus.model.config import ModelConfig
from corpus.model.init import empty_model
from corpus.problems.check import is_checked
from corpus.problems.problem import Problem, read_problems, write_problems
from corpus.recipes.config import RunConfig
from corpus.runtime.runtime import Runtime
from corpus.solve.candidates import Candidate
from corpus.solve.solver import Solver
from corpus.text.tokenizer import Tokenizer
from corpus.train.budget import Pace
from corpus.train.loop import Turn
from corpus.train.session import Session

PROGRAMS = 8
"""The likeliest programs that are looked at for each problem."""

LEAST_SHARE = 0.01
"""What a program's likelihood must be at least, as a share of that of all the programs looked at."""

CHUNK = 256
"""Problems between two looks at the clock."""


@dataclass(frozen=True, kw_only=True)
class SelfTraining:
    """What a run needs for it."""

    config: RunConfig
    folder: RunFolder
    tokenizer: Tokenizer
    problems: Sequence[Problem]
    """Problems that have a key and no program that gives it."""

    def turn(
        self, feed: ProblemFeed, session: Session, *, shape: ModelConfig, tensors: Callable[[], Mapping[str, Tensor]]
    ) -> Turn | None:
        """Return what is done in the middle of fine-tuning, None where the config asks for nothing; `tensors` returns the weights as they are then."""
        share = self.config.finetune.self_training

        def do(pace: Pace) -> str:
            now = tensors()
            if session.ranks.is_main:
                self._find(now, shape, session.runtime, pace)
            session.ranks.wait()
            examples = self._examples()
            feed.add(examples)
            return f"{len(examples):,} problems more to train on: of {len(self.problems):,} without a program that gives the key"

        return Turn(name="self_training", at=share, do=do, repeat=lambda: feed.add(self._examples())) if share else None

    def _find(self, tensors: Mapping[str, Tensor], shape: ModelConfig, runtime: Runtime, pace: Pace) -> None:
        model, settings = empty_model(shape, runtime.device), self.config.evaluate
        model.load_state_dict(tensors)
        solver = Solver(
            model,
            self.tokenizer,
            replace(runtime, precision="fp32"),
            max_program_tokens=settings.max_program_tokens,
            batch_size=settings.batch_size,
        )
        found, looked_at = find_programs(self.problems, solver, pace, seed=derive(self.config.seed, "self-training"))
        write_problems(self.folder.found, found)
        counts = {"problems": len(self.problems), "looked_at": looked_at, "found": len(found)}
        self.folder.update_manifest(self_training=counts)
        say(f"  self-training: programs that give the key for {len(found):,} of {looked_at:,} problems without one")

    def _examples(self) -> tuple[Example, ...]:
        fix = f"Delete {self.folder.checkpoints}/finetune-* and fine-tune again."
        problems, length = read_problems(self.folder.found, fix=fix), self.config.model.context_length
        try:
            return select_examples(problems, self.tokenizer, max_length=length, checked_only=True).examples
        except DataError:  # nothing was found, or nothing that fits into a row
            return ()


def find_programs(problems: Sequence[Problem], solver: Solver, pace: Pace, *, seed: int) -> tuple[list[Problem], int]:
    """Return the problems for which a program was found, with that program, in their order; and how many were looked at.

    Under a clock this takes no more than the time that the pace affords for looking on, and looks at so many of them, in random order.
    """
    order = list(range(len(problems)))
    random.Random(seed).shuffle(order)
    found: dict[int, Problem] = {}
    looked_at, began, last = 0, time.monotonic(), 0.0
    with progress("finding programs", len(order), "problems") as task:
        while looked_at < len(order) and pace.affords(time.monotonic() - began, last):
            start = time.monotonic()
            chunk = order[looked_at : looked_at + CHUNK]
            for index, candidates in zip(chunk, solver.search([problems[index].text for index in chunk], PROGRAMS)):
                program = _likeliest(problems[index], candidates)
                if program is not None:
                    found[index] = program
            looked_at += len(chunk)
            last = time.monotonic() - start
            task.update(looked_at)
    return [found[index] for index in sorted(found)], looked_at


def _likeliest(problem: Problem, candidates: Sequence[Candidate]) -> Problem | None:
    """Return the problem with the likeliest program that gives its key; None where no likely one does."""
    total = sum(math.exp(each.log_probability - candidates[0].log_probability) for each in candidates)
    for each in candidates:
        if math.exp(each.log_probability - candidates[0].log_probability) < LEAST_SHARE * total:
            return None
        solved = replace(problem, program=str(each.program))
        if is_checked(solved):
            return solved
    return None
