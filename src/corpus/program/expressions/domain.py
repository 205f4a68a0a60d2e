"""Problems over expressions and equations, which sympy solves in a sandbox.

    differentiate `3*x**2 + 2*x` with respect to `x` .

Every quantity of such a text stands between backticks, even a variable or a number; other digits
are words. In a question that a user types, they are marked first.
"""

import re
from collections.abc import Sequence

from corpus.base.errors import DataError
from corpus.program.domain import Domain, ProgramOutcome, Quantity, Span
from corpus.program.expressions import sandbox
from corpus.program.expressions.marks import TICK, find_expressions, mark_expressions
from corpus.program.expressions.operations import ARITIES, FORMS, SHARED
from corpus.program.expressions.reader import read
from corpus.program.language import Program
from corpus.program.reader import ReadingError

_APOSTROPHE = re.compile(r"` ?(?:s|t|re|ve|ll|d|m)\b")
"""An apostrophe as MathQA writes it: `` john ` s ``."""


class Expressions(Domain[str]):
    """Expressions: whatever stands between backticks is a quantity."""

    name = "expressions"
    operations = frozenset((*SHARED, *ARITIES))
    computes_answers = True

    def find(self, text: str) -> list[Span[str]]:
        """Return the marked expressions of `text`."""
        return find_expressions(text)

    def mark(self, text: str) -> str:
        """Return a typed question with its expressions between backticks."""
        return mark_expressions(text)

    def unmark(self, text: str) -> str:
        """Return `text` with the expressions in it as plain text."""
        return text.replace(TICK, "") if self.find(text) else text

    def check_marks(self, text: str) -> None:
        """Raise `DataError` for what stands between backticks and is no expression."""
        if TICK not in _APOSTROPHE.sub("", text) or self.find(text):
            return
        for piece in text.split(TICK)[1::2]:
            try:
                read(piece)
            except ReadingError as error:
                raise DataError(
                    f"{piece!r} stands between backticks and is no expression: {error}. "
                    "Write it as 3x^2 + 2x"
                ) from None
        raise DataError(
            f"the problem {text!r} has a backtick too many; an expression stands between two, "
            "or write none"
        )

    def execute(self, program: Program, quantities: Sequence[str]) -> ProgramOutcome[str]:
        """Run a program in the sandbox, which limits time and memory."""
        return sandbox.execute(program, [str(each) for each in quantities])

    def same(self, first: str | None, second: str | None) -> bool:
        """True where the sandbox shows that both are equivalent."""
        return first is not None and second is not None and sandbox.is_answer(first, second)

    def is_answer(
        self, value: str | None, gold: Quantity | None, gold_program: Program | None
    ) -> bool:
        """True if `value` is equivalent to `gold`, and in the form that is asked for, if any.

        A form is asked for if the last operation of the gold program is one, such as `expand`.
        """
        if value is None or not isinstance(gold, str):
            return False
        last = gold_program.steps[-1].operation if gold_program is not None else None
        return sandbox.is_answer(value, gold, last if last in FORMS else None)

    def group(self, value: str) -> str:
        """Return the expression itself: only expressions written alike count as one value."""
        return value

    def show(self, value: str, digits: int) -> str:
        """Return the expression itself."""
        return value

    def show_answer(self, program: Program, value: str, digits: int) -> str:
        """Return the expression, an antiderivative with its constant."""
        return value + (" + C" if program.steps[-1].operation == "integrate" else "")
