"""Majority voting: many programs for one problem, and the value that most of them arrive at.

Programs that arrive at one value in different ways support each other, which single wrong programs
seldom do: self-consistency (Wang et al. 2023, arXiv:2203.11171). Where there are options, a program
whose value is near none of them counts less: the answer is known to be among them. So does a
program that leaves quantities of the problem out.

The programs are the model's, each with its probability; with retrieval, those of similar training
problems count as well. The constants were chosen on a tuning split, where nearby values did as
well.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.problems.neighbours import NUM_CANDIDATES, NeighbourIndex
from corpus.problems.problem import Problem
from corpus.program.domain import AnswerOption, ProgramOutcome
from corpus.program.language import Program, parse

OFF_OPTIONS = 0.01
"""Factor for a value that is near none of the options: some are cut off or cannot be read."""

IMPLAUSIBLE = 0.1
"""Factor for a value that hardly any problem asks for, and that is near no option."""

UNUSED = 2.0
"""A program counts exp(-UNUSED · share), where it leaves that share of the quantities out."""

NEIGHBOURS = 32
"""Similar problems that are looked up."""

SHARPNESS = 4.0
"""A neighbour's weight is its similarity to this power."""

TOGETHER = 2.0
"""What the neighbours weigh together, where the model's programs weigh 1."""

OTHER_COUNT = 0.2
"""Factor for a neighbour with another number of quantities: its program refers to other ones."""


@dataclass(frozen=True, kw_only=True)
class CandidateProgram:
    """A program that may answer a problem, and the result of executing it."""

    program: Program
    outcome: ProgramOutcome[Any]
    log_probability: float
    """Under the model, among all programs; minus infinity where the model did not write it."""


@dataclass(frozen=True, kw_only=True)
class WeightedCandidate:
    """A candidate program and its weight in the vote."""

    candidate: CandidateProgram
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Majority:
    """The result of a vote."""

    winner: CandidateProgram
    """The program with the winning value that weighs most; ties go to the likeliest."""
    share: float
    """Their part of all weights, before the factors, also of programs without a value."""


def by_probability(candidates: Iterable[CandidateProgram]) -> list[WeightedCandidate]:
    """Weigh the model's different programs by their probability; together they weigh 1."""
    candidates = list(candidates)
    most = max((each.log_probability for each in candidates), default=0.0)
    likelihoods = [math.exp(each.log_probability - most) for each in candidates]
    total = sum(likelihoods) or 1.0
    return [
        WeightedCandidate(candidate=each, weight=likelihood / total)
        for each, likelihood in zip(candidates, likelihoods)
    ]


def by_similarity(problem: Problem, index: NeighbourIndex) -> list[WeightedCandidate]:
    """Return the programs of the problems of `index` most like `problem`, executed on it.

    A program weighs more if its problems are more similar or more numerous. All programs together
    weigh `TOGETHER`. Each is executed once: over expressions that takes time. This is retrieval,
    not solving, and is scored under its own name.
    """
    weights: dict[str, float] = {}
    for other, similarity in index.similar(problem, NEIGHBOURS):
        weight = _neighbour_weight(problem, other, similarity)
        if other.program is not None and weight:
            weights[other.program] = weights.get(other.program, 0.0) + weight
    total = sum(weights.values())
    found = []
    for text, weight in weights.items():
        program = parse(text)
        outcome = problem.domain.execute(program, problem.quantities)
        candidate = CandidateProgram(
            program=program, outcome=outcome, log_probability=float("-inf")
        )
        found.append(WeightedCandidate(candidate=candidate, weight=TOGETHER * weight / total))
    return found


def _neighbour_weight(problem: Problem, other: Problem, similarity: float) -> float:
    same_count = len(other.quantities) == len(problem.quantities)
    return similarity**SHARPNESS * (1.0 if same_count else OTHER_COUNT)


def nearest_plausible(
    problem: Problem, index: NeighbourIndex, options: Sequence[AnswerOption] = ()
) -> Program | None:
    """Return the nearest neighbour's program under the rules of the vote.

    Each of the nearest problems has the weight of its similarity, times the factors of a vote for
    its program's value and for the quantities that it uses; the heaviest one wins, alone. None if
    no program has a value.
    """
    best: tuple[float, Program | None] = 0.0, None
    for other, similarity in index.similar(problem, NUM_CANDIDATES):
        program = other.gold_program
        if program is None:
            continue
        outcome = problem.domain.execute(program, problem.quantities)
        if outcome.value is not None:
            weight = _neighbour_weight(problem, other, similarity)
            weight *= _factor(program, outcome.value, problem, options)
            best = max(best, (weight, program), key=lambda each: each[0])
    return best[1]


def majority(
    candidates: Sequence[WeightedCandidate],
    problem: Problem,
    options: Sequence[AnswerOption] = (),
) -> Majority | None:
    """Return the value with the most weight; ties go to the one with the better program.

    Args:
        candidates: programs for `problem` with their weights.
        problem: its domain says which values are one.
        options: the problem's, where they are to count.

    None if no program has a value.
    """
    weights: dict[str, float] = {}
    cast: dict[str, float] = {}
    best: dict[str, tuple[float, float, CandidateProgram]] = {}
    for each in candidates:
        candidate, weight, value = each.candidate, each.weight, each.candidate.outcome.value
        if value is None or weight <= 0:
            continue
        key = problem.domain.group(value)
        cast[key] = cast.get(key, 0.0) + weight
        weight *= _factor(candidate.program, value, problem, options)
        weights[key] = weights.get(key, 0.0) + weight
        best[key] = max(
            best.get(key, (0.0, float("-inf"), candidate)),
            (weight, candidate.log_probability, candidate),
            key=lambda each: each[:2],
        )
    if not weights:
        return None
    winner = max(weights, key=lambda key: (weights[key], *best[key][:2]))
    total = sum(each.weight for each in candidates)
    return Majority(winner=best[winner][2], share=cast[winner] / total)


def _factor(
    program: Program, value: Any, problem: Problem, options: Sequence[AnswerOption]
) -> float:
    """Return the factor of a vote, for its value and for the quantities it leaves out, 0…1."""
    return _trust(value, problem, options) * math.exp(-UNUSED * _left_out(program, problem))


def _trust(value: Any, problem: Problem, options: Sequence[AnswerOption]) -> float:
    """Return the factor for a program's value, 0…1."""
    if any(problem.domain.is_near(value, option) for option in options):
        return 1.0
    trust = OFF_OPTIONS if options else 1.0
    return trust if problem.domain.is_plausible(value) else trust * IMPLAUSIBLE


def _left_out(program: Program, problem: Problem) -> float:
    """Return the share of a problem's quantities that a program does not use, 0…1."""
    count = len(problem.quantities)
    used = {argument for step in program.steps for argument in step.arguments}
    return sum(f"n{index}" not in used for index in range(count)) / count if count else 0.0
