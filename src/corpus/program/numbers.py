"""Numbers as people write them: `1,200`, `450 000`, `1.5e6`, `2½`, `3 million`.

A number is read whole or not at all. Options, answers, written solutions and typed questions may
have the same separators and exponents.
"""

import re
import unicodedata
from fractions import Fraction

from corpus.program.reader import LimitError, ReadingError

MAX_DIGITS = 300
"""Most digits of one number, and largest power of ten in its exponent."""

SCALES = {
    "hundred": Fraction(10**2),
    "thousand": Fraction(10**3),
    "million": Fraction(10**6),
    "billion": Fraction(10**9),
    "trillion": Fraction(10**12),
    "lakh": Fraction(10**5),
    "lac": Fraction(10**5),
    "crore": Fraction(10**7),
}
SCALES |= {f"{word}s": scale for word, scale in SCALES.items()}
"""Words after a number that multiply it."""

THOUSANDS = r"(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3})"
"""Groups of three digits, separated by commas; in India, groups of two before the last three."""

_SPACES = " \u00a0\u2009\u202f"
NUMBER = (
    r"(?:"
    r"\d{1,3}(?:['’]\d{3})+(?!\d)(?:\.\d+)?"
    r"|\d{1,3}(?:_\d{3})+(?!\d)(?:\.\d+)?"
    rf"|[1-9]\d{{0,2}}(?:[{_SPACES}]\d{{3}})+(?!\d|-[A-Za-z]|[{_SPACES}]?/)(?:\.\d+)?"
    r"|\d{1,3}(?:\.\d{3}){2,}(?!\d)(?:,\d+)?"
    rf"|{THOUSANDS}(?!\d|,\d)(?:\.\d+)?"
    r"|\d+(?:\.\d+)?|\.\d+"
    r")(?:[eE][-+]?\d+(?!\w|\.\d))?"
)
"""One number. Thousands are separated by commas, apostrophes, thin or other spaces, underscores, or
by two dots or more."""

_FRACTIONS = {
    character: Fraction(unicodedata.numeric(character)).limit_denominator(10)
    for character in "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
}
FRACTION = f"[{''.join(_FRACTIONS)}]"
"""A fraction in one character, `¾`."""

SUPERSCRIPT = "[⁻⁺]?[⁰¹²³⁴-⁹]{1,3}"
"""An exponent in superscript characters."""

_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+"))
_SIGNS = {
    **dict.fromkeys("−–—‒", "-"),
    **dict.fromkeys("×∗·⋅", "*"),
    **dict.fromkeys("÷⁄∕\\", "/"),
    **dict.fromkeys("[{", "("),
    **dict.fromkeys("]}", ")"),
    "∶": ":",
    "∏": "π",
}
_ASCII = str.maketrans(
    _SIGNS
    | {
        character: f" {value.numerator} / {value.denominator} "
        for character, value in _FRACTIONS.items()
    }
)
_EXPONENT = re.compile(f"[{''.join(_SUPERSCRIPTS)}]+")


def plain_signs(text: str) -> str:
    """Return `text` with one spelling of each sign, of fractions and of exponents.

    `1½` becomes `1 1 / 2 `, `10⁶` becomes `10 ^ 6`.
    """
    return _EXPONENT.sub(
        lambda match: " ^ " + "".join(_SUPERSCRIPTS[each] for each in match[0]) + " ",
        text.translate(_ASCII),
    )


def read_number(text: str) -> Fraction:
    """Return the value of a token that `NUMBER` matches. Raises `ReadingError` if it has none."""
    digits, _, exponent = re.sub(rf"['’_{_SPACES}]", "", text.lower()).partition("e")
    if digits.count(".") > 1:
        digits = digits.replace(".", "").replace(",", ".")
    digits = digits.replace(",", "")
    if len(digits) > MAX_DIGITS or (exponent and abs(int(exponent[:5])) > MAX_DIGITS):
        raise LimitError(f"{text[:40]!r} has more than {MAX_DIGITS} digits")
    try:
        return Fraction(f"{digits}e{exponent}" if exponent else digits)
    except ValueError:
        raise ReadingError(f"{text[:40]!r} is no number") from None
