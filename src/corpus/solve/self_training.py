"""Pseudo-labels: programs that a model finds for problems without one, checked by the gold answer.

Reference: Zelikman et al. 2022 (STaR), arXiv:2203.14465. A wrong program can give the gold answer
by chance, so a program counts only where the model finds it likely, and where it gives the gold
answers of the problem's twins as well: problems that differ only in their numbers.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from corpus.base.console import progress as bar
from corpus.problems.check import gives_gold, is_checked
from corpus.problems.problem import Problem
from corpus.problems.repair import distinct, enough_gold_answers
from corpus.program.language import Program
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
    solved: Sequence[Problem] = (),
    rounds: int = 1,
    progress: Callable[[], float],
    stopped: Callable[[], bool],
    seed: int,
) -> PseudoLabels | None:
    """Return the problems for which a program was found, in their order; None if it was stopped.

    Args:
        problems: each with a gold answer.
        solver: the model.
        solved: problems with a right program. Those that are twins of a problem must be solved by
            its program as well.
        rounds: how often this is done; all of them together have `TIME_SHARE`.
        progress: returns 0…1. Under a clock it moves on by itself, and `TIME_SHARE` limits the
            problems tried.
        stopped: whether the user asked to stop.
        seed: decides on the order.
    """
    families = _Families(problems, solved)
    found: dict[int, Problem] = {}
    tried, began, longest = 0, progress(), 0.0
    end = began + TIME_SHARE / rounds * (1 - began)
    with bar("finding programs", len(problems), "problems") as task:
        for chunk in families.chunks(seed=seed):
            if stopped():
                return None
            start = progress()
            if start + longest > end:
                break
            searched = solver.search([problems[family[0]] for family in chunk], PROGRAMS)
            for family, candidates in zip(chunk, searched):
                found |= families.label(family, candidates)
                tried += len(family)
            longest = max(longest, progress() - start)
            task.update(tried)
    return PseudoLabels(problems=tuple(found[index] for index in sorted(found)), num_tried=tried)


class _Families:
    """Problems by their wording; twins have the same programs, so they are decoded once."""

    def __init__(self, problems: Sequence[Problem], solved: Sequence[Problem]) -> None:
        self._problems = problems
        self._families: dict[str, list[int]] = {}
        for index, problem in enumerate(problems):
            self._families.setdefault(problem.template, []).append(index)
        self._twins = {
            name: [problems[index] for index in family] for name, family in self._families.items()
        }
        for problem in solved:
            if problem.template in self._twins:
                self._twins[problem.template].append(problem)

    def chunks(self, *, seed: int) -> Iterator[list[list[int]]]:
        """Yield the wordings in random order, so many that they have `CHUNK` problems: each as the
        indices of its problems."""
        shuffled = list(self._families.values())
        random.Random(seed).shuffle(shuffled)
        chunk: list[list[int]] = []
        for family in shuffled:
            chunk.append(family)
            if sum(map(len, chunk)) >= CHUNK:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def label(
        self, family: Sequence[int], candidates: Sequence[CandidateProgram]
    ) -> dict[int, Problem]:
        """Return the problems of a wording that the likeliest right program solves, with it."""
        twins = distinct(self._twins[self._problems[family[0]].template])
        for program in _likely(candidates):
            if enough_gold_answers([gives_gold(twin, program) for twin in twins]):
                labelled = {
                    index: replace(self._problems[index], program=str(program)) for index in family
                }
                right = {index: each for index, each in labelled.items() if is_checked(each)}
                if right:
                    return right
        return {}


def _likely(candidates: Sequence[CandidateProgram]) -> list[Program]:
    """Return the programs that are not negligible beside the others, the likeliest first."""
    log_probabilities = np.array([each.log_probability for each in candidates])
    shares = np.exp(log_probabilities - np.logaddexp.reduce(log_probabilities, initial=-np.inf))
    return [each.program for each, share in zip(candidates, shares) if share >= LEAST_SHARE]
