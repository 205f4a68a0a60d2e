"""Which option a program's value means, and whether it is the gold answer."""

import math
import re
from collections.abc import Sequence

from corpus.program.domain import AnswerOption

TOLERANCE = 0.01
"""Largest relative distance at which a value counts as an option: options are rounded."""

EXACT = 1e-4
"""Largest relative difference at which a value is the gold answer of a problem without options.

A gold answer may be written with five digits (0.33333); the value of a right program is nearer.
"""

MISS = 0.49
"""The absolute difference must not exceed this, however large the answer."""

_UNIT = re.compile("[^\\W\\d_]+|%")


def nearest_option(value: float | None, options: Sequence[AnswerOption]) -> str | None:
    """Return the letter of the option nearest to `value`, of equally near ones the first.

    None if there are no values to compare.
    """
    if value is None or not math.isfinite(value):
        return None
    valued = [
        (abs(value - option.value), option.letter) for option in options if option.value is not None
    ]
    return min(valued, key=lambda pair: pair[0])[1] if valued else None


def say_the_same(first: AnswerOption, second: AnswerOption) -> bool:
    """True for options of one value and one unit: `60` and `60.0`, not `3 km` and `3 m`."""
    if first.text == second.text:
        return True
    units = [_UNIT.findall(option.text.lower()) for option in (first, second)]
    return first.value is not None and first.value == second.value and units[0] == units[1]


def is_near(value: float, option: AnswerOption) -> bool:
    """True where `value` rounds to what the option says: within 1 % of it."""
    return option.value is not None and abs(value - option.value) <= max(
        TOLERANCE * abs(option.value), 1e-6
    )


def is_answer(value: float | None, answer: float | None) -> bool:
    """True where `value` is `answer`: within 1e-4 relatively, and within 0.5 absolutely.

    So two different whole numbers are never the same answer.
    """
    if value is None or answer is None:
        return False
    return abs(value - answer) <= max(min(EXACT * abs(answer), MISS), 1e-9)
