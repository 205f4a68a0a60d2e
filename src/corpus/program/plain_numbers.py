"""Numbers of a question as people type them, rewritten as plain numbers, as programs use them.

    450 000 people   →   450000 people        2½ km   →   2.5 km        3 million   →   3000000

Plain numbers are those of MathQA's spelling (`corpus.program.spelling`), such as 1,200 and 2.5.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from corpus.program.arithmetic.options import option_value
from corpus.program.number_words import digits_for_words
from corpus.program.numbers import FRACTION, NUMBER, SCALES, SUPERSCRIPT, THOUSANDS
from corpus.program.spelling import NUMBER as PLAIN

_WRITTEN = re.compile(
    rf"(?<![\w.,])(?P<list>\d{{1,3}}(?:,\d{{1,3}})+(?![\d,]|\.\d))"
    rf"|(?<![\w.,])10 ?\^ ?[-+−]?\d{{1,3}}|{NUMBER}{SUPERSCRIPT}"
    rf"|(?:{NUMBER}(?: ?{FRACTION})?|{FRACTION})"
    rf"(?: ?[x×*·] ?10(?: ?\^ ?[-+−]?\d{{1,3}}|{SUPERSCRIPT}))?"
)
_SCALED = re.compile(rf"(?<!\d)(?<!\d[.,])(?:{PLAIN}) (?:{'|'.join(SCALES)})\b", re.IGNORECASE)
_THOUSANDS = re.compile(THOUSANDS)
_PLAIN = re.compile(PLAIN)
_NEGATIVE = re.compile(r"(?<![\w)\]%.,])[-−](?=[$€£]?\d)[$€£]?[\d.,]*\d")
_SHORT_SCALE = re.compile(r"(?<![\d.,])(?=[.,]*+\d)[\d.,]++ ?(?:[kK]|M|B|bn|mn)\b")


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text with plain numbers, and notes about what is ambiguous or was not read."""

    text: str
    notes: tuple[str, ...] = ()


def plain_numbers(text: str, *, words: bool) -> PlainText:
    """Return `text` with plain numbers; nothing but numbers changes.

    Args:
        text: a question.
        words: turn numbers in words into digits, too.
    """
    notes: list[str] = []
    plain = _WRITTEN.sub(lambda match: _rewritten(match[0], match["list"], notes), text)
    if words:
        plain = digits_for_words(plain)
    plain = _SCALED.sub(lambda match: _rewritten(match[0], None, notes), plain)
    for match in _NEGATIVE.finditer(plain):
        notes.append(
            f"the minus sign of {match[0]} is not read: programs count without signs; "
            "say `below zero`, `loses` or `down`"
        )
    for match in _SHORT_SCALE.finditer(plain):
        notes.append(f"the letters of {match[0]} are not read; write thousand, million or billion")
    return PlainText(plain, tuple(dict.fromkeys(notes)))


def _rewritten(written: str, commas: str | None, notes: list[str]) -> str:
    if commas:
        return _comma(written, notes)
    value = option_value(written)
    if _PLAIN.fullmatch(written) and (value is None or float(written.replace(",", "")) == value):
        return written
    if value is None:
        notes.append(f"{written} is not read as one number")
        return written
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def _comma(written: str, notes: list[str]) -> str:
    """Read digits joined by commas: thousands, else a decimal comma, else a list."""
    if _THOUSANDS.fullmatch(written):
        return written
    if written.count(",") == 1:
        plain = written.replace(",", ".")
        notes.append(f"{written} is read as {plain}; write {written.replace(',', ', ')} for two")
        return plain
    plain = written.replace(",", ", ")
    notes.append(f"{written} is read as a list, {plain}")
    return plain
