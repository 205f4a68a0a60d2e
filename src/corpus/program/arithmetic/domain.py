"""Problems over numbers: MathQA's kind, the default."""

import math
import re
import sys
from collections.abc import Sequence

from corpus.program.arithmetic import answer
from corpus.program.arithmetic.interpreter import execute
from corpus.program.arithmetic.operations import OPERATIONS
from corpus.program.domain import (
    MARK,
    AnswerOption,
    Domain,
    ProgramOutcome,
    Quantity,
    Span,
    between,
)
from corpus.program.language import Program
from corpus.program.spelling import NUMBER, normalize

RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""Two values are equal within these tolerances: the rounding of floats, not of options."""

DIGITS = 9
"""Values that agree in this many significant digits are one value in majority voting."""

_NUMBER = re.compile(NUMBER)


class Arithmetic(Domain[float]):
    """Numbers: every number of a text is a quantity."""

    name = "numbers"
    operations = frozenset(OPERATIONS)
    has_options = True
    has_normal_form = True

    def find(self, text: str) -> list[Span[float]]:
        """Return the numbers of `text`. A minus sign is not part of a number."""
        return [Span(each.start(), each.end(), _value(each[0])) for each in _NUMBER.finditer(text)]

    def mask(self, text: str) -> str:
        """Return `text` with every number replaced by `MARK`."""
        return _NUMBER.sub(MARK, text)

    def pieces(self, text: str, limit: int) -> list[str]:
        """Return the words around the numbers; the whole text is normalized first."""
        clean = normalize(text)
        return [piece.strip() for piece in between(clean, self.find(clean)[:limit])]

    def num_words(self, text: str) -> int:
        """Return how many words, numbers and signs a text has in MathQA's spelling."""
        return len(normalize(text).split())

    def execute(self, program: Program, quantities: Sequence[float]) -> ProgramOutcome[float]:
        """Run a program; time and memory grow with the number of its steps alone."""
        return execute(program, quantities)

    def same(self, first: float | None, second: float | None) -> bool:
        """True if both are equal within rounding; False if one of them is None."""
        if first is None or second is None:
            return False
        return math.isclose(first, second, rel_tol=RELATIVE, abs_tol=ABSOLUTE)

    def is_answer(
        self, value: float | None, gold: Quantity | None, gold_program: Program | None
    ) -> bool:
        """True if `value` is `gold` within its rounding; see `answer.is_answer`."""
        return not isinstance(gold, str) and answer.is_answer(value, gold)

    def nearest(self, value: float | None, options: Sequence[AnswerOption]) -> str | None:
        """Return the letter of the option nearest to `value`."""
        return answer.nearest_option(value, options)

    def say_the_same(self, first: AnswerOption, second: AnswerOption) -> bool:
        """True for options of one value and one unit."""
        return answer.say_the_same(first, second)

    def is_near(self, value: float, option: AnswerOption) -> bool:
        """True where `value` is within 1 % of the option."""
        return answer.is_near(value, option)

    def is_plausible(self, value: float) -> bool:
        """True above 0: word problems ask for how many, how far, how much."""
        return value > 0

    def group(self, value: float) -> str:
        """Return a value to `DIGITS` digits."""
        return f"{value + 0.0:.{DIGITS - 1}e}"  # -0.0 + 0.0 is 0.0

    def show(self, value: float, digits: int) -> str:
        """Return a number as text."""
        return f"{value:.{digits}g}"


def _value(digits: str) -> float:
    # Hundreds of digits would be infinite, which no file can hold.
    return min(float(digits.replace(",", "")), sys.float_info.max)
