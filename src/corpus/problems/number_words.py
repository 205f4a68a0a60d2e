"""Whole numbers written as words, turned into digits, so that they are numbers of a problem like any other: `twenty-five hats` has n0 = 25.

Questions that people wrote for people have many of them. MathQA's are left alone: its programs count digits only.
"""

import math
import re

_NINE = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6}
VALUES = {word: value for value, word in enumerate(_NINE + _TEENS, 1)} | {word: 10 * tens for tens, word in enumerate(_TENS, 2)}
"""What a single word stands for."""

_BELOW_100 = rf"(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_NINE)}))?|{'|'.join(_TEENS + _NINE)}"
_PHRASE = re.compile(
    rf"\b(?:(?P<count>{_BELOW_100}|a|\d[\d,]*(?:\.\d+)?) (?P<scale>(?:hundred|thousand|million)(?: thousand| million)*)(?: (?:and )?(?P<rest>{_BELOW_100}))?|(?P<small>{_BELOW_100}))\b",
    re.IGNORECASE,
)


def digits_for_words(text: str) -> str:
    """Return `text` with numbers in words as digits, `5 thousand` too; `one` alone stays, for mostly it is a pronoun.

    Words of one number are joined up to `two hundred and five`; longer ones become several numbers.
    """
    return _PHRASE.sub(_digits, text)


def _digits(match: re.Match[str]) -> str:
    if match["small"]:
        return match[0] if match[0].lower() == "one" else str(_below_100(match["small"]))
    count = match["count"].lower()
    whole = 1 if count == "a" else float(count.replace(",", "")) if count[0].isdecimal() else _below_100(count)
    return f"{whole * math.prod(_SCALES[scale] for scale in match['scale'].lower().split()) + (_below_100(match['rest']) if match['rest'] else 0):.15g}"


def _below_100(words: str) -> int:
    return sum(VALUES[word] for word in re.split("[ -]", words.lower()))
