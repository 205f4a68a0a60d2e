"""The options of a problem, `a ) 24 , b ) rs . 1,200 , …`, and their values.

An option is free text: `24`, `2 1 / 2 %`, `3 : 4`, `200 √ 3 m`, `1 hour and 20 minutes`, `none of
these`. Its value is the arithmetic in it; words, currencies and units around that are left out, and
`5 %` is 5. An option that holds anything else, such as a second number or a letter in the
arithmetic, has no value: `8 and 9`, `3 x / 2`.
"""

import re
from fractions import Fraction
from functools import lru_cache

from corpus.program import numbers
from corpus.program.arithmetic.values import value_of
from corpus.program.domain import AnswerOption
from corpus.program.number_words import digits_for_words
from corpus.program.reader import PRODUCTS, Notation, Reader, ReadingError, Token, tokenize
from corpus.program.tree import Call, Node

LETTERS = "abcde"

_MARKER = re.compile(r"(?:^|,)\s*+[\['\"]*+\s*+([a-e])\s*\)", re.IGNORECASE)
_REPEATED_MARKER = re.compile(r"^(?:[a-e]\s*\)\s*)+", re.IGNORECASE)


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
        options.append(AnswerOption(match[1].lower(), body, option_value(body)))
    return tuple(options)


@lru_cache(maxsize=1 << 15)
def option_value(text: str) -> float | None:
    """Return the number that an option's text stands for; None where it is not one number.

    Fractions and ratios are divided out. A time is in its largest unit: `1 hour 30 minutes` is
    1.5, and so is `1 : 30 pm`; `1 : 30` alone is a ratio.
    """
    clean = " ".join(numbers.plain_signs(text.lower()).split())
    if _BARE.fullmatch(clean):  # most options are; this halves the time to load a set
        return float(clean.replace(" ", ""))
    if match := _TIME.fullmatch(clean):
        return _time(match)
    if match := _CLOCK.fullmatch(clean):
        return float(match[1]) + float(match[2] or match[3]) / 60
    if not any(map(str.isdecimal, clean)):
        clean = _digits(clean)
    for pattern, plain in _RESPELLED:
        clean = pattern.sub(plain, clean)
    tokens = tokenize(clean, OPTION)[:MAX_TOKENS]
    for at, token in enumerate(tokens):
        if not _begins(tokens, at):
            continue
        reader = Reader(tokens, OPTION, at)
        try:
            node = reader.read_sum()
        except ReadingError:
            if token.text in "(+-":  # as in `( 3 km )`: the value is further in
                continue
            return None
        is_one = _is_alone(tokens, at, reader.at) and not _is_range(node)
        return value_of(node) if is_one and not _adds_letter(node, reader.peek()) else None
    return None


MAX_TOKENS = 40
"""Numbers, words and signs of an option that are read; longer options are sentences."""

