"""Budgets, durations and counts: what is read, what is refused, what is printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.base.errors import ConfigError
from corpus.base.units import Budget, format_count, format_duration, parse_budget, parse_duration


@pytest.mark.parametrize(
    ("text", "kind", "amount"),
    [
        ("45m", "seconds", 2700),
        ("1h30m", "seconds", 5400),
        ("1h 30m", "seconds", 5400),
        ("1.5h", "seconds", 5400),
        ("90s", "seconds", 90),
        ("2 hours", "seconds", 7200),
        ("10 mins", "seconds", 600),
        ("1d", "seconds", 86_400),
        ("3H", "seconds", 10_800),
        ("120 steps", "steps", 120),
        ("1 step", "steps", 1),
        ("1.5k steps", "steps", 1500),
        ("2M tokens", "tokens", 2e6),
        ("2m tokens", "tokens", 2e6),
        ("0.1B tokens", "tokens", 1e8),
        ("  7 tokens ", "tokens", 7),
    ],
)
def test_parse_budget(text: str, kind: str, amount: float) -> None:
    assert parse_budget(text) == Budget(kind=kind, amount=amount)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "45",
        "m",
        "45x",
        "90ms",
        "1h30",
        "h1",
        "-5m",
        "0s",
        "0 steps",
        "1.5 steps",
        "2M",
        "4 potatoes",
        "1e3 steps",
    ],
)
def test_a_wrong_budget_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_budget(text)


def test_a_capital_m_is_not_guessed() -> None:
    with pytest.raises(ConfigError, match="45m for minutes or 45M tokens"):
        parse_budget("45M")


def test_only_time_is_a_clock() -> None:
    assert parse_budget("45m").is_clock
    assert not parse_budget("45 steps").is_clock
    assert not parse_budget("45 tokens").is_clock


@given(st.integers(1, 10_000_000))
def test_durations_of_whole_seconds_survive_being_written_in_seconds(seconds: int) -> None:
    assert parse_duration(f"{seconds}s") == seconds


@given(st.integers(0, 3599))
def test_formatted_durations_can_be_read_again(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (200, "3m 20s"),
        (3599.6, "1h 00m"),
        (3900, "1h 05m"),
        (7195, "2h 00m"),
        (-3, "0s"),
        (float("inf"), "?"),
        (float("nan"), "?"),
    ],
)
def test_format_duration(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (950, "950"),
        (9_871, "9,871"),
        (9_999.7, "10K"),
        (12_345, "12.3K"),
        (999_499, "999K"),
        (999_600, "1M"),
        (4_560_000, "4.56M"),
        (1.2e9, "1.2B"),
        (3e12, "3T"),
        (5e15, "5,000T"),
        (-12_345, "-12.3K"),
        (float("nan"), "?"),
    ],
)
def test_format_count(count: float, text: str) -> None:
    assert format_count(count) == text


@given(st.floats(0, 1e14))
def test_counts_are_short_and_never_in_scientific_notation(count: float) -> None:
    text = format_count(count)
    assert len(text) <= 5
    assert "e" not in text


def test_a_budget_is_printed_with_its_unit() -> None:
    assert str(parse_budget("90m")) == "1h 30m"
    assert str(parse_budget("120 steps")) == "120 steps"
    assert str(parse_budget("2M tokens")) == "2M tokens"
