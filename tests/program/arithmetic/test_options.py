"""Options and their values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.program.arithmetic.options import option_value, parse_options


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("24", 24),
        ("2.50", 2.5),
        ("- 11", -11),
        ("− 0.3", -0.3),
        (".5", 0.5),
        (". 09", 0.09),
        ("8 . 2 %", 8.2),
        ("rs . 1,200", 1200),
        ("rs.500", 500),
        ("$ 42.25 .", 42.25),
        ("1,00,000", 100000),
        ("6 , 030,053", 6030053),
        ("5 %", 5),
        ("1 / 3", 1 / 3),
        ("- 1 / 12", -1 / 12),
        ("3 ⁄ 5", 0.6),
        ("½", 0.5),
        ("21 ½ days", 21.5),
        ("16 2 / 3 %", 16 + 2 / 3),
        ("45 ( 4 / 11 ) %", 45 + 4 / 11),
        ("1 [ 1 / 5 ]", 1.2),
        ("66 + 2 / 3 %", 66 + 2 / 3),
        ("3 : 4", 0.75),
        ("17 km / hr", 17),
        ("50 m 2", 50),
        ("5 cm ²", 5),
        ("x = 350", 350),
        ("9 π", 9 * math.pi),
        ("r = 8 √ 2", 8 * math.sqrt(2)),
        ("( √ 2 ) / 3", math.sqrt(2) / 3),
        ("4 ^ 3", 64),
        ("7 ( 4 ^ 2 )", 112),
        ("10 ^ - 2", 0.01),
        ("1.5 e - 06", 1.5e-6),
        ("4 !", 24),
        ("1 hour and 30 minutes", 1.5),
        ("9 hrs 45 mins", 9.75),
        ("three", 3),
        ("two hours", 2),
        ("fifty nine", 59),
        ("1e5", 1e5),
        ("3E+4", 3e4),
        ("2.5e-3 m", 0.0025),
        ("1.5 x 10^6", 1.5e6),
        ("1.5 × 10⁶", 1.5e6),
        ("1 million km", 1e6),
        ("2.5 lakhs", 250_000),
        ("12½", 12.5),
        ("⅜", 0.375),
        ("1'000", 1000),
        ("1 000 000", 1_000_000),
        ("1/-2", -0.5),
        ("- $ 56", -56),
        ("rs . 495 / -", 495),
        ("1 \\ 5", 0.2),
        ("√ 2 ∶ 1", math.sqrt(2)),
        ("5 · √ 3", 5 * math.sqrt(3)),
        ("16 - 4 pi", 16 - 4 * math.pi),
        ("10 ( square root of 3 - 1 )", 10 * (math.sqrt(3) - 1)),
        ("1 - 0.95 ^ 10", 1 - 0.95**10),
        ("7 and 1 / 2 min", 7.5),
        ("40 minutes 20 seconds", 40 + 1 / 3),
        ("10 : 00", 10),
        ("1 : 30 pm", 1.5),
        ("( 3 km )", 3),
        ("area : 12 cm ^ 2", 12),
    ],
)
def test_values_are_read(text: str, value: float) -> None:
    assert option_value(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "none of these",
        "none",
        "",
        "can not be determined",
        "x",
        "√",
        "( ( (",
        "10 ^ 400",
        "1e400",
        "1e99999999999",
        "4 / 0",
        "8 and 9",
        "35 , 3",
        "10 by 5",
        "19 - 20",
        "between 11 and 12",
        "3 x / 2",
        "x / 2",
        "x - 5",
        "5 + 3 x",
        "1,5",
        "100k",
        "2 thirds",
        "one half",
        "cube root 5",
        "log 80 243",
        "9" * 400,
    ],
)
def test_what_has_no_value_has_none(text: str) -> None:
    assert option_value(text) is None


@given(st.text(max_size=40) | st.text(alphabet="0123456789 .,/:()^!√π-+e%", max_size=60))
def test_any_text_has_a_finite_value_or_none(text: str) -> None:
    value = option_value(text)
    assert value is None or math.isfinite(value)


def test_deep_nesting_is_harmless() -> None:
    assert option_value("(" * 100_000 + "1") is None
    assert option_value("√ " * 100_000 + "1") is None


@given(st.lists(st.floats(-1e9, 1e9).map(lambda value: round(value, 3)), min_size=5, max_size=5))
def test_options_come_back_as_written(values: list[float]) -> None:
    bodies = [f"{'- ' if value < 0 else ''}{abs(value):.3f}" for value in values]
    plain = " , ".join(f"{letter} ) {body}" for letter, body in zip("abcde", bodies))
    listed = str([f"{letter} ) {body}" for letter, body in zip("abcde", bodies)])
    doubled = " , ".join(f"{letter} ) {letter} ) {body}" for letter, body in zip("abcde", bodies))
    for text in (plain, listed, doubled):
        options = parse_options(text)
        assert [option.letter for option in options] == list("abcde")
        assert [option.text for option in options] == bodies
        assert [option.value for option in options] == pytest.approx(values)


def test_letters_inside_options_do_not_start_one() -> None:
    options = parse_options("a ) ab , b ) cs / 2 , c ) 84 cs , d ) ( 2 c ) / 12 , e ) ( 24 c ) / s")
    assert [option.text for option in options] == [
        "ab",
        "cs / 2",
        "84 cs",
        "( 2 c ) / 12",
        "( 24 c ) / s",
    ]


def test_commas_inside_options_are_kept() -> None:
    assert [option.text for option in parse_options("a ) 1,200 , b ) 35 , 3 , c ) x")] == [
        "1,200",
        "35 , 3",
        "x",
    ]


def test_text_without_options_has_none() -> None:
    assert parse_options("24 or 25") == ()