_BARE = re.compile(r"(?:- ?)?\d{1,300}(?:\.\d{1,300})?")
_UNITS = {"hour": 3600, "hr": 3600, "h": 3600, "minute": 60, "min": 60, "m": 60}
_UNITS |= {"second": 1, "sec": 1, "s": 1, "day": 86400, "week": 604800}
_COUNT = r"(\d{1,6}(?:\.\d{1,6})?) ?"
_TIME = re.compile(
    rf"{_COUNT}(weeks?|days?|hours?|hrs?|h|minutes?|mins?)[ .,]*(?:and|&)?[ .,]*"
    rf"{_COUNT}(days?|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)\b[ .]*(?:[a-z ]*\.?)"
)
_CLOCK = re.compile(r"(\d{1,2}) ?: ?(?:(0\d)|([0-5]\d)(?= ?[ap]))(?: ?[ap] ?\.? ?m ?\.?)?")
_RESPELLED = [
    (re.compile(r"(\d) ?e ?- ?(\d)"), r"\1e-\2"),
    (re.compile(r"(\d) ?\. (\d)"), r"\1.\2"),
    (re.compile(r"^ ?\. (\d)"), r".\1"),
    (re.compile(r"(\d) ?, ?(\d{3})(?=\D|$)"), r"\1,\2"),
    (re.compile(r"(\d) ?x ?(10 ?\^)"), r"\1 * \2"),
    (re.compile(r"(\d) and (\d+ ?/ ?\d)"), r"\1 \2"),
    (re.compile(r"cube[ -]?roots?"), "∛"),
    (re.compile(r"\b(?:square ?root|sq ?root|sqrt|sqr|root)s?(?: of)?\b"), "√"),
    (re.compile(r"\b[a-z]+ ?\."), " "),
    (re.compile(r"/ ?-(?=[ .]*$)|[$€£â]|\brs\b"), " "),
]
"""Spellings and their plain forms: spaces inside numbers, roots in words; abbreviations and
currencies are removed."""
_BEFORE = re.compile(
    r"""(?:(?:(?!(?:log|ln|sin|cos|tan|cot)\ )[a-z]+|[%°º'".,;:)(=#])\ )*""", re.VERBOSE
)
"""What may stand before a value: words and punctuation, as in `x = 350`."""
_AFTER = re.compile(
    r"""(?!(?:k|bn|mn|half|halves|thirds?|quarters?|(?:four|fif|six|seven|eigh|nin|ten)ths?)\ )
    (?:(?:
        (?!(?:and|or|to|by|between)\ )[a-z]+\ (?:\^\ |\(\ power\ \)\ )?[23]  # cm 2, m ^ 2
        | (?<=[a-z]\ )/(?=\ [a-z])  # km / hr
        | [-(](?=\ [a-z])
        | [a-z]+ | [%°º'".,;:)]
    )\ )*""",
    re.VERBOSE,
)
"""What may stand after a value: units, words and punctuation; not `2 thirds` or `100k`."""


OPTION = Notation(
    token=re.compile(rf"{numbers.NUMBER}|[a-z]+|\S"),
    number=numbers.read_number,
    products={**PRODUCTS, ":": "divide"},
    has_powers=True,
    has_mixed_numbers=True,
    endings={"!": "factorial"},
    scales=numbers.SCALES,
    name=lambda text: "const_pi" if text in ("π", "pi") else None,
    roots={"√": "sqrt"},
    beside=lambda text: text in ("(", "√", "π", "pi"),
)
"""Arithmetic as options write it."""


def _time(match: re.Match[str]) -> float | None:
    """Return a time with two units, converted to the first; None if that is not the larger."""
    first, large, second, small = match.groups()
    units = [_UNITS[unit] if unit in _UNITS else _UNITS[unit[:-1]] for unit in (large, small)]
    return float(first) + float(second) * units[1] / units[0] if units[0] > units[1] else None


def _digits(text: str) -> str:
    """Return an option in words, `twenty five` or `two hours`, with its number in digits."""
    found = re.sub(r"^one\b", "1", digits_for_words(re.sub(r"^zero\b", "0", text)))
    return found if re.fullmatch(r"\d+(?: [a-z]+)? ?\.?", found) else text


def _begins(tokens: list[Token], at: int) -> bool:
    """True where a value can begin: at a number, a root or π, or at signs before one."""
    while at < len(tokens) and tokens[at].text in ("-", "+", "("):
        at += 1
    if at == len(tokens):
        return False
    text = tokens[at].text
    return text[-1:].isdecimal() or text in OPTION.roots or OPTION.name(text) is not None


def _is_alone(tokens: list[Token], start: int, end: int) -> bool:
    """True where nothing but words, units and punctuation is around the value from start to end."""
    before, after = (
        "".join(f"{token.text} " for token in part) for part in (tokens[:start], tokens[end:])
    )
    if tokens[start].text in "+-" and re.search(r"(?:^| )[a-z] $", before):
        return False  # x - 5
    return bool(_BEFORE.fullmatch(before) and _AFTER.fullmatch(after))


def _is_range(node: Node) -> bool:
    """True for `19 - 20`, which is a range."""
    return (
        isinstance(node, Call)
        and node.operation == "subtract"
        and all(isinstance(each, Fraction) for each in node.arguments)
    )


def _adds_letter(node: Node, after: str) -> bool:
    """True for `5 + 3 x`: the letter after the value is a factor of its last term."""
    adds = isinstance(node, Call) and node.operation in ("add", "subtract")
    return adds and len(after) == 1 and after.isalpha()
