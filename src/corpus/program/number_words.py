"""Whole numbers written as words, turned into digits: `twenty-five hats` has n0 = 25.

Words in MathQA's problems are left alone: its programs use only numbers in digits.
"""

import re

from corpus.program.numbers import SCALES

_NINE = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
VALUES = {word: value for value, word in enumerate(_NINE + _TEENS, 1)} | {
    word: 10 * tens for tens, word in enumerate(_TENS, 2)
}
"""What a single word stands for."""

_BELOW_100 = rf"(?:(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_NINE)}))?|{'|'.join(_TEENS + _NINE)})"
_COUNT = rf"(?:{_BELOW_100}|a|(?<![\d,])\d[\d,]*+(?:\.\d+)?)"
_MANY = rf"{_COUNT} hundred(?: (?:and )?{_BELOW_100})?|{_COUNT}"
_LOW = (
    rf"(?:{_COUNT} hundred(?: (?:and )?{_BELOW_100})?|{_BELOW_100})"
    r"(?![ -](?:hundred|thousand|million|billion|trillion)\b)"
)
_PHRASE = re.compile(
    rf"\b(?:(?P<millions>{_MANY}) million(?: (?:and )?(?P<more>{_MANY}) thousand)?"
    rf"(?: (?:and )?(?P<rest>{_LOW}))?"
    rf"|(?P<scaled>{_MANY}) (?P<scale>billion|trillion)"
    rf"|(?P<thousands>{_MANY}) thousand(?: (?:and )?(?P<last>{_LOW}))?|(?P<low>{_LOW}))\b",
    re.IGNORECASE,
)


def digits_for_words(text: str) -> str:
    """Return `text` with numbers in words as digits, `5 thousand` too.

    `one` alone stays: it is mostly a pronoun.
    """
    return _PHRASE.sub(_digits, text)


def _digits(match: re.Match[str]) -> str:
    if match[0].lower() == "one":
        return match[0]
    if match["scaled"]:
        return f"{_value(match['scaled']) * float(SCALES[match['scale'].lower()]):.15g}"
    millions, thousands, low = (
        match["millions"],
        match["thousands"] or match["more"],
        match["low"] or match["last"] or match["rest"],
    )
    return f"{10**6 * _value(millions) + 1000 * _value(thousands) + _value(low):.15g}"


def _value(words: str | None) -> float:
    """Return what a number below a thousand stands for; 0 where there is none."""
    if not words:
        return 0
    count, hundred, rest = words.lower().partition(" hundred")
    if not hundred:
        return _count(count)
    return 100 * _count(count) + (_count(rest.removeprefix(" and").strip()) if rest else 0)


def _count(words: str) -> float:
    if words == "a":
        return 1
    if words[0].isdecimal():
        return float(words.replace(",", ""))
    return sum(VALUES[word] for word in re.split("[ -]", words))
