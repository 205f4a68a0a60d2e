"""Votes: values count and not spellings, options decide where they can, and nothing is made up
where no program has a value."""

import math

import pytest

from corpus.problems.problem import Problem
from corpus.program.arithmetic.interpreter import execute
from corpus.program.arithmetic.options import parse_options
from corpus.program.domain import AnswerOption
from corpus.program.language import parse
from corpus.solve.voting import (
    CandidateProgram,
    Majority,
    WeightedCandidate,
    by_probability,
    majority,
)

NUMBERS = (12.0, 3.0)


NO_NUMBERS, TWO_NUMBERS = Problem.question("how many ?"), Problem.question("12 and 3 ?")
"""Of the first, a program leaves nothing out."""


def vote(
    candidates: list[CandidateProgram], options: tuple[AnswerOption, ...] = ()
) -> Majority | None:
    """All weigh the same."""
    weighted = [WeightedCandidate(candidate=each, weight=1.0) for each in candidates]
    return majority(weighted, NO_NUMBERS, options)


def weigh(candidates: list[WeightedCandidate], problem: Problem = NO_NUMBERS) -> Majority | None:
    return majority(candidates, problem)


def _candidate(text: str, log_probability: float = -1.0) -> CandidateProgram:
    program = parse(text)
    return CandidateProgram(
        program=program, outcome=execute(program, NUMBERS), log_probability=log_probability
    )


FOUR, ALSO_FOUR, NINE = (
    _candidate("divide(n0,n1)", -3.0),
    _candidate("multiply(n0,const_0_33)", -2.0),
    _candidate("subtract(n0,n1)", -0.5),
)
FAILS = _candidate("subtract(n0,n0)|divide(n0,#0)", -0.1)


def test_different_programs_with_one_value_vote_together() -> None:
    found = vote([NINE, FOUR, ALSO_FOUR])
    assert found is not None
    assert found.winner == ALSO_FOUR, "the likelier of the two"
    assert found.share == pytest.approx(2 / 3)


def test_of_equal_votes_the_likelier_program_wins() -> None:
    found = vote([FOUR, NINE])
    assert found is not None
    assert found.winner == NINE


def test_an_option_that_is_near_outweighs_a_majority_that_none_is() -> None:
    options = parse_options("a ) 4 , b ) 40 , c ) none of these")
    found = vote([NINE, NINE, NINE, FOUR], options)
    assert found is not None
    assert found.winner == FOUR
    without = vote([NINE, NINE, NINE, FOUR])
    assert without is not None
    assert without.winner == NINE


def test_where_no_option_is_near_any_value_the_majority_stands() -> None:
    found = vote([NINE, NINE, FOUR], parse_options("a ) 77 , b ) 88"))
    assert found is not None
    assert found.winner == NINE


def test_a_value_that_is_not_positive_is_doubted_unless_an_option_says_so() -> None:
    debt = _candidate("subtract(n1,n0)", -0.1)
    assert vote([debt, debt, debt, FOUR]) == vote([FOUR, debt, debt, debt])
    found = vote([debt, debt, debt, FOUR])
    assert found is not None
    assert found.winner == FOUR
    alone = vote([debt])
    assert alone is not None
    assert alone.winner == debt, "doubted, not left out"
    known = vote([debt, debt, debt, FOUR], parse_options("a ) 4 , b ) - 9"))
    assert known is not None
    assert known.winner == debt


def test_programs_that_fail_do_not_vote() -> None:
    assert FAILS.outcome.value is None
    assert vote([FAILS, FAILS]) is None
    assert vote([]) is None
    found = vote([FAILS, FAILS, NINE])
    assert found is not None
    assert found.winner == NINE
    assert found.share == pytest.approx(1 / 3)


def test_weights_count() -> None:
    found = weigh(
        [
            WeightedCandidate(candidate=NINE, weight=0.4),
            WeightedCandidate(candidate=FOUR, weight=0.5),
            WeightedCandidate(candidate=NINE, weight=0.4),
        ]
    )
    assert found is not None
    assert found.winner == NINE


def test_the_models_programs_are_as_weighty_as_they_are_likely() -> None:
    weighted = by_probability([NINE, ALSO_FOUR, FOUR])
    assert sum(each.weight for each in weighted) == pytest.approx(1.0)
    assert weighted[0].weight / weighted[1].weight == pytest.approx(math.exp(1.5))
    assert by_probability([]) == []


def test_programs_that_weigh_nothing_are_no_votes() -> None:
    assert weigh([WeightedCandidate(candidate=NINE, weight=0.0)]) is None
    unlikely = [_candidate("subtract(n0,n1)", -2000.0), _candidate("divide(n0,n1)", -2001.0)]
    found = weigh(by_probability(unlikely))
    assert found is not None
    assert found.winner == unlikely[0]


def test_a_share_is_of_all_that_was_cast() -> None:
    found = weigh(
        [
            WeightedCandidate(candidate=FAILS, weight=0.75),
            WeightedCandidate(candidate=NINE, weight=0.25),
        ]
    )
    assert found is not None
    assert found.share == 0.25


def test_a_program_that_leaves_numbers_out_counts_less() -> None:
    one, two = _candidate("multiply(n0,const_2)"), _candidate("subtract(n0,n1)")
    weighted = [
        WeightedCandidate(candidate=one, weight=0.6),
        WeightedCandidate(candidate=two, weight=0.4),
    ]
    unaware, aware = weigh(weighted), weigh(weighted, TWO_NUMBERS)
    assert unaware is not None
    assert aware is not None
    assert (unaware.winner, aware.winner) == (one, two)
    assert aware.share == pytest.approx(0.4), "of what was cast"
    assert weigh(weighted[:1], TWO_NUMBERS) is not None, "alone it still wins"
    more = [
        WeightedCandidate(candidate=one, weight=0.8),
        WeightedCandidate(candidate=two, weight=0.2),
    ]
    assert (weigh(more, TWO_NUMBERS) or aware).winner == one, "half of the numbers are worth 1 / e"


def test_zero_is_one_value_whatever_its_sign() -> None:
    zero, below = (
        _candidate("subtract(n1,n1)", -2.0),
        _candidate("subtract(n1,n1)|negate(#0)", -2.0),
    )
    assert str(below.outcome.value) == "-0.0"
    options = parse_options("a ) 0 , b ) 9")
    found = vote([zero, NINE, below], options)
    assert found is not None
    assert (found.winner.outcome.value, found.share) == (0.0, pytest.approx(2 / 3))
