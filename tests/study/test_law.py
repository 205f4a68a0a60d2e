"""The law of a loss: coefficients and optima that are known, and what it says with few runs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.study.law import (
    FLOORS,
    Law,
    best_shares,
    between,
    fit,
    fit_law,
    has_floor,
    rank_correlation,
    within,
)


def _mixtures(number: int, sources: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(sources), number)


@pytest.mark.parametrize("seed", range(6))
def test_coefficients_are_recovered_from_losses_without_noise(seed: int) -> None:
    chance, shares = np.random.default_rng(seed), _mixtures(16, 5, seed)
    slopes, floor = chance.normal(0.3, 1, 5), float(chance.uniform(1, 3))
    found = fit(shares, floor + np.exp(shares @ slopes))
    assert found.law.floor == pytest.approx(floor, abs=1e-4)
    assert found.law.slopes == pytest.approx(slopes, abs=1e-3)
    assert found.error < 1e-2 * found.naive_error
    assert found.rank_correlation == pytest.approx(1)


def test_it_predicts_losses_that_have_no_law_of_this_form() -> None:
    shares = _mixtures(40, 4)
    losses = 3 + 0.2 * (shares[:, 0] + 0.05) ** -0.3 + 0.1 * shares[:, 1]
    found = fit(shares[:20], losses[:20])
    assert np.sqrt(np.mean((found.law(shares[20:]) - losses[20:]) ** 2)) < 0.3 * losses.std()


def test_the_closed_form_leaves_one_out_as_fitting_again_does() -> None:
    from corpus.study.law import _fit_given

    shares = _mixtures(9, 3)
    losses = 2 + np.exp(shares @ [0.1, 0.9, -0.4]) + np.random.default_rng(1).normal(0, 0.02, 9)
    for floor in FLOORS[:3]:
        _, errors = _fit_given(shares, losses, floor, np.zeros(1))
        target, weight = np.log(losses - floor), losses - floor
        wrong = []
        for left in range(9):
            rest = np.arange(9) != left
            slopes, *_ = np.linalg.lstsq(
                shares[rest] * weight[rest, None], target[rest] * weight[rest], rcond=None
            )
            wrong.append(floor + np.exp(shares[left] @ slopes) - losses[left])
        assert errors[0] == pytest.approx(np.sqrt(np.mean(np.square(wrong))))


@pytest.mark.parametrize("number", [4, 5, 6, 7, 8])
def test_few_mixtures_have_no_floor_and_are_shrunk(number: int) -> None:
    shares = _mixtures(number, 6)
    losses = 2 + np.exp(shares @ np.linspace(-1, 1, 6))
    found = fit(shares, losses)
    assert not has_floor(number, 6)
    assert found.law.floor == 0
    assert found.law.penalty > 0 or number > 6
    assert np.all(np.isfinite(found.predicted))
    assert np.all(np.isfinite(found.law.slopes))


def test_equal_mixtures_count_once() -> None:
    shares = np.repeat(_mixtures(3, 4), 4, axis=0)
    law = fit_law(shares, 3 + 0.1 * np.arange(12.0))
    assert law.floor == 0
    assert law.penalty > 0


def test_losses_that_do_not_vary_are_a_flat_law() -> None:
    shares = _mixtures(8, 3)
    found = fit(shares, np.full(8, 4.0))
    assert found.law(shares) == pytest.approx(4.0)
    assert found.error == pytest.approx(0, abs=1e-12)
    assert np.isnan(found.rank_correlation)
    with pytest.raises(ValueError, match="three mixtures"):
        fit(shares[:2], np.ones(2))


def test_rank_correlation_is_of_ranks() -> None:
    first = np.array([1.0, 2.0, 3.0, 4.0])
    assert rank_correlation(first, np.exp(first)) == pytest.approx(1)
    assert rank_correlation(first, -(first**3)) == pytest.approx(-1)


def test_the_optimum_of_a_known_function_is_found() -> None:
    """Two sources that help themselves alone: the minimum is where their gains are equal."""
    laws = [
        Law(floor=1.0, slopes=np.array([-2.0, 0.0, 0.5]), penalty=0.0),
        Law(floor=2.0, slopes=np.array([0.0, -2.0, 0.5]), penalty=0.0),
    ]
    start = np.full((1, 3), 1 / 3)
    even = best_shares(laws, np.ones(2), np.ones(3), start)
    assert even == pytest.approx([0.5, 0.5, 0.0], abs=1e-5)
    # exp(-2 p) weighs 3 times as much: 3 exp(-2 p) = exp(-2 (1 - p))
    uneven = best_shares(laws, np.array([3.0, 1.0]), np.ones(3), start)
    assert uneven == pytest.approx([0.5 + np.log(3) / 4, 0.5 - np.log(3) / 4, 0.0], abs=1e-5)
    bound = best_shares(laws, np.ones(2), np.array([0.3, 0.4, 1.0]), np.array([[0.2, 0.2, 0.6]]))
    assert bound == pytest.approx([0.3, 0.4, 0.3], abs=1e-6)
    least = np.array([0.1, 0.1, 0.4])
    kept = best_shares(laws, np.ones(2), np.ones(3), np.array([[0.2, 0.2, 0.6]]), least)
    assert kept == pytest.approx([0.3, 0.3, 0.4], abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), sources=st.integers(2, 6))
def test_no_mixture_is_better_than_the_optimum(seed: int, sources: int) -> None:
    chance = np.random.default_rng(seed)
    laws = [
        Law(floor=1.0, slopes=chance.normal(0, 2, sources), penalty=0.0) for _ in range(sources)
    ]
    weights, most = chance.uniform(0.1, 1, sources), chance.uniform(1 / sources, 1, sources)
    start = within(np.full(sources, 1.0), most)
    found = best_shares(laws, weights, most, start[None])
    assert found.sum() == pytest.approx(1)
    assert np.all(found <= most + 1e-12)
    assert np.all(found >= 0)
    others = np.array([within(each, most) for each in chance.dirichlet(np.ones(sources), 300)])
    value = weights @ np.array([law(found) for law in laws])
    assert value <= (weights @ np.array([law(others) for law in laws])).min() + 1e-7


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), sources=st.integers(2, 7))
def test_shares_are_kept_within_what_there_is(seed: int, sources: int) -> None:
    chance = np.random.default_rng(seed)
    most = chance.dirichlet(np.ones(sources)) * chance.uniform(1, 3)
    found = within(chance.dirichlet(np.full(sources, 0.3)), most)
    assert found.sum() == pytest.approx(1)
    assert np.all(found <= most + 1e-12)
    least = found * chance.uniform(0, 1, sources)
    both = between(chance.dirichlet(np.full(sources, 0.3)), least, most)
    assert both.sum() == pytest.approx(1)
    assert np.all(both <= most + 1e-12)
    assert np.all(both >= least - 1e-12)
    assert between(found, found, most) == pytest.approx(found)
    assert within(np.full(sources, 1 / sources), np.ones(sources)) == pytest.approx(1 / sources)
    with pytest.raises(ValueError, match="below 1"):
        within(found, most * 0.9 / most.sum())
