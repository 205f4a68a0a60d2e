"""Derived seeds: stable, in range, different by name."""

from hypothesis import given
from hypothesis import strategies as st

from corpus.base.seeds import derive


def test_the_values_are_pinned() -> None:
    """A change here changes every run ever recorded."""
    assert derive(0) == 3456079177858693020
    assert derive(1, "rows", "arxiv", 2) == 4537094272245702591


@given(st.integers(), st.lists(st.text()))
def test_seeds_fit_in_63_bits(seed: int, names: list[str]) -> None:
    assert 0 <= derive(seed, *names) < 2**63


def test_names_and_seeds_tell_seeds_apart() -> None:
    seeds = {
        derive(seed, name, number)
        for seed in range(10)
        for name in ("draw", "rows")
        for number in range(50)
    }
    assert len(seeds) == 1000
