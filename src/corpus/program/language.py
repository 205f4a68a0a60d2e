"""The program language: steps that apply an operation to quantities, constants and earlier results.

    divide(n0,n1)|multiply(#0,const_100)

`n0` is the first quantity of the problem, `#0` the result of the first step, `const_100` a
constant; the last step is the answer. Reference: Amini et al. 2019, arXiv:1905.13319.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from corpus.program.arithmetic.operations import OPERATIONS
from corpus.program.expressions.operations import ARITIES as ON_EXPRESSIONS

ARITIES: dict[str, int] = {
    **{each.name: each.arity for each in OPERATIONS.values()},
    **ON_EXPRESSIONS,
}
"""How many arguments each operation of any domain takes."""

MAX_NUMBERS = 32
"""Quantities of a problem that have a symbol: n0 … n31."""

MAX_RESULTS = 32
"""Results of earlier steps that have a symbol: #0 … #31; later ones have none."""

CONSTANTS: dict[str, float] = {
    "const_0": 0.0,
    "const_0_25": 0.25,
    "const_0_2778": 1000 / 3600,
    "const_0_33": 1 / 3,
    "const_0_3937": 1 / 2.54,
    "const_0_4535": 0.4535,
    "const_0_5": 0.5,
    "const_0_6": 0.6,
    "const_1": 1.0,
    "const_1_6": 1.6,
    "const_2": 2.0,
    "const_2_2046": 2.2046,
    "const_2_54": 2.54,
    "const_3": 3.0,
    "const_3_6": 3.6,
    "const_4": 4.0,
    "const_5": 5.0,
    "const_6": 6.0,
    "const_10": 10.0,
    "const_12": 12.0,
    "const_26": 26.0,
    "const_52": 52.0,
    "const_60": 60.0,
    "const_100": 100.0,
    "const_180": 180.0,
    "const_360": 360.0,
    "const_1000": 1000.0,
    "const_3600": 3600.0,
    "const_pi": math.pi,
    "const_deg_to_rad": math.pi / 180,
}
"""Every constant in the released data or in the list of its paper, by canonical name.

`_` between digits is the decimal point. 0_2778 (km/h to m/s), 0_33 and 0_3937 (cm to inches) stand
for the exact values that they abbreviate.
"""

SYMBOLS: tuple[str, ...] = (
    *OPERATIONS,
    *CONSTANTS,
    *(f"n{index}" for index in range(MAX_NUMBERS)),
    *(f"#{index}" for index in range(MAX_RESULTS)),
    *ON_EXPRESSIONS,  # added later, so the ids before them stayed the same
)
"""Every symbol of programs, in the order of token ids. Adding one changes every tokenizer."""

_SYMBOLS = frozenset(SYMBOLS)
_STEP = re.compile(r"\s*([a-z_]+)\s*\(([^()]*)\)\s*")
_NUMBER = re.compile(r"n(0|[1-9]\d{0,3})")
_RESULT = re.compile(r"#(0|[1-9]\d{0,3})")
_CONSTANT = re.compile(r"const_(\d+)(?:[._](\d+))?")


class ProgramError(ValueError):
    """A text or a sequence of symbols is not a program; the message says why.

    A model may have written it, so this is no `CorpusError`.
    """


@dataclass(frozen=True, slots=True)
class Step:
    """One operation and the canonical names of its arguments."""

    operation: str
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.operation}({','.join(self.arguments)})"


@dataclass(frozen=True, slots=True)
class Program:
    """Steps in order, built with `parse` or `from_symbols`, which check them."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "|".join(map(str, self.steps))


def parse(text: str) -> Program:
    """Read a linear formula such as `divide(n0,n1)|multiply(#0,const_100)|`.

    The last bar and spaces do not matter. Constants get their canonical names (`const_2.0` →
    `const_2`). Raises `ProgramError` where an operation, a number of arguments or an argument is
    unknown, or a step refers to itself or to a later one.
    """
    pieces = text.strip().removesuffix("|").split("|")
    return Program(tuple(_parse_step(piece, place) for place, piece in enumerate(pieces)))


@lru_cache(maxsize=1 << 16)
def _parse_step(piece: str, position: int) -> Step:
    """Read one step. Programs share equal steps through the cache."""
    match = _STEP.fullmatch(piece)
    if match is None:
        raise ProgramError(
            f"step {position} is {piece.strip()!r}, expected operation(argument,...)"
        )
    arguments = tuple(argument.strip() for argument in match[2].split(","))
    return make_step(match[1], arguments, position)


def make_step(operation: str, arguments: Sequence[str], position: int) -> Step:
    """Return the checked step `position` (from 0). Raises `ProgramError`."""
    arity = ARITIES.get(operation)
    if arity is None:
        raise ProgramError(f"step {position} names the unknown operation {operation!r}")
    if len(arguments) != arity:
        raise ProgramError(
            f"step {position} gives {operation} {len(arguments)} arguments, expected {arity}"
        )
    return Step(operation, tuple(_canonical(argument, position) for argument in arguments))


def _canonical(argument: str, position: int) -> str:
    if argument in CONSTANTS or _NUMBER.fullmatch(argument):
        return argument
    if match := _RESULT.fullmatch(argument):
        if int(match[1]) >= position:
            raise ProgramError(
                f"step {position} uses {argument}, the result of a step that does not come "
                "before it"
            )
        return argument
    if match := _CONSTANT.fullmatch(argument):
        fraction = (match[2] or "").rstrip("0")
        name = f"const_{int(match[1])}" + (f"_{fraction}" if fraction else "")
        if name in CONSTANTS:
            return name
    raise ProgramError(f"step {position} has the unknown argument {argument!r}")


def to_symbols(program: Program) -> list[str]:
    """Return a program as symbols without separators: `divide n0 n1 multiply #0 const_100`.

    Each operation's arity says where its arguments end. Raises `ProgramError` if a quantity or
    result has no symbol.
    """
    symbols = [symbol for step in program.steps for symbol in (step.operation, *step.arguments)]
    for symbol in symbols:
        if symbol not in _SYMBOLS:
            raise ProgramError(
                f"{symbol} has no symbol: programs reach to n{MAX_NUMBERS - 1} and "
                f"#{MAX_RESULTS - 1}"
            )
    return symbols


def from_symbols(symbols: Sequence[str]) -> Program:
    """Read what `to_symbols` writes. Raises `ProgramError` if it is empty or malformed."""
    steps: list[Step] = []
    at = 0
    while at < len(symbols):
        operation = symbols[at]
        arity = ARITIES.get(operation)
        if arity is None:
            raise ProgramError(f"symbol {at} is {operation!r}, expected an operation")
        arguments = symbols[at + 1 : at + 1 + arity]
        if len(arguments) < arity:
            raise ProgramError(f"the program ends inside {operation}")
        steps.append(make_step(operation, arguments, len(steps)))
        at += 1 + arity
    if not steps:
        raise ProgramError("the program has no steps")
    return Program(tuple(steps))
