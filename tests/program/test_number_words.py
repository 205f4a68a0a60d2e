"""Numbers in words become digits, and nothing else of a text changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.program.domains import ARITHMETIC
from corpus.program.number_words import digits_for_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Twenty-five hats and one hat", "25 hats and one hat"),
        ("two hundred and five men", "205 men"),
        ("a hundred men, one hundred forty-four eggs", "100 men, 144 eggs"),
        ("5 thousand and 1.5 million", "5000 and 1500000"),
        ("two billion, a trillion", "2000000000, 1000000000000"),
        ("two hundred thousand", "200000"),
        ("two thousand five hundred", "2500"),
        ("a thousand two hundred and six", "1206"),
        ("two hundred and fifty thousand", "250000"),
        ("two million three hundred thousand", "2300000"),
        ("between five hundred and six hundred", "between 500 and 600"),
        ("between two thousand and three thousand", "between 2000 and 3000"),
        ("two and three", "2 and 3"),
        ("two-thirds of seven", "2-thirds of 7"),
        (
            "someone, often, a tense attendance, sevenths",
            "someone, often, a tense attendance, sevenths",
        ),
    ],
)
def test_words_become_digits(text: str, expected: str) -> None:
    assert digits_for_words(text) == expected


def test_a_text_without_words_for_numbers_is_as_it_was() -> None:
    text = "He bought 12 hats and 2,500 pins for $3.50; one was $.5 off. How many in all?"
    assert digits_for_words(text) == text


@given(st.integers(2, 99))
def test_every_number_below_a_hundred_is_read(value: int) -> None:
    names = [
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ]
    tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    units = value % 10
    words = (
        names[value - 2]
        if value < 20
        else tens[value // 10 - 2] + (f"-{['one', *names][units - 1]}" if units else "")
    )
    assert [
        span.value for span in ARITHMETIC.find(digits_for_words(f"there are {words} of them"))
    ] == [value]
