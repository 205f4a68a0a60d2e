"""Pseudo-labels: programs that a model finds for problems without one, checked by the gold answer.

Reference: Zelikman et al. 2022 (STaR), arXiv:2203.14465. A wrong program can give the gold answer
by chance, so a program counts only where the model finds it likely.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from corpus.base.console import progress as bar
from corpus.problems.check import is_checked
from corpus.problems.problem import Problem
from corpus.solve.solver import Solver
from corpus.solve.voting import CandidateProgram

PROGRAMS = 8
"""Likeliest programs that are checked for each problem."""

LEAST_SHARE = 0.01
"""Least likelihood of a program, as a share of that of all the programs checked."""

CHUNK = 256
"""Problems between two checks of the clock."""

TIME_SHARE = 0.2
"""The most of the time left that finding programs may take."""


@dataclass(frozen=True, kw_only=True)
class PseudoLabels:
    """Problems with the programs that were found for them, and how many were tried."""

    problems: tuple[Problem, ...]
    num_tried: int


def find_pseudo_labels(
    problems: Sequence[Problem],
    solver: Solver,
    *,
    progress: Callable[[], float],
    stopped: Callable[[], bool],
    seed: int,
) -> PseudoLabels | None:
    """Return the problems for which a program was found, in their order; None if it was stopped.

    Args:
        problems: each with a gold answer.
        solver: the model.
        progress: returns 0…1. Under a clock it moves on by itself, and `TIME_SHARE` limits the
            problems tried.
        stopped: whether the user asked to stop.
        seed: decides on the order. Problems that differ only in their numbers stay together, since
            the solver decodes them once.
    """
    order = _by_wording(problems, seed=seed)
    found: dict[int, Problem] = {}
    tried, began, longest = 0, progress(), 0.0
    end = began + TIME_SHARE * (1 - began)
    with bar("finding programs", len(order), "problems") as task:
        while tried < len(order) and progress() + longest <= end:
            if stopped():
                return None
            start = progress()
            chunk = order[tried : tried + CHUNK]
            searched = solver.search([problems[index] for index in chunk], PROGRAMS)
            for index, candidates in zip(chunk, searched):
                solved = _likeliest(problems[index], candidates)
                if solved is not None:
                    found[index] = solved
            tried += len(chunk)
            longest = max(longest, progress() - start)
            task.update(tried)
    return PseudoLabels(problems=tuple(found[index] for index in sorted(found)), num_tried=tried)


def _by_wording(problems: Sequence[Problem], *, seed: int) -> list[int]:
    """Return the problems' indices in random order, those of one wording together."""
    families: dict[str, list[int]] = {}
    for index, problem in enumerate(problems):
        families.setdefault(problem.template, []).append(index)
    shuffled = list(families.values())
    random.Random(seed).shuffle(shuffled)
    return [index for family in shuffled for index in family]


def _likeliest(problem: Problem, candidates: Sequence[CandidateProgram]) -> Problem | None:
    """Return the problem with the likeliest program that gives its gold answer."""
    shares = [math.exp(each.log_probability - candidates[0].log_probability) for each in candidates]
    for each, share in zip(candidates, shares):
        if share < LEAST_SHARE * sum(shares):
            return None
        solved = replace(problem, program=str(each.program))
        if is_checked(solved):
            return solved
    return None
