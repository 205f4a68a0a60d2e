"""The variance over seeds and documents: by the textbook, on simulated studies, at its edges."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.evaluate.crossed import crossed_difference


def _study(chance: np.random.Generator, sizes: np.ndarray, seeds: int) -> np.ndarray:
    """Return summed differences [seeds documents]: per-token effects of both, and their noise."""
    per_token = (
        chance.normal(0.02, 0.03, (seeds, 1))
        + chance.normal(0, 0.08, sizes.size)
        + chance.normal(0, 0.06, (seeds, sizes.size))
    )
    return per_token * sizes


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_equal_documents_give_the_mean_squares_of_a_two_way_layout(seed: int) -> None:
    """Documents of one length: the variance components of a balanced layout."""
    table = _study(np.random.default_rng(seed), np.full(9, 50), 4) / 50
    found = crossed_difference(50 * table, np.full(9, 50), ["c4"] * 9)
    rows, columns = table.mean(1), table.mean(0)
    rest = table - rows[:, None] - columns + table.mean()
    squares = (9 * rows.var(ddof=1), 4 * columns.var(ddof=1), (rest**2).sum() / (3 * 8))
    assert found.difference == pytest.approx(table.mean())
    parts = (found.seeds, found.documents, found.interaction)
    assert parts == pytest.approx(tuple(each / 36 for each in squares))
    assert found.variance == max(found.seeds + found.documents - found.interaction, *parts[:2])


def test_one_unit_of_either_kind_leaves_the_interval_unbounded() -> None:
    table = np.random.default_rng(0).normal(size=(3, 4))
    for part, sources in ((table[:1], "aaaa"), (table, "aaab")):
        found = crossed_difference(part, np.full(4, 10), list(sources))
        assert found.interval == (-math.inf, math.inf)
        assert math.isfinite(found.difference)


def test_weights_are_shares_of_the_sources() -> None:
    table = np.array([[1.0, 3.0, 20.0, 40.0], [2.0, 2.0, 10.0, 30.0]])
    tokens, sources = np.array([10, 30, 100, 100]), ["a", "a", "b", "b"]
    plain = crossed_difference(table, tokens, sources)
    assert plain.difference == pytest.approx(table.sum() / 2 / 240)
    halves = crossed_difference(table, tokens, sources, {"a": 2, "b": 2})
    assert halves.difference == pytest.approx((4 / 40 + 50 / 200) / 2)
    only = crossed_difference(table, tokens, sources, {"a": 1, "b": 0})
    assert only == crossed_difference(table[:, :2], tokens[:2], sources[:2])


def test_documents_without_tokens_do_not_count() -> None:
    table = np.random.default_rng(0).normal(size=(3, 5))
    tokens = np.array([10, 20, 0, 15, 10])
    kept = [0, 1, 3, 4]
    expected = crossed_difference(table[:, kept], tokens[kept], ["a"] * 4)
    assert crossed_difference(table, tokens, ["a"] * 5) == expected


@pytest.mark.parametrize("weights", [{"b": 1.0}, {"a": 0.0}, {"a": -1.0}])
def test_weights_that_do_not_fit_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        crossed_difference(np.ones((2, 2)), np.ones(2), ["a", "a"], weights)


def test_other_documents_are_refused() -> None:
    with pytest.raises(ValueError, match="same documents"):
        crossed_difference(np.ones((2, 3)), np.ones(2), ["a", "a"])


def test_the_interval_has_the_difference_in_95_percent_of_studies() -> None:
    """New seeds and new documents of two sources each time; either part alone covers less."""
    chance = np.random.default_rng(4)
    sources, weights = ["a"] * 40 + ["b"] * 25, {"a": 0.3, "b": 0.7}
    found = []
    for _ in range(500):
        sizes = chance.integers(50, 150, 65)
        found.append(crossed_difference(_study(chance, sizes, 5), sizes, sources, weights))
    covered = np.mean([low <= 0.02 <= high for low, high in (each.interval for each in found)])
    assert covered == pytest.approx(0.95, abs=0.03)
    measured = np.var([each.difference for each in found], ddof=1)
    expected = np.mean([each.seeds + each.documents - each.interaction for each in found])
    assert expected == pytest.approx(measured, rel=0.15)
    for part in ("seeds", "documents"):
        assert np.mean([getattr(each, part) for each in found]) < 0.85 * measured
