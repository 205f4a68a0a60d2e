"""Answers in numbers: the values of MathQA's options, and which of them a program's value means.

An option is free text: `24`, `rs . 1,200`, `2 1 / 2 %`, `3 : 4`, `200 √ 3 m`, `1 hour and 20
minutes`, `none of these`. Its value is the arithmetic that starts at its first number; units, and
everything from the first unknown word on, are left out. What counts as arithmetic was settled on
the train split: percents, π and roots as they stand, ratios as quotients.
"""

import math
import re
from collections.abc import Sequence

from corpus.program.domain import AnswerOption

LETTERS = "abcde"
TOLERANCE = 0.01
"""Relative distance from an option up to which a value counts as the option, which is rounded."""

EXACT = 1e-4
"""Relative difference up to which a value is the gold answer, where there are no options.

A gold answer may be written with five digits (0.33333), and a program that is right is off by less.
"""

MISS = 0.49
"""The absolute difference is below this, however large the answer."""

_MARKER = re.compile(r"(?:^|,)\s*[\['\"]*\s*([a-e])\s*\)", re.IGNORECASE)
_REPEATED_MARKER = re.compile(r"^(?:[a-e]\s*\)\s*)+", re.IGNORECASE)

_SAME = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "—": "-",
        "⁄": "/",
        "÷": "/",
        "×": "*",
        "∗": "*",
        "[": "(",
        "]": ")",
        "{": "(",
        "}": ")",
        "∏": "π",
    }
    | {
        "½": " 1 / 2 ",
        "¼": " 1 / 4 ",
        "¾": " 3 / 4 ",
        "⅓": " 1 / 3 ",
        "⅔": " 2 / 3 ",
        "²": " ^ 2 ",
        "³": " ^ 3 ",
    }
)
_NUMBER = r"\d+(?:\s?,\s?\d{3})+(?!\d)(?:\.\d+)?|\d+(?:,\d+)*(?:\.\d+)?|\.\d+"
_TOKEN = re.compile(rf"{_NUMBER}|[a-z]+|\S")
_HOURS = re.compile(r"(\d{1,4}) ?h(?:ou)?rs? ?\.? ?(?:and|&)? ?(\d{1,4}) ?min")
_ABBREVIATION = re.compile(r"\b[a-z]+ ?\.")
_WORDS = [
    "zero",
    "one",
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
]
_WORD = re.compile(rf"({'|'.join(_WORDS)})(?: [a-z]+)? ?\.?")
_BARE = re.compile(r"(?:- ?)?\d+(?:\.\d+)?")
_ROOTS, _PI = ("√", "sqrt", "root"), ("π", "pi")
_LONGEST = 40
"""Tokens of an option that are read; longer ones are sentences."""


def parse_options(text: str) -> tuple[AnswerOption, ...]:
    """Read MathQA's `a ) 24 , b ) 120 , …`.

    It may also be printed as a list of strings, or with the letters twice.
    """
    markers: list[re.Match[str]] = []
    for match in _MARKER.finditer(text):
        if len(markers) < len(LETTERS) and match[1].lower() == LETTERS[len(markers)]:
            markers.append(match)
    options = []
    for match, following in zip(markers, [*markers[1:], None]):
        end = following.start() if following else len(text)
        body = _REPEATED_MARKER.sub("", text[match.end() : end].strip(" ,'\"]\t\n"))
        options.append(AnswerOption(match[1].lower(), body, parse_number(body)))
    return tuple(options)


def parse_number(text: str) -> float | None:
    """Return the number that an answer's text stands for, or None for `none of these` and the like.

    Fractions, mixed numbers and ratios are divided out, thousands separators and currency left out;
    `5 %` is 5; a time in hours and minutes is in hours. What is written in letters (`x / 2`) is not
    understood beyond its first number.
    """
    clean = " ".join(text.lower().translate(_SAME).split())
    if _BARE.fullmatch(clean):  # as most options: this halves the time to load a set
        value = float(clean.replace(" ", ""))
        return value if math.isfinite(value) else None
    if match := _HOURS.search(clean):
        return int(match[1]) + int(match[2]) / 60
    if match := _WORD.fullmatch(clean):
        return float(_WORDS.index(match[1]))
    clean = re.sub(r"(\d) ?e ?- ?(\d)", r"\1 * 10 ^ - \2", clean)
    clean = re.sub(r"(?:(\d)|^) ?\. (\d)", r"\1.\2", clean)
    tokens = _TOKEN.findall(_ABBREVIATION.sub(" ", clean))[:_LONGEST]
    reader = _OptionReader(tokens)
    while reader.peek() and not reader.starts_value():
        reader.take()
    value = reader.read_sum()
    return value if value is not None and math.isfinite(value) else None


