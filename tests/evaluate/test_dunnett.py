"""Dunnett's test, against scipy and statsmodels, and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from corpus.evaluate.dunnett import analyse, critical_value, p_value, pooled_error

LOSSES = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).normal(5, 0.1, (4, 3))
)


def _named(table: np.ndarray) -> dict[str, dict[int, float]]:
    names = ["shuffled", *(f"order {at}" for at in range(1, table.shape[1]))]
    return {name: dict(enumerate(column)) for name, column in zip(names, table.T.tolist())}


def test_critical_values_are_those_of_the_tables() -> None:
    """Dunnett 1964, table II: two-sided, 5 % and 1 %."""
    table = {(2, 5): 3.03, (9, 5): 3.97, (2, 20): 2.38, (9, 20): 2.95}
    for (orders, freedom), value in table.items():
        assert critical_value(orders, freedom) == pytest.approx(value, abs=5.1e-3)
    assert critical_value(2, math.inf) == pytest.approx(2.21, abs=5.1e-3)
    assert critical_value(2, 20, 0.01) == pytest.approx(3.13, abs=5.1e-3)


@pytest.mark.parametrize("freedom", [1, 2.5, 28, 1e4])
def test_one_order_is_students_t(freedom: float) -> None:
    assert critical_value(1, freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-9)
    for t in (0.0, 0.3, -4.0, 9.0):
        assert p_value(t, 1, freedom) == pytest.approx(2 * stats.t.sf(abs(t), freedom), rel=1e-6)


@pytest.mark.parametrize(("orders", "freedom"), [(2, 4), (7, 28), (5, 1)])
def test_the_p_value_is_the_mass_of_the_multivariate_t(orders: int, freedom: int) -> None:
    shape = np.eye(orders) / 2 + 0.5
    law = stats.multivariate_t(shape=shape, df=freedom, seed=0)
    for t in (1.0, 2.5):
        inside = law.cdf(np.full(orders, t), lower_limit=np.full(orders, -t), maxpts=60_000)
        assert p_value(t, orders, freedom) == pytest.approx(1 - inside, abs=1e-4)


def test_it_is_scipys_dunnett_on_equal_groups() -> None:
    """A one-way layout has other degrees of freedom; the function takes any."""
    chance = np.random.default_rng(3)
    control, *groups = chance.normal([[0.0], [0.3], [1.0], [-0.6]], 1, (4, 6))
    expected = stats.dunnett(*groups, control=control, rng=chance)
    pooled = math.sqrt(np.mean([np.var(each, ddof=1) for each in (control, *groups)]))
    for group, p in zip(groups, expected.pvalue):
        t = (group.mean() - control.mean()) / (pooled * math.sqrt(2 / 6))
        assert p_value(t, 3, 20) == pytest.approx(p, abs=1e-3)
    interval = expected.confidence_interval(0.95)
    half = critical_value(3, 20) * pooled * math.sqrt(2 / 6)
    np.testing.assert_allclose((interval.high - interval.low) / 2, half, rtol=2e-3)


@settings(max_examples=12)
@given(LOSSES)
def test_the_pooled_error_is_that_of_a_two_way_anova(losses: np.ndarray) -> None:
    from statsmodels.api import OLS

    seeds, orders = losses.shape
    rows, columns = (each.ravel() for each in np.indices(losses.shape))
    design = np.column_stack(
        [np.ones(losses.size)]
        + [rows == each for each in range(1, seeds)]
        + [columns == each for each in range(1, orders)]
    ).astype(float)
    fitted = OLS(losses.ravel(), design).fit()
    variance, freedom = pooled_error(losses)
    assert freedom == fitted.df_resid
    assert variance == pytest.approx(fitted.mse_resid, rel=1e-8)
    found = analyse(_named(losses))
    assert found is not None
    for at, each in enumerate(found.contrasts.values()):
        column = seeds + at
        assert each.difference == pytest.approx(fitted.params[column], abs=1e-10)
        expected = p_value(fitted.tvalues[column], orders - 1, freedom)
        assert each.p_value == pytest.approx(expected, abs=1e-9)
        assert (each.p_value < 0.05) == (not each.interval[0] <= 0 <= each.interval[1])


def test_only_complete_blocks_are_used() -> None:
    losses = _named(np.random.default_rng(0).normal(5, 0.1, (5, 3)))
    whole = analyse({name: {seed: own[seed] for seed in (0, 1, 4)} for name, own in losses.items()})
    del losses["order 1"][2], losses["shuffled"][3]
    found = analyse(losses)
    assert found == whole
    assert found is not None
    assert found.seeds == (0, 1, 4)
    assert analyse({**losses, "planned": {}}) is None


def test_losses_without_error_make_no_claim() -> None:
    found = analyse({"shuffled": {0: 5.0, 1: 5.5}, "order": {0: 4.9, 1: 5.4}})
    assert found is not None
    assert found.contrasts["order"].interval == (-math.inf, math.inf)
    assert found.contrasts["order"].p_value == 1


def test_a_study_needs_an_order_and_numbers() -> None:
    with pytest.raises(ValueError, match="no order"):
        analyse({"shuffled": {0: 5.0, 1: 5.0}})
    with pytest.raises(ValueError, match="finite"):
        analyse({"shuffled": {0: 5.0, 1: math.nan}, "order": {0: 5.0, 1: 5.0}})


def test_all_intervals_together_have_their_differences_in_95_percent_of_studies() -> None:
    chance = np.random.default_rng(2)
    effects = np.array([0.0, -0.02, 0.0, 0.01])
    tables = chance.normal(0, 0.01, (200, 5, 4)) + chance.normal(5, 0.1, (200, 5, 1)) + effects
    covered = 0
    for table in tables:
        found = analyse(_named(table))
        assert found is not None
        intervals = [each.interval for each in found.contrasts.values()]
        covered += all(low <= e <= high for (low, high), e in zip(intervals, effects[1:]))
    assert covered / len(tables) == pytest.approx(0.95, abs=0.045)
