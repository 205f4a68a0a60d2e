"""Random expressions, as texts in the spellings that people use."""

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial

VARIABLES = "xxxytuvwz"


def polynomial(coefficients: Sequence[int], x: str, rng: random.Random) -> str:
    """Write a polynomial, its highest coefficient first: `3x^2 - x + 5`, or `3*x**2 - x + 5`."""
    times, power = ("", "^") if rng.random() < 0.6 else ("*", "**")
    text = ""
    for place, coefficient in enumerate(coefficients):
        degree = len(coefficients) - 1 - place
        if coefficient == 0:
            continue
        letters = "" if degree == 0 else x if degree == 1 else f"{x}{power}{degree}"
        size = abs(coefficient)
        digits = str(size) if size != 1 or not letters else ""
        term = f"{digits}{times if digits and letters else ''}{letters}"
        text += (
            f" {'-' if coefficient < 0 else '+'} {term}"
            if text
            else f"{'-' if coefficient < 0 else ''}{term}"
        )
    return text or "0"


def _some(rng: random.Random, largest: int) -> int:
    """Return a number other than 0."""
    return rng.choice((-1, 1)) * rng.randint(1, largest)


def _times(*factors: Sequence[int]) -> list[int]:
    """Return the coefficients of a product of polynomials."""
    product = [1]
    for factor in factors:
        result = [0] * (len(product) + len(factor) - 1)
        for i, one in enumerate(product):
            for j, other in enumerate(factor):
                result[i + j] += one * other
        product = result
    return product


def quadratic(x: str, rng: random.Random) -> str:
    """Write a quadratic with whole zeros."""
    lead, first, second = rng.choice((1, 1, 1, 2, 3, -1)), rng.randint(-7, 7), rng.randint(-7, 7)
    return polynomial(_times([lead], [1, -first], [1, -second]), x, rng)


def cubic(x: str, rng: random.Random) -> str:
    """Write a cubic with whole turning points, whole zeros or neither."""
    first, second = rng.sample(range(-5, 6), 2)
    kind = rng.randrange(3)
    if kind == 0:
        return polynomial(
            [2, -3 * (first + second), 6 * first * second, rng.randint(-9, 9)], x, rng
        )
    if kind == 1:
        return polynomial(_times([1, -first], [1, -second], [1, rng.randint(-4, 4)]), x, rng)
    return polynomial(
        [_some(rng, 4), rng.randint(-6, 6), rng.randint(-9, 9), rng.randint(-9, 9)], x, rng
    )


def curve(x: str, rng: random.Random) -> str:
    """Write a polynomial or another function."""
    a, b, n = rng.randint(2, 6), rng.randint(2, 5), rng.randint(2, 4)
    others = (
        f"{a}*sin({b}*{x})",
        f"{a}cos({x}) + {b}{x}",
        f"{a}*exp({x}) - {b}*{x}",
        f"e^({b}{x})",
        f"{a}ln({x}) + {x}^{n}",
        f"{x}*exp({x})",
        f"{x} sin({x})",
        f"{a}/{x}^{n}",
        f"{a}sqrt({x})",
    )
    return rng.choice((quadratic, cubic))(x, rng) if rng.random() < 0.5 else rng.choice(others)


def bracketed(x: str, rng: random.Random) -> str:
    """Write an expression to multiply out."""
    a, b, c = rng.randint(2, 5), rng.randint(1, 9), rng.randint(1, 9)
    return rng.choice(
        (
            f"({x} + {b})({x} - {c})",
            f"({a}{x} - {b})^2",
            f"{a}{x}({x} + {b})",
            f"({x} - {b})*({x}**2 + {c})",
            f"({x} + {b})^3",
        )
    )


def fraction(x: str, rng: random.Random) -> str:
    """Write an expression in which something cancels."""
    p, q = rng.sample([n for n in range(-7, 8) if n], 2)
    top, bottom = polynomial(_times([1, -p], [1, -q]), x, rng), polynomial([1, -p], x, rng)
    return rng.choice(
        (
            f"({top})/({bottom})",
            f"{rng.randint(2, 6)}{x}^3/{x} + {abs(q)}{x}^2",
            f"{abs(p)}({x} + {abs(q)}) - {x}",
        )
    )


def _with_expression(
    kind: Callable[[str, random.Random], str], rng: random.Random
) -> Mapping[str, str]:
    """Draw an expression `f` of this kind, and the other quantities that a text may name."""
    x = rng.choice(VARIABLES)
    low = rng.randint(1, 4)
    return {
        "f": kind(x, rng),
        "g": polynomial([rng.randint(0, 2), _some(rng, 6), rng.randint(-9, 9)], x, rng),
        "x": x,
        "a": str(low),
        "b": str(low + rng.randint(1, 4)),
        "at": f"{x} = {rng.randint(1, 6)}",
    }


def equation(rng: random.Random) -> Mapping[str, str]:
    """Draw a linear or quadratic equation in one variable."""
    x, root = rng.choice(VARIABLES), rng.randint(-9, 9)
    lead, shift = rng.randint(2, 9), rng.randint(-9, 9)
    linear = f"{polynomial([lead, shift], x, rng)} = {lead * root + shift}"
    left, right = [lead, shift], [1, (lead - 1) * root + shift]
    moved = f"{polynomial(left, x, rng)} = {polynomial(right, x, rng)}"
    second = f"{quadratic(x, rng)} = 0"
    return {"f": rng.choice((linear, moved, second, second)), "x": x}


def literal(rng: random.Random) -> Mapping[str, str]:
    """Draw an equation between letters, and the letter to solve it for."""
    x, y, *_ = letters = rng.sample("xyzuvwrstkmn", 4)
    a, b = rng.randint(2, 9), rng.randint(2, 9)
    forms = (
        f"{a}{x} + {b}{y} = {letters[2]}",
        f"{y} = {letters[2]}*{x} + {letters[3]}",
        f"{letters[2]} = {x}*{y}/{a}",
        f"{letters[2]}*({x} - {letters[3]}) = {y}",
    )
    return {"f": rng.choice(forms), "x": x}


EXPRESSIONS = {kind.__name__: kind for kind in (curve, cubic, quadratic, bracketed, fraction)}
"""Kinds of expressions, by name."""

DRAWS: dict[str, Callable[[random.Random], Mapping[str, str]]] = {
    **{name: partial(_with_expression, kind) for name, kind in EXPRESSIONS.items()},
    "equation": equation,
    "literal": literal,
}
"""Functions that draw the quantities of a problem, by name: `f`, and others a text may name."""

QUANTITIES = {
    **dict.fromkeys(DRAWS, ("f", "x")),
    **dict.fromkeys(EXPRESSIONS, ("f", "g", "x", "a", "b", "at")),
}
"""The names of the quantities that each draw gives."""
