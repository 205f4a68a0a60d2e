"""Numbers as people type them become the plain numbers that programs count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.program.domains import ARITHMETIC
from corpus.program.plain_numbers import plain_numbers


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("450 000 people and 3 mayors", [450_000, 3]),
        ("450\u202f000 people", [450_000]),
        ("12\u00a0345\u00a0678.5 tons", [12_345_678.5]),
        ("1'200 francs", [1200]),
        ("1’200.50 francs", [1200.5]),
        ("1_000 rows", [1000]),
        ("1.000.000 euros", [1_000_000]),
        ("mows ¾ of 8 acres", [0.75, 8]),
        ("2½ km in 5 hours", [2.5, 5]),
        ("3 ⅓ km", [3 + 1 / 3]),
        ("1.5e6 tons in 3 hours", [1.5e6, 3]),
        ("2E-3 m", [0.002]),
        ("1.5 x 10^6 tons", [1.5e6]),
        ("6.02×10²³ atoms", [6.02e23]),
        ("10⁶ bacteria, 10^-3 l, 3² m²", [1e6, 1e-3, 9]),
        ("It has 1.5e6.", [1.5e6]),
        ("450 000-500 000 people", [450_000, 500_000]),
        ("2^3", [2, 3]),
        ("3 million and 2.5 billion", [3e6, 2.5e9]),
        ("4 crore rupees", [4e7]),
        ("$1,234.50 for 5", [1234.5, 5]),
        ("12,34,567 rupees", [1_234_567]),
        ("2,5 kg", [2.5]),
        ("15,18,20", [15, 18, 20]),
        ("in 2020 450 people", [2020, 450]),
        ("four 100-meter races", [100]),
        ("4 100-meter races", [4, 100]),
        ("2 1/2 cups", [2, 1, 2]),
        ("at 5:30", [5, 30]),
        ("10-12 people", [10, 12]),
        ("0.0000001 m", [1e-7]),
    ],
)
def test_the_number_that_is_meant_is_read(typed: str, values: list[float]) -> None:
    found = [span.value for span in ARITHMETIC.find(plain_numbers(typed, words=False).text)]
    assert found == pytest.approx(values, rel=1e-12)


@pytest.mark.parametrize(
    ("typed", "note"),
    [
        ("From -5 to 12 degrees", "the minus sign of -5 is not read"),
        ("from −5 to 12", "the minus sign of −5 is not read"),
        ("2,5 kg", "2,5 is read as 2.5; write 2, 5 for two"),
        ("15,18,20", "15,18,20 is read as a list, 15, 18, 20"),
        ("a 450k loan", "the letters of 450k are not read"),
        ("1e400 tons", "1e400 is not read as one number"),
    ],
)
def test_a_note_says_what_is_ambiguous_or_not_read(typed: str, note: str) -> None:
    (found,) = plain_numbers(typed, words=False).notes
    assert found.startswith(note)


@pytest.mark.parametrize(
    "text", ["He bought 12 hats for $3.50, .5 off.", "1,000 men", "rs.500 and 10 - 4", "page 3, 4"]
)
def test_plain_numbers_stay(text: str) -> None:
    found = plain_numbers(text, words=False)
    assert (found.text, found.notes) == (text, ())


def test_words_are_digits_on_request() -> None:
    text = "2 thousand five hundred, two 132 g bars and 450 000"
    assert plain_numbers(text, words=True).text == "2500, 2 132 g bars and 450000"
    assert plain_numbers(text, words=False).text == "2000 five hundred, two 132 g bars and 450000"


@given(st.integers(1000, 10**12), st.sampled_from([",", "'", "’", " ", "\u00a0", "\u202f", "_"]))
def test_thousands_may_be_separated_in_any_way(number: int, separator: str) -> None:
    typed = f"{number:,}".replace(",", separator)
    for text in (typed, f"{typed}.", f"about {typed} men, {typed}-{typed}; 3 more"):
        found = ARITHMETIC.find(plain_numbers(text, words=False).text)
        wanted = [number] if text[0].isdigit() else [number, number, number, 3]
        assert [span.value for span in found] == wanted


@given(st.text(alphabet="0123456789 ,.'eE½x^×-$kM⁶", max_size=40))
def test_any_text_is_harmless(text: str) -> None:
    plain_numbers(text, words=True)
