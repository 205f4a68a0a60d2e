"""e-values and confidence sequences: by brute-force integration, by their definitions, by
simulation."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from corpus.evaluate.anytime import SCALE, UNBOUNDED, e_bh, log_e, radius, sample

NUMBERS = st.floats(-10, 10).map(lambda value: round(value, 6))
DIFFERENCES = st.lists(NUMBERS, min_size=2, max_size=12)


@pytest.mark.parametrize("count", [2, 3, 5, 10, 30])
@pytest.mark.parametrize("t", [0.0, 0.7, 2.5, 6.0])
def test_it_is_the_ratio_of_t_densities_mixed_over_a_cauchy_effect(count: int, t: float) -> None:
    """Rouder et al. 2009: noncentral t under the alternative, central t under the null."""
    freedom = count - 1

    def mixed(effect: float) -> float:
        density = stats.nct.pdf(t, freedom, effect * math.sqrt(count))
        return float(density) * float(stats.cauchy.pdf(effect, 0, SCALE))

    numerator = integrate.quad(mixed, -25, 25, points=[0, t / math.sqrt(count)], limit=200)[0]
    expected = math.log(numerator / stats.t.pdf(t, freedom))
    assert float(log_e(t, count)) == pytest.approx(expected, abs=1e-8)


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
    for count in (3, 5, 10):

        def weighted(log_t: float, count: int = count) -> float:
            t = math.exp(log_t)
            evidence = math.exp(float(log_e(t, count)))
            return 2 * t * float(stats.t.pdf(t, count - 1)) * evidence

        expected = integrate.quad(weighted, -12, 27, limit=300)[0]
        # What is left out lies at effects above e^27 or so.
        assert expected == pytest.approx(1, abs=2e-4)


@settings(max_examples=50)
@given(DIFFERENCES, NUMBERS, st.sampled_from([0.5, 0.05, 0.05 / 7]))
def test_the_interval_has_the_means_with_little_evidence_against_them(
    differences: list[float], mean: float, alpha: float
) -> None:
    low, high = sample(differences).interval(alpha)
    evidence = sample(differences).e_value(mean)
    assume(abs(evidence * alpha - 1) > 1e-6)
    assert (low <= mean <= high) == (evidence < 1 / alpha)


@settings(max_examples=50)
@given(DIFFERENCES, st.floats(0.01, 100), NUMBERS)
def test_it_ignores_the_unit_the_sign_and_the_order(
    differences: list[float], factor: float, mean: float
) -> None:
    expected = sample(differences).e_value(mean)
    scaled = [-factor * each for each in reversed(differences)]
    assert sample(scaled).e_value(-factor * mean) == pytest.approx(expected, rel=1e-6)


def test_one_difference_says_nothing() -> None:
    for values in ([], [0.0], [0.3]):
        assert sample(values).e_value() == 1
        assert sample(values).interval(0.05) == UNBOUNDED


def test_the_same_runs_have_no_evidence_and_a_difference_of_0() -> None:
    assert sample([0.0] * 6).e_value() == 1
    assert sample([0.0] * 6).e_value(0.01) == math.inf
    assert sample([0.0] * 6).interval(0.05) == (0, 0)


@pytest.mark.parametrize("values", [[0.1] * 6, [0.1 + 0.2, 0.3, 0.3], [-1e-300] * 2])
def test_equal_differences_leave_the_scale_unknown(values: list[float]) -> None:
    assert sample(values).e_value() == 1
    assert sample(values).interval(0.05) == UNBOUNDED


def test_huge_evidence_does_not_overflow() -> None:
    assert sample(list(1 + np.arange(200) * 1e-11)).e_value() == math.inf
    assert 1e3 < sample([1.0, 1.001, 1.002, 1.001, 1.0, 1.0]).e_value() < math.inf


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_run_that_diverged_is_named(wrong: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        sample([0.1, wrong]).e_value()
    with pytest.raises(ValueError, match="alpha"):
        sample([0.1, 0.2]).interval(1.0)


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