def nearest_option(value: float | None, options: Sequence[AnswerOption]) -> str | None:
    """Return the letter of the option nearest to `value`, the first of equals.

    None where there are no values to compare.
    """
    if value is None or not math.isfinite(value):
        return None
    valued = [
        (abs(value - option.value), option.letter) for option in options if option.value is not None
    ]
    return min(valued, key=lambda pair: pair[0])[1] if valued else None


def is_near(value: float, option: AnswerOption) -> bool:
    """True where `value` rounds to what the option says: within 1 % of it."""
    return option.value is not None and abs(value - option.value) <= max(
        TOLERANCE * abs(option.value), 1e-6
    )


def is_answer(value: float | None, answer: float | None) -> bool:
    """True where `value` is `answer`: within 1e-4 relatively, and within 0.5 absolutely.

    So one whole number is never another.
    """
    if value is None or answer is None:
        return False
    return abs(value - answer) <= max(min(EXACT * abs(answer), MISS), 1e-9)


class _OptionReader:
    """A recursive-descent reader of arithmetic, which stops before the first token that does not
    fit.

    sum: [sign] product {+ product} · product: factor {(* / :) factor | factor} · factor: atom [!]
    [^ [sign] atom] · atom: number [number / number] | ( sum ) | √ atom | π. A method returns None
    where there is no value to read.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def is_number(self, ahead: int = 0) -> bool:
        return self.peek(ahead)[-1:].isdecimal()

    def starts_value(self) -> bool:
        ahead = 0
        while self.peek(ahead) in ("-", "+", "("):
            ahead += 1
        return self.is_number(ahead) or self.peek(ahead) in _ROOTS + _PI

    def read_sum(self) -> float | None:
        sign = self._read_sign()
        total = self._read_product()
        while total is not None and self.peek() == "+":
            before = self.at
            self.take()
            other = self._read_product()
            if other is None:
                self.at = before
                break
            total += sign * other
        return None if total is None else sign * total

    def _read_sign(self) -> float:
        sign = 1.0
        while self.peek() in ("-", "+"):
            sign = -sign if self.take() == "-" else sign
        return sign

    def _read_product(self) -> float | None:
        value = self._read_factor()
        while value is not None:
            before = self.at
            divides = self.peek() in ("/", ":")
            if divides or self.peek() == "*":
                self.take()
            elif self.peek() not in ("(", *_ROOTS, *_PI):
                break
            other = self._read_factor()
            if other is None or (divides and other == 0):
                self.at = before
                break
            value = value / other if divides else value * other
        return value

    def _read_factor(self) -> float | None:
        value = self._read_atom()
        if value is not None and self.peek() == "!" and value in range(171):
            self.take()
            value = float(math.factorial(int(value)))
        if value is None or self.peek() != "^":
            return value
        before = self.at
        self.take()
        sign, exponent = self._read_sign(), self._read_atom()
        if exponent is None:
            self.at = before
            return value
        try:
            result = value ** (sign * exponent)
        except (OverflowError, ZeroDivisionError):
            return None
        return None if isinstance(result, complex) else result

    def _read_atom(self) -> float | None:
        if self.is_number():
            whole = _plain(self.take())
            return whole + self._read_mixed()
        if self.peek() == "(" and self.starts_value():
            self.take()
            inside = self.read_sum()
            if self.peek() == ")":
                self.take()
            return inside
        if self.peek() in _ROOTS:
            self.take()
            inside = self._read_atom()
            return None if inside is None or inside < 0 else math.sqrt(inside)
        if self.peek() in _PI:
            self.take()
            return math.pi
        return None

    def _read_mixed(self) -> float:
        """Read the fraction of a mixed number, `1 / 2` or `( 1 / 2 )`; 0 where there is none."""
        shift = 1 if self.peek() == "(" else 0
        if not (
            self.is_number(shift) and self.peek(shift + 1) == "/" and self.is_number(shift + 2)
        ):
            return 0.0
        top, bottom = _plain(self.peek(shift)), _plain(self.peek(shift + 2))
        if bottom == 0 or (shift and self.peek(4) != ")"):
            return 0.0
        self.at += 3 + 2 * shift
        return top / bottom


def _plain(number: str) -> float:
    return float(re.sub(r"[,\s]", "", number))
