"""Numbers in a problem's text, found in the order of the data's n0, n1, …, and the text without them."""

import re
import sys
from dataclasses import dataclass

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


def mask(text: str) -> str:
    """Return `text` with every number replaced by `MARK`."""
    return _NUMBER.sub(MARK, text)


def template_of(text: str) -> str:
    """Return the template of a problem: lower-case, every number replaced by one mark, runs of white space folded.

    Two problems with one template differ in their numbers alone; a problem is *template-seen* where its template was trained on.
    """
    return " ".join(mask(text.lower()).split())


def _value(digits: str) -> float:
    return min(float(digits.replace(",", "")), sys.float_info.max)  # hundreds of digits would be infinite, which no file can hold
