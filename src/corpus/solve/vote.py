"""Votes: many programs for one problem, and the value that most of them arrive at.

Programs that arrive at one value in different ways support each other, which single wrong programs seldom do (Wang et al. 2023,
arXiv:2203.11171). Where there are options, a value that none of them is near is a reason to doubt its programs: the answer is known to
stand there; and so is a number of the problem that a program has no use for. Expressions are one value where they are written alike.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from corpus.program.answer import Option, is_near
from corpus.solve.candidates import Candidate

DOUBT = 0.01
"""What a vote is still worth whose value is near none of the options: some options are cut off or cannot be read."""

NOT_POSITIVE = 0.1
"""What a vote is worth whose value is zero or below and near no option: word problems ask for how many, how far, how much. Chosen on a tuning
split, where anything from 0.3 down did as well."""

UNUSED = 2.0
"""A vote counts exp(-UNUSED · share) where its program leaves that share of the problem's numbers out: most of what a problem tells is needed. Chosen
on a tuning split, where anything from 1 to 3 did as well."""

DIGITS = 9
"""Significant digits in which values have to agree to be one."""


@dataclass(frozen=True, kw_only=True)
class Ballot:
    """A program and what its vote weighs."""

    candidate: Candidate
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Vote:
    """What the programs agreed on."""

    winner: Candidate
    """The weightiest, and of equals the likeliest, of the programs that won."""
    share: float
    """Their part of all the weight that was cast, before doubts; programs without a value count in the whole."""


def ballots_of(candidates: Iterable[Candidate]) -> list[Ballot]:
    """Return one ballot for each of the model's different programs, as weighty as it is likely among them; together they weigh 1."""
    candidates = list(candidates)
    most = max((each.log_probability for each in candidates), default=0.0)
    likelihoods = [math.exp(each.log_probability - most) for each in candidates]
    total = sum(likelihoods) or 1.0
    return [
        Ballot(candidate=each, weight=likelihood / total)
        for each, likelihood in zip(candidates, likelihoods)
    ]


def vote(
    ballots: Sequence[Ballot], options: Sequence[Option] = (), *, num_numbers: int = 0
) -> Vote | None:
    """Return the value with most votes; of equals, the one with the better program. None where no program has a value.

    Args:
        ballots: programs with their weights.
        options: where given, a ballot whose value is near none of them counts `DOUBT` of its weight.
        num_numbers: how many numbers (or expressions) the problem has; the more of them a program leaves out, the less it counts (`UNUSED`).

    A value that is not positive counts `NOT_POSITIVE` of its weight, unless an option is near it.
    """
    weights: dict[str, float] = {}
    cast: dict[str, float] = {}
    best: dict[str, tuple[float, float, Candidate]] = {}
    for ballot in ballots:
        candidate, weight = ballot.candidate, ballot.weight
        value, expression = candidate.outcome.value, candidate.outcome.expression
        if (value is None and expression is None) or weight <= 0:
            continue
        key = (
            f"{value + 0.0:.{DIGITS - 1}e}" if value is not None else str(expression)
        )  # -0.0 + 0.0 is 0.0
        cast[key] = cast.get(key, 0.0) + weight
        weight *= _trust(value, options) * math.exp(-UNUSED * _left_out(candidate, num_numbers))
        weights[key] = weights.get(key, 0.0) + weight
        best[key] = max(
            best.get(key, (0.0, float("-inf"), candidate)),
            (weight, candidate.log_probability, candidate),
            key=lambda each: each[:2],
        )
    if not weights:
        return None
    winner = max(weights, key=lambda key: (weights[key], *best[key][:2]))
    return Vote(
        winner=best[winner][2], share=cast[winner] / sum(ballot.weight for ballot in ballots)
    )


def _trust(value: float | None, options: Sequence[Option]) -> float:
    """Return what a vote for `value` (None: an expression) is worth, 0…1."""
    if value is not None and any(is_near(value, option) for option in options):
        return 1.0
    trust = DOUBT if options else 1.0
    return trust * NOT_POSITIVE if value is not None and value <= 0 else trust


def _left_out(candidate: Candidate, num_numbers: int) -> float:
    """Return the share of a problem's numbers that a program does not use, 0…1."""
    used = {argument for step in candidate.program.steps for argument in step.arguments}
    return (
        sum(f"n{index}" not in used for index in range(num_numbers)) / num_numbers
        if num_numbers
        else 0.0
    )
