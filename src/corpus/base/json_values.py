"""JSON as other programs write it: with integers of any length."""

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


def integer_or_digits(digits: str) -> int | str:
    """Return an integer, or its digits if it has more than Python reads."""
    try:
        return int(digits)
    except ValueError:
        return digits
