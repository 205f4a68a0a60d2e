"""The shapes a plan chooses from, and their batches and rates."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.config.train import OptimizerConfig
from corpus.plan.sizes import (
    CPU_TOKENS,
    KNOWN_TOKENS,
    RATES,
    best_batch_size,
    best_learning_rate,
    family,
    fitting_micro_batch,
    largest_micro_batch,
    shape_of,
)
from corpus.recipes.registry import RECIPES


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_shape_is_about_twice_the_one_before_and_keeps_what_the_recipe_says(
    recipe: str,
) -> None:
    base = RECIPES[recipe]().model
    shapes = family(base)
    for small, large in itertools.pairwise(shapes):
        assert 1.3 < large.num_parameters / small.num_parameters < 3.2
    for shape in shapes:
        assert (shape.vocab_size, shape.context_length) == (base.vocab_size, base.context_length)
        assert shape.num_heads // shape.num_kv_heads <= base.num_heads // base.num_kv_heads


def test_the_recipes_own_shapes_are_in_the_family() -> None:
    for name, dim in (("cpu", 192), ("hackathon", 768)):
        base = RECIPES[name]().model
        assert shape_of(base, dim).num_parameters == base.num_parameters


@pytest.mark.parametrize("name", RATES)
def test_where_the_best_rate_was_measured_it_is_the_one_that_is_planned(name: str) -> None:
    shape = RECIPES["cpu"]().model
    optimizer = OptimizerConfig(name=name)  # pyright: ignore[reportArgumentType]
    assert best_learning_rate(shape, KNOWN_TOKENS, optimizer) == RATES[name].known
    assert best_batch_size(shape, KNOWN_TOKENS) == 16


def test_larger_models_learn_more_slowly_and_longer_runs_take_larger_batches() -> None:
    base = RECIPES["hackathon"]().model
    rates = [best_learning_rate(shape, 1e9, OptimizerConfig()) for shape in family(base)]
    assert rates == sorted(rates, reverse=True)
    sizes = [best_batch_size(base, tokens) for tokens in (1e6, 1e8, 4e9)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    assert 128 <= sizes[-1] <= 512


def test_on_a_cpu_a_large_batch_is_computed_in_parts() -> None:
    """A batch of half a million tokens at once was 20 GB, and ended in the kernel's "Killed"."""
    for recipe in RECIPES.values():
        shape = recipe().model
        largest = largest_micro_batch(0, shape, "cpu")
        assert (
            fitting_micro_batch(largest, best_batch_size(shape, 1e10)) * shape.context_length
            <= CPU_TOKENS
        )
        assert largest_micro_batch(0, shape, "cuda") == 0
        assert largest_micro_batch(4, shape, "cpu") == 4


@given(st.integers(0, 64), st.integers(1, 512))
def test_the_micro_batch_divides_the_batch_and_is_no_larger_than_asked(
    asked: int, size: int
) -> None:
    part = fitting_micro_batch(asked, size)
    if part:
        assert size % part == 0
        assert part <= asked
    else:
        assert asked == 0 or asked >= size
