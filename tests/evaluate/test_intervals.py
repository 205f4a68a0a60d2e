"""The Wilson interval, against its definition and known values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.evaluate.intervals import Z, wilson


def test_known_values() -> None:
    assert wilson(15, 50) == pytest.approx((0.1910, 0.4375), abs=5e-5)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=5e-5)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=5e-5)


def test_z_is_the_95_percent_deviate() -> None:
    assert math.erf(Z / math.sqrt(2)) == pytest.approx(0.95, abs=1e-12)


@given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_ends_are_where_the_share_is_1_96_deviations_away(trial: tuple[int, int]) -> None:
    successes, total = trial
    interval = wilson(successes, total)
    assert interval is not None
    low, high = interval
    assert 0 <= low <= successes / total <= high <= 1
    for end in (low, high):
        if 0 < end < 1:
            assert abs(successes / total - end) == pytest.approx(Z * math.sqrt(end * (1 - end) / total), rel=1e-6)
    assert wilson(total - successes, total) == pytest.approx((1 - high, 1 - low))


def test_nothing_tried_has_no_interval_and_nonsense_is_refused() -> None:
    assert wilson(0, 0) is None
    for wrong in ((2, 1), (-1, 1)):
        with pytest.raises(ValueError, match="no proportion"):
            wilson(*wrong)
