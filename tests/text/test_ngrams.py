"""Rolling hashes, against the polynomial computed value by value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.text.ngrams import PRIME, RollingHash, mix

VALUES = st.lists(st.integers(0, 2**64 - 1), max_size=40)


def _plain(values: list[int]) -> int:
    found = 0
    for value in values:
        found = (found * int(PRIME) + value) % 2**64
    return found


@given(VALUES, st.integers(1, 45))
def test_ngrams_are_those_of_a_plain_loop(values: list[int], n: int) -> None:
    found = RollingHash(np.array(values, dtype=np.uint64)).ngrams(n)
    assert found.dtype == np.uint64
    expected = [_plain(values[start : start + n]) for start in range(len(values) - n + 1)]
    assert found.tolist() == expected


@given(VALUES.filter(len), st.data())
def test_slices_are_those_of_a_plain_loop(values: list[int], data: st.DataObject) -> None:
    bounds = st.tuples(st.integers(0, len(values) - 1), st.integers(1, len(values)))
    wanted = data.draw(st.lists(bounds.filter(lambda each: each[0] < each[1]), max_size=5))
    starts, ends = np.array(wanted, dtype=int).reshape(-1, 2).T
    found = RollingHash(np.array(values, dtype=np.uint64)).slices(starts, ends)
    assert found.tolist() == [_plain(values[start:end]) for start, end in wanted]


def test_a_slice_has_one_hash_wherever_it_is_even_in_a_long_text() -> None:
    """Longer than the tables of powers are at first, which then grow."""
    same = np.arange(1, 9, dtype=np.uint64)
    values = np.zeros(200_000, dtype=np.uint64)
    places = [0, 70_000, 131_070, 199_992]
    for place in places:
        values[place : place + 8] = same
    grams = RollingHash(values).ngrams(8)
    assert {int(grams[place]) for place in places} == {_plain(same.tolist())}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [(1, 0xE220A8397B1DCDAF), (2, 0x6E789E6AA1B965F4), (3, 0x06C45D188009454F)],
)
def test_mix_is_the_finaliser_of_splitmix64(steps: int, expected: int) -> None:
    """The first outputs of the reference generator from seed 0."""
    state = steps * 0x9E3779B97F4A7C15 % 2**64
    assert mix(np.array([state], dtype=np.uint64)).tolist() == [expected]


@given(VALUES)
def test_mix_leaves_its_argument_alone(values: list[int]) -> None:
    given_values = np.array(values, dtype=np.uint64)
    mix(given_values)
    assert given_values.tolist() == values
