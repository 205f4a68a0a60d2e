"""Expressions in a text: between backticks in the data, and found in what users type."""

import re

from corpus.base.errors import DataError
from corpus.program.domain import Span
from corpus.program.expressions.reader import (
    CONSTANTS,
    FUNCTIONS,
    Equation,
    is_variable,
    read,
    read_first,
    tokenize,
    variables_in,
)
from corpus.program.reader import ReadingError, Token

TICK = "`"
_MARKED = re.compile(r"`([^`]*)`")
_ARTICLES, _FUNCTIONS, _DEPENDENT = "aAeEi", "fghFG", "y"
"""Letters that are words unless a sign follows; letters that name functions, `f(2)`; and the letter
that a definition such as `y = 3x` defines."""
_FUNCTION_OF = re.compile(r"[fghFG]\s*+'*+\s*+\(\s*[a-z]\s*\)\s*=")
_BEFORE_WORD = re.compile(r"[a-z]\s*+-?+\s*+(?:axis|axes|intercepts?|coordinates?|values?)\b")
_PARTS = re.compile(r"[A-Za-z]+|\d+")
_ALGEBRA = re.compile(
    r"\b(?:differentia|(?:anti)?derivative|integra|slope|factor|expand|multiply out|simpl[iy]|"
    r"solve|roots?\b|zeros?\b|subject of|respect to)",
    re.IGNORECASE,
)
_BEFORE_SIGN = ("from", "to", "and", "between", "at", "is", "by", "of")
_ORDINAL = re.compile(r"(?<!\d)\d++(?:st|nd|rd|th)\b")

MAX_CHARACTERS = 4_000
"""Of a question that is searched for expressions: the time grows faster than the length."""


def find_expressions(text: str) -> list[Span[str]]:
    """Return the marked expressions of `text` from left to right.

    The list is empty if anything between backticks is no expression, equation or set of solutions:
    then a backtick is only a sign, as in `` john ` s ``.
    """
    if TICK not in text or text.count(TICK) % 2:
        return []
    found = [Span(match.start(), match.end(), match[1].strip()) for match in _MARKED.finditer(text)]
    return found if all(_is_expression(each.value) for each in found) else []


def _is_expression(text: str) -> bool:
    try:
        read(text)
    except ReadingError:
        return False
    return True


def mark_expressions(text: str) -> str:
    """Return typed text with its expressions between backticks.

    Text with backticks, or without algebra, is unchanged. It has algebra if a variable is added,
    multiplied, raised to a power, equated or given to a function, or if there is a variable and a
    word of algebra. So the letters of `trains A and B` and of `5 m / s` stay words. The longest
    expressions are marked, from left to right. Of `y = 3x` only the right side is marked, as a
    function of x; of other equations, such as `x = 2`, both sides are. `a`, `e` and `i` alone are
    words, and `f`, `g` and `h` name functions.

    Raises `DataError` for a text of more than `MAX_CHARACTERS`.
    """
    if TICK in text:
        return text
    if len(text) > MAX_CHARACTERS:
        raise DataError(
            f"the question has {len(text):,} characters, and at most {MAX_CHARACTERS:,} are "
            "read. Shorten it."
        )
    tokens, found, at = tokenize(text), list[tuple[int, int]](), 0
    words = _words(text)
    while at < len(tokens):
        first, end = at, 0
        if not any(start <= tokens[at].start < stop for start, stop in words) and _can_begin(
            tokens, at
        ):
            first, end = _longest(tokens, at)
        if end:
            found.append((tokens[first].start, tokens[end - 1].end))
        at = max(at + 1, end)
    about = [
        text[start:end]
        for start, end in found
        if any(map(is_variable, _PARTS.findall(text[start:end])))
    ]
    if not about or not (_ALGEBRA.search(text) or any(map(_is_algebra, about))):
        return text
    for start, end in reversed(found):
        text = f"{text[:start]}{TICK}{text[start:end]}{TICK}{text[end:]}"
    return text


def _is_algebra(expression: str) -> bool:
    return any(sign in expression for sign in "+-*^=") or any(
        part in FUNCTIONS for part in _PARTS.findall(expression)
    )


def _words(text: str) -> list[tuple[int, int]]:
    """Return the spans whose letters and digits are no mathematics: `f(x) =`, `x-axis`, `2nd`."""
    return [
        match.span()
        for pattern in (_FUNCTION_OF, _BEFORE_WORD, _ORDINAL)
        for match in pattern.finditer(text)
    ]


def _can_begin(tokens: list[Token], at: int) -> bool:
    text, before = tokens[at].text, tokens[at - 1].text if at else ""
    if text.isalpha() and before in ("'", "’"):
        return False  # john's
    if text == "(":
        return before not in ("'", "’", *_FUNCTIONS)  # f(2) is about 2
    if text == "-":
        return not before[-1:].isalnum() or before in _BEFORE_SIGN
    if text in _ARTICLES:
        return at + 1 < len(tokens) and tokens[at + 1].text in "=^*/+-("
    return (
        text[0].isdecimal()
        or text in FUNCTIONS
        or text in CONSTANTS
        or (is_variable(text) and text not in _FUNCTIONS)
    )


def _longest(tokens: list[Token], at: int) -> tuple[int, int]:
    """Return first token and end of the longest expression at `at`; end 0 where there is none."""
    try:
        found, end = read_first(tokens, at)
    except ReadingError:
        return at, 0
    defines = (
        isinstance(found, Equation) and tokens[at].text == _DEPENDENT and tokens[at + 1].text == "="
    )
    return (at + 2, end) if defines and variables_in(found) - {_DEPENDENT} else (at, end)
