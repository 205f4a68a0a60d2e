"""e-values and confidence sequences: by brute-force integration, by their definitions, by
simulation."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from corpus.evaluate.anytime import (
    SCALE,
    UNBOUNDED,
    confidence_sequence,
    e_bh,
    e_by,
    e_value,
    log_e,
    radius,
)

NUMBERS = st.floats(-10, 10).map(lambda value: round(value, 6))
DIFFERENCES = st.lists(NUMBERS, min_size=2, max_size=12)


@pytest.mark.parametrize(
    ("count", "freedom"), [(2, 1), (3, 2), (5, 4), (10, 9), (30, 29), (5, 28), (2, 7)]
)
@pytest.mark.parametrize("t", [0.0, 0.7, 2.5, 6.0])
def test_it_is_the_ratio_of_t_densities_mixed_over_a_cauchy_effect(
    count: int, freedom: int, t: float
) -> None:
    """Rouder et al. 2009: noncentral t under the alternative, central t under the null."""

    def mixed(effect: float) -> float:
        density = stats.nct.pdf(t, freedom, effect * math.sqrt(count))
        return float(density) * float(stats.cauchy.pdf(effect, 0, SCALE))

    numerator = integrate.quad(mixed, -25, 25, points=[0, t / math.sqrt(count)], limit=200)[0]
    expected = math.log(numerator / stats.t.pdf(t, freedom))
    assert float(log_e(t, count, freedom)) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("t", "count"), [(1.5, 2), (4.0, 6), (50.0, 5)])
def test_it_is_the_closed_form_mixed_over_an_inverse_gamma_variance(t: float, count: int) -> None:
    def normal_mixture(log_g: float) -> float:
        growth = 1 + count * math.exp(log_g)
        square = t * t / (count - 1)
        ratio = (1 + square) / (1 + square / growth)
        weight = stats.invgamma.pdf(math.exp(log_g), 0.5, scale=SCALE**2 / 2) * math.exp(log_g)
        return float(growth**-0.5 * ratio ** (count / 2) * weight)

    expected = integrate.quad(normal_mixture, -8, 60, limit=400, epsrel=1e-11)[0]
    assert float(log_e(t, count)) == pytest.approx(math.log(expected), abs=1e-9)


def test_its_expectation_is_1_for_a_true_null() -> None:
    """Over the t distribution itself, not a sample of it."""
    for count, freedom in ((3, 2), (5, 4), (10, 9), (5, 28)):

        def weighted(log_t: float, count: int = count, freedom: int = freedom) -> float:
            t = math.exp(log_t)
            evidence = math.exp(float(log_e(t, count, freedom)))
            return 2 * t * float(stats.t.pdf(t, freedom)) * evidence

        expected = integrate.quad(weighted, -12, 27, limit=300)[0]
        # What is left out lies at effects above e^27 or so.
        assert expected == pytest.approx(1, abs=2e-4)


@settings(max_examples=50)
@given(DIFFERENCES, NUMBERS, st.sampled_from([0.5, 0.05, 0.05 / 7]))
def test_the_interval_has_the_means_with_little_evidence_against_them(
    differences: list[float], mean: float, alpha: float
) -> None:
    low, high = confidence_sequence(differences, alpha)
    evidence = e_value(differences, mean)
    assume(abs(evidence * alpha - 1) > 1e-6)
    assert (low <= mean <= high) == (evidence < 1 / alpha)


@settings(max_examples=50)
@given(DIFFERENCES, st.floats(0.01, 100), NUMBERS)
def test_it_ignores_the_unit_the_sign_and_the_order(
    differences: list[float], factor: float, mean: float
) -> None:
    expected = e_value(differences, mean)
    scaled = [-factor * each for each in reversed(differences)]
    assert e_value(scaled, -factor * mean) == pytest.approx(expected, rel=1e-6)


def test_one_difference_says_nothing() -> None:
    for values in ([], [0.0], [0.3]):
        assert e_value(values) == 1
        assert confidence_sequence(values, 0.05) == UNBOUNDED


def test_the_same_runs_have_no_evidence_and_a_difference_of_0() -> None:
    assert e_value([0.0] * 6) == 1
    assert e_value([0.0] * 6, 0.01) == math.inf
    assert confidence_sequence([0.0] * 6, 0.05) == (0, 0)


@pytest.mark.parametrize("values", [[0.1] * 6, [0.1 + 0.2, 0.3, 0.3], [-1e-300] * 2])
def test_equal_differences_leave_the_scale_unknown(values: list[float]) -> None:
    assert e_value(values) == 1
    assert confidence_sequence(values, 0.05) == UNBOUNDED


def test_huge_evidence_does_not_overflow() -> None:
    assert e_value(list(1 + np.arange(200) * 1e-11)) == math.inf
    assert 1e3 < e_value([1.0, 1.001, 1.002, 1.001, 1.0, 1.0]) < math.inf


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_run_that_diverged_is_named(wrong: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        e_value([0.1, wrong])
    with pytest.raises(ValueError, match="alpha"):
        confidence_sequence([0.1, 0.2], 1.0)


def test_more_differences_need_a_smaller_t() -> None:
    bounds = [radius(count, 0.05) for count in range(1, 31)]
    assert bounds[0] == math.inf
    assert bounds == sorted(bounds, reverse=True)
    assert all(bound > stats.t.ppf(0.975, n) for n, bound in enumerate(bounds[1:], 1))


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1000), min_size=1, max_size=9), st.floats(0.01, 0.9))
def test_e_bh_is_its_definition(e_values: list[float], alpha: float) -> None:
    """Every set is tried: the largest whose members all reach K/(alpha·size)."""
    total, best = len(e_values), 0
    for size in range(1, total + 1):
        if sum(size * each >= total / alpha for each in e_values) >= size:
            best = size
    chosen = e_bh(e_values, alpha)
    assert sum(chosen) >= best
    assert all(best * each >= total / alpha for each, is_in in zip(e_values, chosen) if is_in)
    assert all(best * each < total / alpha for each, is_in in zip(e_values, chosen) if not is_in)


@settings(max_examples=50)
@given(st.lists(DIFFERENCES, min_size=1, max_size=5))
def test_the_interval_of_a_selected_mean_has_one_sign(lists: list[list[float]]) -> None:
    selected = e_bh([e_value(each) for each in lists], 0.2)
    for is_in, interval in zip(selected, e_by(lists, selected, 0.2)):
        assert (interval is None) == (not is_in)
        if interval is not None:
            assert interval[0] > -1e-9 or interval[1] < 1e-9


def test_the_level_after_selection_is_the_selected_share() -> None:
    lists = [[1.0, 1.1, 0.9, 1.2], [0.1, -0.1, 0.2, 0.0], [2.0, 2.1, 1.8, 2.2], [5.0]]
    found = e_by(lists, [True, False, True, False], 0.1)
    assert found == [
        confidence_sequence(lists[0], 0.05),
        None,
        confidence_sequence(lists[2], 0.05),
        None,
    ]


def test_the_intervals_have_the_mean_at_all_looks() -> None:
    """600 studies of 12 seeds, looked at after every seed: at most alpha ever miss it."""
    alpha, counts = 0.1, np.arange(2, 13)
    values = np.random.default_rng(1).standard_normal((600, 12)) * 3 + 5
    sums, squares = (np.cumsum((values - 5) ** k, 1)[:, 1:] for k in (1, 2))
    means = sums / counts
    errors = np.sqrt((squares / counts - means**2) / (counts - 1))
    missed = (np.abs(means) > errors * [radius(int(n), alpha) for n in counts]).any(1).mean()
    naive = (np.abs(means) > errors * stats.t.ppf(1 - alpha / 2, counts - 1)).any(1).mean()
    assert 0.01 < missed < alpha
    assert naive > 2 * alpha
