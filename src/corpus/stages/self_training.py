"""Programs that a model finds for training problems whose own does not give the key.

Those that give it are trained on as if the data had held them (Zelikman et al. 2022, arXiv:2203.14465: STaR; here within one course of
training). A key can be met by chance, so a program counts only where the model finds it likely.
"""

import math
import random
import time
from collections.abc import Sequence
from dataclasses import replace

from corpus.base.console import progress
from corpus.problems.check import is_checked
from corpus.problems.problem import Problem
from corpus.solve.candidates import Candidate
from corpus.solve.solver import Solver
from corpus.train.budget import Pace

PROGRAMS = 8
"""The likeliest programs that are looked at for each problem."""

LEAST_SHARE = 0.01
"""What a program's likelihood must be at least, as a share of that of all the programs looked at."""

CHUNK = 256
"""Problems between two looks at the clock."""


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
