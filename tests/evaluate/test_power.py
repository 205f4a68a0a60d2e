"""The detectable difference: by simulation, against scipy, and the known pilot."""

import math

import numpy as np
import pytest
from scipy import stats

from corpus.evaluate.dunnett import critical_value
from corpus.evaluate.power import (
    detectable,
    detectable_sequentially,
    dunnett_power,
    expected_scatter,
)
from corpus.evaluate.verdict import verdicts


def test_the_scatter_goes_through_both_pilots() -> None:
    assert expected_scatter(250_000) == pytest.approx(0.024)
    assert expected_scatter(1_000_000) == pytest.approx(0.011)
    assert expected_scatter(500_000) == pytest.approx(math.sqrt(0.024 * 0.011))
    with pytest.raises(ValueError, match="0 tokens"):
        expected_scatter(0)


def test_the_pilot_of_seven_orders() -> None:
    assert detectable(5, 7, 0.011) == pytest.approx(0.018, abs=5e-4)


@pytest.mark.parametrize(("seeds", "orders", "effect"), [(2, 1, 4.0), (5, 7, 1.6), (10, 3, 0.5)])
def test_the_power_is_that_of_the_noncentral_f(seeds: int, orders: int, effect: float) -> None:
    freedom = (seeds - 1) * orders
    # Its square is a noncentral F; `stats.nct` is only good to 6e-5 here.
    law = stats.ncf(1, freedom, effect**2 * seeds)
    expected = law.sf(critical_value(orders, freedom) ** 2)
    assert dunnett_power(effect, seeds, orders) == pytest.approx(expected, abs=1e-6)


def test_four_in_five_studies_find_the_detectable_difference() -> None:
    chance = np.random.default_rng(6)
    difference = detectable(5, 3, 0.011)
    losses = chance.normal(0, 0.011 / math.sqrt(2), (4000, 5, 4))
    losses[:, :, 2] += difference
    rest = losses - losses.mean(2, keepdims=True) - losses.mean(1, keepdims=True)
    rest += losses.mean((1, 2), keepdims=True)
    error = np.sqrt(2 * np.square(rest).sum((1, 2)) / 12 / 5)
    t = (losses[:, :, 2] - losses[:, :, 0]).mean(1) / error
    assert (np.abs(t) > critical_value(3, 12)).mean() == pytest.approx(0.8, abs=0.02)


def test_the_detectable_difference_falls_with_seeds_and_grows_with_orders() -> None:
    found = [detectable(seeds, 7, 0.011) for seeds in range(1, 12)]
    assert found[0] == math.inf
    assert found == sorted(found, reverse=True)
    assert detectable(5, 3, 0.011) < detectable(5, 7, 0.011) < detectable(5, 20, 0.011)
    assert detectable(5, 7, 0.022) == pytest.approx(2 * detectable(5, 7, 0.011))
    assert detectable(5, 7, 0.011, power=0.9) > detectable(5, 7, 0.011)


def test_the_sequential_rule_finds_its_difference_in_four_of_five_studies() -> None:
    """By `verdicts` itself, on other draws than those of the function."""
    difference = detectable_sequentially(8, 2, 0.011)
    found = 0
    for values in np.random.default_rng(7).normal(-difference, 0.011, (250, 8)).tolist():
        looks = (verdicts({"order": values[:n], "other": []}) for n in range(5, 9))
        found += any(look["order"].claim == "better" for look in looks)
    assert found / 250 == pytest.approx(0.8, abs=0.06)


def test_looking_at_any_time_has_a_price() -> None:
    found = [detectable_sequentially(each, 7, 0.011) for each in (4, 5, 7, 10, 20)]
    assert found[0] == math.inf
    assert found == sorted(found, reverse=True)
    assert found[3] > detectable(10, 7, 0.011)


@pytest.mark.parametrize(
    ("seeds", "once", "at_any_time"),
    [(5, 0.018, 0.064), (7, 0.015, 0.035), (10, 0.012, 0.023), (20, 0.009, 0.013)],
)
def test_the_table_of_the_documentation(seeds: int, once: float, at_any_time: float) -> None:
    assert round(detectable(seeds, 7, 0.011), 3) == once
    assert round(detectable_sequentially(seeds, 7, 0.011), 3) == at_any_time
