"""The scaling law: it finds the constants of its runs, with intervals, and discounts repeats."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.plan import law as module
from corpus.plan.law import OFTEN, REUSE, Law, Point, worth

E, A, B, ALPHA, BETA = 1.7, 420.0, 380.0, 0.33, 0.29


def _true(parameters: float, tokens: float) -> float:
    return E + A / parameters**ALPHA + B / tokens**BETA


def _points(*, noise: float = 0.0, count: int = 12, seed: int = 0) -> list[Point]:
    random = np.random.default_rng(seed)
    sizes = np.exp(random.uniform(math.log(1e7), math.log(1e9), count))
    tokens = np.exp(random.uniform(math.log(1e8), math.log(3e10), count))
    losses = [
        _true(n, d) * math.exp(noise * random.standard_normal()) for n, d in zip(sizes, tokens)
    ]
    return [Point(parameters=n, tokens=d, loss=loss) for n, d, loss in zip(sizes, tokens, losses)]


def test_exact_runs_of_a_known_law_are_followed_ten_times_further_out() -> None:
    law = Law(_points())
    for parameters, tokens in [(3e7, 1e9), (1e9, 2e10), (7e9, 1e11)]:
        assert law.predict(parameters, tokens).loss == pytest.approx(
            _true(parameters, tokens), rel=0.02
        )


def test_the_interval_holds_what_happens_about_as_often_as_it_says() -> None:
    """95 % intervals, two hundred times: noisy runs, and one ten times larger than any of them."""
    inside = 0
    for seed in range(200):
        found = Law(_points(noise=0.02, seed=seed)).predict(3e9, 2e11)
        happened = _true(3e9, 2e11) * math.exp(
            0.02 * np.random.default_rng(1000 + seed).standard_normal()
        )
        inside += found.low <= happened <= found.high
    assert inside >= 180


@pytest.mark.parametrize("noise", [0.02, 0.06])
def test_five_small_runs_know_how_little_they_know(noise: float) -> None:
    """As few as a plan has, close together and with more scatter than assumed.

    The intervals are still not too narrow.
    """
    inside, parameters, tokens = 0, 2.4e6, 1e7
    for seed in range(200):
        random = np.random.default_rng(seed)
        runs = [(4e5, 6e5), (7e5, 5e5), (1.3e6, 3.5e5), (4e5, 2e5), (7e5, 1.7e5)]
        points = [
            Point(
                parameters=n,
                tokens=d,
                loss=_true(n, d) * math.exp(noise * random.standard_normal()),
            )
            for n, d in runs
        ]
        found = Law(points).predict(parameters, tokens)
        inside += (
            found.low
            <= _true(parameters, tokens) * math.exp(noise * random.standard_normal())
            <= found.high
        )
    assert inside >= 170


def test_constants_that_moved_far_are_not_scatter() -> None:
    """Other exponents than the prior's: the interval is as narrow as with the prior's."""
    runs = [(4e5, 6e5), (7e5, 5e5), (1.3e6, 3.5e5), (4e5, 2e5), (7e5, 1.7e5)]
    far = Law(
        [Point(parameters=n, tokens=d, loss=0.2 + 3 / n**0.05 + 14 / d**0.06) for n, d in runs]
    ).predict(7e5, 8e6)
    near = Law([Point(parameters=n, tokens=d, loss=_true(n, d)) for n, d in runs]).predict(7e5, 8e6)
    assert math.log(far.high / far.low) < 1.2 * math.log(near.high / near.low)


def _plain_cost(constants: list[float], points: list[Point]) -> float:
    """The sum of squares by its definition, at E, the two terms where the runs lie, α and β."""
    e, by_size, by_tokens, alpha, beta = constants
    size = math.exp(sum(math.log(point.parameters) for point in points) / len(points))
    tokens = math.exp(sum(math.log(point.tokens) for point in points) / len(points))
    typical = math.exp(sum(math.log(point.loss) for point in points) / len(points))
    term = max(typical - module.IRREDUCIBLE, 0.1 * typical) / 2
    distances = [
        math.log(e / module.IRREDUCIBLE) / module.IRREDUCIBLE_SPREAD,
        math.log(by_size / term) / module.TERM_SPREAD,
        math.log(by_tokens / term) / module.TERM_SPREAD,
        (alpha - module.EXPONENTS[0]) / module.EXPONENT_SPREAD,
        (beta - module.EXPONENTS[1]) / module.EXPONENT_SPREAD,
    ]
    for point in points:
        loss = e + by_size * (size / point.parameters) ** alpha
        loss += by_tokens * (tokens / point.tokens) ** beta
        distances.append(math.log(loss / point.loss) / module.SCATTER)
    return sum(distance**2 for distance in distances)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.06])
@pytest.mark.parametrize("count", [1, 2, 4, 12])
def test_the_fit_is_where_the_sum_of_squares_is_least(noise: float, count: int) -> None:
    """By differences of the plain sum: its slope is zero there and it rises on either side."""
    for seed in range(20):
        points = _points(noise=noise, count=count, seed=seed)
        found = Law(points).constants
        size = math.exp(sum(math.log(point.parameters) for point in points) / count)
        tokens = math.exp(sum(math.log(point.tokens) for point in points) / count)
        best = [
            found["E"],
            found["A"] / size ** found["alpha"],
            found["B"] / tokens ** found["beta"],
            found["alpha"],
            found["beta"],
        ]
        least = _plain_cost(best, points)
        for place in range(5):
            low, high = (
                _plain_cost([*best[:place], best[place] * by, *best[place + 1 :]], points)
                for by in (1 - 1e-4, 1 + 1e-4)
            )
            assert low > least
            assert high > least
            # The minimum along this constant, in its own standard deviations.
            curvature = low + high - 2 * least
            assert abs(high - low) / (4 * math.sqrt(curvature / 2)) < 1e-5


def test_further_from_its_runs_a_law_is_less_sure() -> None:
    law = Law(_points(count=4))
    widths = [(p := law.predict(1e8, tokens)).high / p.low for tokens in (1e9, 1e7, 1e5)]
    assert widths == sorted(widths)


def test_one_run_is_enough_to_begin_with() -> None:
    law = Law([Point(parameters=1e6, tokens=1e6, loss=5.0)])
    assert law.predict(1e6, 1e6).loss == pytest.approx(5.0, rel=0.03)
    assert law.predict(1e6, 1e7).loss < law.predict(1e6, 1e6).loss


def test_a_law_needs_a_run() -> None:
    with pytest.raises(ValueError, match="at least one run"):
        Law([])


@given(st.floats(1e3, 1e9), st.floats(1, 1e4))
def test_reading_again_is_worth_less_than_new_text_and_never_less_than_nothing(
    unique: float, epochs: float
) -> None:
    found = worth(unique * epochs, unique)
    assert unique <= found * (1 + 1e-9)
    assert found <= unique * min(epochs, 1 + REUSE) * (1 + 1e-9)


def test_text_read_four_times_is_nearly_as_good_as_new() -> None:
    assert worth(OFTEN * 1e6, 1e6) > 0.9 * OFTEN * 1e6
    assert worth(1e6, 2e6) == 1e6
