"""Options and their values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.program.arithmetic.answer import nearest_option, parse_number, parse_options
from corpus.program.domain import AnswerOption


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
        ("35 , 3", 35),
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
        ("4 / 0", 4),
    ],
)
def test_values_are_read(text: str, value: float) -> None:
    assert parse_number(text) == pytest.approx(value, rel=1e-12)


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
        "9" * 400,
    ],
)
def test_what_has_no_value_has_none(text: str) -> None:
    assert parse_number(text) is None


@given(st.text(max_size=40) | st.text(alphabet="0123456789 .,/:()^!√π-+e%", max_size=60))
def test_any_text_has_a_finite_value_or_none(text: str) -> None:
    value = parse_number(text)
    assert value is None or math.isfinite(value)


def test_deep_nesting_is_harmless() -> None:
    assert parse_number("(" * 100_000 + "1") is None
    assert parse_number("√ " * 100_000 + "1") is None


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
