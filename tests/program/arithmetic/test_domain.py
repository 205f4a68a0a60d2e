"""Numbers in texts, and templates."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.problems.problem import Problem
from corpus.program.domain import MARK
from corpus.program.domains import ARITHMETIC


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a train covers 120 km in 2.5 hours", [120, 2.5]),
        ("finished 2 / 3 of a book", [2, 3]),
        ("rs . 4,000 and $ 1,234.50", [4000, 1234.5]),
        ("can do it in 15,18 and 45 days", [1518, 45]),  # as the data counts: one number
        ("a 3 - digit number below - 7", [3, 7]),
        ("x2 + 5kg of .5 at rs.500", [2, 5, 0.5, 500]),
        ("version 1.2.3", [1.2, 3]),
        ("no numbers : one , two", []),
    ],
)
def test_numbers_are_found_in_order(text: str, values: list[float]) -> None:
    assert [span.value for span in ARITHMETIC.find(text)] == values


@given(st.text(alphabet="0123456789., abc/-", max_size=60) | st.text(max_size=60))
def test_spans_are_the_numbers_and_masking_leaves_none(text: str) -> None:
    spans = ARITHMETIC.find(text)
    for span in spans:
        assert float(text[span.start : span.end].replace(",", "")) == span.value
    assert all(before.end <= after.start for before, after in pairwise(spans))
    starts, ends = [0, *(span.end for span in spans)], [*(span.start for span in spans), len(text)]
    assert ARITHMETIC.mask(text) == MARK.join(text[start:end] for start, end in zip(starts, ends))
    assert not any(character.isdecimal() for character in ARITHMETIC.mask(text))


def test_a_number_of_any_length_is_finite() -> None:
    assert all(math.isfinite(span.value) for span in ARITHMETIC.find("9" * 1000))


def _template(text: str) -> str:
    return Problem.question(text).template


def test_a_template_forgets_case_numbers_and_space_alone() -> None:
    template = _template("A train covers 120 km\t in 2 hours .")
    assert (
        template
        == _template("a train  covers 7.5 km in 1,000 hours . ")
        == f"a train covers {MARK} km in {MARK} hours ."
    )
    assert template != _template("a train covers 120 miles in 2 hours .")
    assert template != _template("a train covers 120 km in two hours .")
