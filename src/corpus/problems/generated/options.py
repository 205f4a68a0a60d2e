"""Five options for a problem: the gold answer, and four values of mistakes or near guesses."""

import itertools
import random
from collections.abc import Iterator, Sequence
from fractions import Fraction

NUM_OPTIONS = 5
FRACTION = "fraction"
_APART = 0.012
"""Options differ by at least this share of the larger: rounding makes no wrong one the nearest."""
_ROUNDING = 0.004
"""A gold answer may differ from the program's value by at most this share of it."""
_FARTHEST = 30.0
"""A mistake's value counts as plausible within this factor of the gold answer."""
_MISTAKES = 0.7
"""Probability that a distractor is a mistake's value, if there is one, and not a near guess."""


def write_value(value: float, digits: int | None) -> str | None:
    """Write a value with at most `digits` decimals, or as a fraction (None); None if it cannot."""
    if digits is not None:
        text = f"{value:.{digits}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    fraction = Fraction(value).limit_denominator(20_000)
    if not 0 < fraction < 1 or abs(float(fraction) - value) > 1e-9:
        return None
    return f"{fraction.numerator} / {fraction.denominator}"


def read_value(text: str) -> float:
    """Return the value of what `write_value` wrote."""
    return float(Fraction(text.replace(" ", "")))


def digits_for(value: float) -> int | None:
    """Return the fewest decimals, at most three, that show a value; None if these are too few."""
    for digits in range(4):
        exact = abs(round(value, digits) - value) < 1e-9
        if exact or (digits >= 2 and abs(round(value, digits) - value) <= _ROUNDING * abs(value)):
            return digits
    return None


def choose_options(
    value: float, mistaken: Sequence[float], digits: int | None, rng: random.Random
) -> tuple[list[str], int] | None:
    """Return five option texts in random order and the place of the gold answer, or None.

    How many options are smaller than the gold answer is drawn uniformly, so that no rule about
    sizes (take the middle one, the largest) finds it more often than chance.
    """
    key = write_value(value, digits)
    if key is None:
        return None
    for num_smaller in rng.sample(range(NUM_OPTIONS), NUM_OPTIONS):
        chosen = [key]
        wanted = [-1] * num_smaller + [1] * (NUM_OPTIONS - 1 - num_smaller)
        rng.shuffle(wanted)
        if all(_add_distractor(chosen, value, mistaken, digits, side, rng) for side in wanted):
            rng.shuffle(chosen)
            return chosen, chosen.index(key)
    return None


def _add_distractor(
    chosen: list[str],
    value: float,
    mistaken: Sequence[float],
    digits: int | None,
    side: int,
    rng: random.Random,
) -> bool:
    plausible = [
        wrong
        for wrong in mistaken
        if value / _FARTHEST < wrong < value * _FARTHEST and (wrong > value) == (side > 0)
    ]
    rng.shuffle(plausible)
    near = _near_guesses(value, digits, side, rng)
    first, second = (plausible, near) if rng.random() < _MISTAKES else (near, plausible)
    for candidate in itertools.chain(first, second):
        text = write_value(candidate, digits)
        if text is not None and _is_apart(text, chosen, side):
            chosen.append(text)
            return True
    return False


def _is_apart(text: str, chosen: Sequence[str], side: int) -> bool:
    """True if `text` is positive, far enough from all `chosen`, and on `side` of the first."""
    number = read_value(text)
    others = [read_value(other) for other in chosen]
    if number <= 0 or (number - others[0]) * side <= 0:
        return False
    return all(abs(number - other) > _APART * max(number, other) for other in others)


def _near_guesses(
    value: float, digits: int | None, side: int, rng: random.Random
) -> Iterator[float]:
    """Yield values a bit smaller (`side` -1) or larger (1) than `value`, then more distant ones."""
    for attempt in range(24):
        if digits is None:
            fraction = Fraction(value).limit_denominator(20_000)
            change = rng.randint(1, 2 + attempt // 2)
            top, bottom = fraction.numerator, fraction.denominator
            numerators = (
                (top + side * change, bottom)
                if rng.random() < 0.5
                else (top, bottom - side * change)
            )
            if numerators[1] > 0:
                yield numerators[0] / numerators[1]
        else:
            unit = 10.0**-digits
            yield value + side * max(
                unit * rng.randint(1, 1 + attempt), value * rng.uniform(0.02, 0.3 + 0.02 * attempt)
            )
