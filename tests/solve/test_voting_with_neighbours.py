"""Similar problems' programs as votes: executed on the new numbers, the more alike the
weightier."""

import pytest

from corpus.problems.neighbours import NeighbourIndex
from corpus.problems.problem import Problem
from corpus.program.arithmetic.options import parse_options
from corpus.solve.voting import TOGETHER, by_similarity, majority, nearest_plausible

QUERY = Problem.question("a train covers 90 km in 3 hours . what is its speed ?")


def _problem(text: str, program: str, index: int) -> Problem:
    return Problem("made", "train", index, text, (), None, program, "")


INDEX = NeighbourIndex(
    [
        _problem("a train covers 120 km in 2 hours . what is its speed ?", "divide(n0,n1)", 0),
        _problem(
            "a train covers 120 km in 2 hours and 30 minutes . what is its speed ?", "add(n1,n2)", 1
        ),
        _problem("a pen costs 3 dollars . what do 4 pens cost ?", "multiply(n0,n1)", 2),
    ]
)


def test_the_twin_decides() -> None:
    weighted = by_similarity(QUERY, INDEX)
    assert sum(each.weight for each in weighted) == pytest.approx(TOGETHER)
    assert [str(each.candidate.program) for each in weighted] == [
        "divide(n0,n1)",
        "add(n1,n2)",
        "multiply(n0,n1)",
    ]
    assert weighted[0].candidate.outcome.value == 30
    assert weighted[1].candidate.outcome.value is None, "there is no third number"
    found = majority(weighted, QUERY)
    assert found is not None
    assert found.winner.outcome.value == 30


def test_nothing_in_common_is_no_majority() -> None:
    bread = Problem.question("wieviel kostet brot")
    assert majority(by_similarity(bread, INDEX), bread) is None
    assert by_similarity(Problem.question("anything"), NeighbourIndex([])) == []


def test_one_program_of_several_problems_is_one_candidate_with_their_weights() -> None:
    same = _problem("a car covers 120 km in 2 hours . what is its speed ?", "divide(n0,n1)", 3)
    other = _problem("a car covers 120 km in 2 hours . what is its speed ?", "add(n0,n1)", 3)
    train = _problem("a train covers 120 km in 2 hours . what is its speed ?", "divide(n0,n1)", 0)
    (together,) = by_similarity(QUERY, NeighbourIndex([train, same]))
    apart = by_similarity(QUERY, NeighbourIndex([train, other]))
    assert (
        together.weight
        == pytest.approx(sum(each.weight for each in apart))
        == pytest.approx(TOGETHER)
    )
    assert len(apart) == 2


def test_the_nearest_neighbour_can_follow_the_rules_of_the_vote() -> None:
    """A near problem whose program leaves out a number counts less than one a little less near."""
    near = _problem("a train covers 120 km in 2 hours . what is its rate ?", "negate(n0)", 3)
    index = NeighbourIndex([near, _problem("a car covers 120 km in 2 hours", "divide(n0,n1)", 4)])
    query = Problem.question("a train covers 90 km in 3 hours . what is its rate ?")
    copied, _ = index.copy_program(query)
    assert str(copied) == "negate(n0)"
    assert str(nearest_plausible(query, index)) == "divide(n0,n1)"
    options = parse_options("a ) -90 , b ) 45")
    assert str(nearest_plausible(query, index, options)) == "negate(n0)", "an option says so"
    assert nearest_plausible(Problem.question("bread"), NeighbourIndex([])) is None
