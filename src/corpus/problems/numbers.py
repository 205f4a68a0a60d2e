"""Numbers in a problem's text, found in the order of the data's n0, n1, …, and the text without them.

Where a text holds marked expressions, those are its quantities instead (see `expressions`).
"""

import re
import sys
from dataclasses import dataclass

from corpus.problems.expressions import find_expressions

NUMBER = r"\d+(?:,\d+)*(?:\.\d+)?|(?<!\w)\.\d+"
"""What counts as one number. As in MathQA, digits joined by commas are one, `15,18` too; `.5` is 0.5, but `rs.500` is 500."""

MARK = "<n>"
"""Stands for a number in a masked text."""

_NUMBER = re.compile(NUMBER)


@dataclass(frozen=True, slots=True)
class Span:
    """A number: characters `start` to `end` of the text, and its value."""

    start: int
    end: int
    value: float


def find_numbers(text: str) -> list[Span]:
    """Return the numbers of `text` from left to right; the i-th is `n{i}` of its programs. A minus sign is not part of a number."""
    return [Span(match.start(), match.end(), _value(match[0])) for match in _NUMBER.finditer(text)]


def find_quantities(text: str) -> tuple[float, ...] | tuple[str, ...]:
    """Return what n0, n1, … of a text are: the texts of its marked expressions where it has any, else the values of its numbers."""
    expressions = find_expressions(text)
    return (
        tuple(each.text for each in expressions)
        if expressions
        else tuple(span.value for span in find_numbers(text))
    )


def mask(text: str) -> str:
    """Return `text` with every quantity replaced by `MARK`."""
    expressions = find_expressions(text)
    if not expressions:
        return _NUMBER.sub(MARK, text)
    for each in reversed(expressions):
        text = text[: each.start] + MARK + text[each.end :]
    return text


def template_of(text: str) -> str:
    """Return the template of a problem: lower-case, every quantity replaced by one mark, runs of white space folded.

    Two problems with one template differ in their quantities alone; a problem is *template-seen* where its template was trained on.
    """
    return " ".join(mask(text.lower()).split())


def _value(digits: str) -> float:
    return min(
        float(digits.replace(",", "")), sys.float_info.max
    )  # hundreds of digits would be infinite, which no file can hold
