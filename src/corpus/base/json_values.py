"""JSON as other programs write it, with integers of any length, and as Corpus writes it."""

import json
from typing import Any


def parse_json(data: str | bytes) -> Any:
    """Return the value of a JSON text; an integer too long for Python's `int` becomes its digits as
    text.

    Raises:
        json.JSONDecodeError: it is not JSON.
        UnicodeDecodeError: it is not UTF-8.
        RecursionError: it is nested too deeply.
    """
    try:
        return json.loads(data)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except ValueError:  # Python limits the digits of an integer
        return json.loads(data, parse_int=integer_or_digits)


MAX_INTEGER_DIGITS = 20
"""Digits and sign of the longest integer in a file of ours: what 64 bits hold."""

MAX_DEPTH = 40
"""How deep lists and objects are nested at most in a file of ours."""


def parse_own(data: str | bytes) -> Any:
    """Return the value of a JSON text that Corpus wrote.

    Raises `ValueError` where it is not JSON, or has a longer integer or is nested deeper than
    anything that Corpus writes: such values would fail later, wherever they are used.
    """
    try:
        value = json.loads(data, parse_int=_own_integer)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    inside = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        inside = [
            each
            for outer in inside
            for each in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(each, (dict, list))
        ]
        if not inside:
            return value
    raise ValueError(_TOO_DEEP)


_TOO_DEEP = f"it is nested more than {MAX_DEPTH} deep"


def _own_integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS:
        raise ValueError(f"it has an integer of {len(digits)} digits")
    return int(digits)


def integer_or_digits(digits: str) -> int | str:
    """Return an integer, or its digits if it has more than Python reads."""
    try:
        return int(digits)
    except ValueError:
        return digits
