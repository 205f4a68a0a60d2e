"""Which option a value means."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.program.arithmetic.answer import nearest_option
from corpus.program.domain import AnswerOption


@given(st.floats(-100, 100), st.lists(st.none() | st.floats(-100, 100), max_size=5))
def test_the_nearest_option_is_nearest(value: float, values: list[float | None]) -> None:
    options = [AnswerOption(letter, "", each) for letter, each in zip("abcde", values)]
    chosen = nearest_option(value, options)
    if all(each is None for each in values):
        assert chosen is None
    else:
        distances = {
            option.letter: abs(option.value - value)
            for option in options
            if option.value is not None
        }
        assert chosen == min(
            letter for letter in distances if distances[letter] == min(distances.values())
        )


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_no_value_chooses_nothing(value: float | None) -> None:
    assert nearest_option(value, [AnswerOption("a", "1", 1.0)]) is None
