"""Intervals: Wilson's by its definition and known values, the cluster-robust one by simulation."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from corpus.evaluate.intervals import Z, clustered, student, wilson


def test_known_values() -> None:
    assert wilson(15 / 50, 50) == pytest.approx((0.1910, 0.4375), abs=5e-5)
    assert wilson(0.0, 10) == pytest.approx((0.0, 0.2775), abs=5e-5)
    assert wilson(1.0, 10) == pytest.approx((0.7225, 1.0), abs=5e-5)


def test_z_is_the_95_percent_deviate() -> None:
    assert math.erf(Z / math.sqrt(2)) == pytest.approx(0.95, abs=1e-12)


def test_students_quantile_is_that_of_the_tables() -> None:
    """Fisher and Yates 1963, table III, 5 % two-sided."""
    table = {1: 12.706, 2: 4.303, 10: 2.228, 20: 2.086, 30: 2.042, 60: 2.000, 120: 1.980}
    for freedom, value in table.items():
        assert student(freedom) == pytest.approx(value, abs=5.1e-4)


@given(st.integers(1, 5000))
def test_students_quantile_is_scipys_within_the_error_it_states(freedom: int) -> None:
    error = 1.3e-3 if freedom < 6 else 4.5e-5 if freedom < 30 else 1.6e-8
    assert student(freedom) == pytest.approx(special.stdtrit(freedom, 0.975), rel=error)


@given(st.integers(1, 40), st.integers(0, 40), st.data())
def test_ends_are_those_of_the_quantiles_of_scipy(
    groups: int, more: int, data: st.DataObject
) -> None:
    """The same interval with exact quantiles: at most 1e-3 apart, from 31 clusters on 1e-8."""
    kin = [*range(groups), *(data.draw(st.integers(0, groups - 1)) for _ in range(more))]
    hits = data.draw(st.lists(st.booleans(), min_size=len(kin), max_size=len(kin)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "corpus.evaluate.intervals.student", lambda freedom: special.stdtrit(freedom, 0.975)
        )
        exact = clustered(hits, kin)
    assert clustered(hits, kin) == pytest.approx(exact, abs=1e-3 if groups < 31 else 1e-8)


@given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_ends_are_where_the_share_is_1_96_deviations_away(trial: tuple[int, int]) -> None:
    successes, total = trial
    low, high = wilson(successes / total, total)
    assert 0 <= low <= successes / total <= high <= 1
    for end in (low, high):
        if 0 < end < 1:
            assert abs(successes / total - end) == pytest.approx(
                Z * math.sqrt(end * (1 - end) / total), rel=1e-6
            )
    assert wilson((total - successes) / total, total) == pytest.approx((1 - high, 1 - low))


def test_nonsense_is_refused() -> None:
    for wrong in ((2.0, 1), (-1.0, 1), (0.5, 0)):
        with pytest.raises(ValueError, match="not a proportion"):
            wilson(*wrong)


def test_where_nothing_is_alike_it_is_wilsons() -> None:
    hits = [True] * 15 + [False] * 35
    assert clustered(hits, range(50)) == pytest.approx(wilson(15 / 50, 50))
    assert clustered([], []) is None


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(2, 9))
def test_copies_of_a_problem_say_no_more_than_one(hits: list[bool], copies: int) -> None:
    once = clustered(hits, range(len(hits)))
    assert clustered(hits * copies, list(range(len(hits))) * copies) == pytest.approx(once)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=40))
def test_it_is_never_narrower_than_that_of_independent_problems(
    problems: list[tuple[bool, int]],
) -> None:
    hits, kin = [hit for hit, _ in problems], [group for _, group in problems]
    low, high = clustered(hits, kin) or (0.0, 0.0)
    alone = wilson(sum(hits) / len(hits), len(hits))
    assert low <= alone[0] + 1e-12
    assert high >= alone[1] - 1e-12


def test_one_mistake_among_few_kin_makes_nothing_surer() -> None:
    """All right in one wording is one trial; so are all but one."""
    right = clustered([True] * 28, ["a"] * 28) or (1.0, 1.0)
    nearly = clustered([True] * 27 + [False], ["a"] * 28) or (1.0, 1.0)
    assert right == pytest.approx(wilson(1, 1))
    assert nearly[0] < right[0]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 36])
def test_it_holds_the_truth_with_few_kin_as_well(count: int) -> None:
    draws, held = random.Random(7), 0
    for _ in range(600):
        rates = [draws.betavariate(0.5, 0.5) for _ in range(count)]
        kin = [group for group in range(count) for _ in range(12)]
        low, high = clustered([draws.random() < rates[group] for group in kin], kin) or (0.0, 0.0)
        held += low <= 0.5 <= high
    assert held / 600 > 0.92


def test_it_holds_the_truth_as_often_as_it_says_where_wilsons_does_not() -> None:
    """120 wordings, each with 1, 2, 4 or 8 problems that are right together nine times of ten."""
    draws, truth, held, alone = random.Random(5), 0.6, 0, 0
    for _ in range(1000):
        hits, kin = [], []
        for group in range(120):
            is_right = draws.random() < truth
            for _ in range((1, 2, 4, 8)[group % 4]):
                hits.append(is_right if draws.random() < 0.9 else draws.random() < truth)
                kin.append(group)
        low, high = clustered(hits, kin) or (0.0, 0.0)
        held += low <= truth <= high
        low, high = wilson(sum(hits) / len(hits), len(hits))
        alone += low <= truth <= high
    assert held / 1000 == pytest.approx(0.95, abs=0.025)
    assert alone / 1000 < 0.8
