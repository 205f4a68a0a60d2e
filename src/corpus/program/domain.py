"""The interface of a domain: one kind of problem, with its quantities, operations and answers.

A new kind of problem is one folder beside `arithmetic` and `expressions`, and one entry in
`domains`. All other code uses `problem.domain`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from corpus.program.language import CONSTANTS, Program
from corpus.program.spelling import normalize

Quantity = float | str
"""A quantity of a problem, or a value that is computed: a number, or an expression's text."""

Value = TypeVar("Value", bound=Quantity)
"""A quantity of one domain."""

MARK = "<n>"
"""Stands for a quantity in a masked text."""


@dataclass(frozen=True, slots=True)
class Span(Generic[Value]):
    """A quantity: characters `start` to `end` of the text, and its value."""

    start: int
    end: int
    value: Value


@dataclass(frozen=True, slots=True)
class AnswerOption:
    """One answer to choose from: its letter, its text as given, and its value where it has one."""

    letter: str
    text: str
    value: float | None


@dataclass(frozen=True, slots=True)
class ProgramOutcome(Generic[Value]):
    """The result of executing a program: its value, or the error that stopped it."""

    value: Value | None
    """The result of the last step; None where a step failed."""
    error: str | None
    results: tuple[Value, ...] = ()
    """The results of the steps before the error, or of all steps."""

    @property
    def executes(self) -> bool:
        """True where every step gave a result."""
        return self.error is None


class Domain(ABC, Generic[Value]):
    """One kind of problem."""

    name: str
    """What its quantities are called."""
    operations: frozenset[str]
    """The operations of its programs."""
    constants: frozenset[str] = frozenset(CONSTANTS)
    """The constants of its programs."""
    computes_answers: bool = False
    """Gold answers were computed from the gold programs, so these need no check."""
    has_options: bool = False
    """Its problems may have options to choose from."""
    has_normal_form: bool = False
    """Its programs can be rewritten in normal form without changing what is asked for."""

    @abstractmethod
    def find(self, text: str) -> list[Span[Value]]:
        """Return the quantities n0, n1, … of `text`, from left to right."""

    def mark(self, text: str) -> str:
        """Return a typed question with its quantities marked, so that `find` finds them."""
        return text

    def unmark(self, text: str) -> str:
        """Return `text` without marks, as a model that does not know this domain reads it."""
        return text

    def check_marks(self, text: str) -> None:
        """Raise `DataError` if something is marked that is not a quantity."""

    def mask(self, text: str) -> str:
        """Return `text` with every quantity replaced by `MARK`."""
        return MARK.join(between(text, self.find(text)))

    def pieces(self, text: str, limit: int) -> list[str]:
        """Return the words around the first `limit` quantities, in MathQA's spelling.

        The first piece stands before n0, the second between n0 and n1, and so on.
        """
        return [normalize(piece) for piece in between(text, self.find(text)[:limit])]

    def num_words(self, text: str) -> int:
        """Return how many words, numbers and signs a text has in MathQA's spelling."""
        return len(normalize(self.mask(text)).split())

    @abstractmethod
    def execute(self, program: Program, quantities: Sequence[Value]) -> ProgramOutcome[Value]:
        """Run a program on the quantities n0, n1, …; a wrong program raises no exception."""

    @abstractmethod
    def same(self, first: Value | None, second: Value | None) -> bool:
        """True if both are equal within rounding; False if one of them is None."""

    @abstractmethod
    def is_answer(
        self, value: Value | None, gold: Quantity | None, gold_program: Program | None
    ) -> bool:
        """True if `value` is right and the gold answer is `gold`; False if one of them is None.

        Some domains also require the form, such as expanded, that the gold program ends with.
        """

    def nearest(self, value: Value | None, options: Sequence[AnswerOption]) -> str | None:
        """Return the letter of the option nearest to `value`; None where there is none."""
        return None

    def say_the_same(self, first: AnswerOption, second: AnswerOption) -> bool:
        """True for two options that mean the same answer."""
        return first.text == second.text

    def is_near(self, value: Value, option: AnswerOption) -> bool:
        """True where `value` rounds to what the option says."""
        return False

    def is_plausible(self, value: Value) -> bool:
        """False for values that hardly any problem asks for."""
        return True

    @abstractmethod
    def group(self, value: Value) -> str:
        """Return a key that is equal for values that count as one in majority voting."""

    @abstractmethod
    def show(self, value: Value, digits: int) -> str:
        """Return a value as text, numbers with `digits` significant digits."""

    def show_answer(self, program: Program, value: Value, digits: int) -> str:
        """Return the final value of a program as text."""
        return self.show(value, digits)


def between(text: str, spans: Sequence[Span[Value]]) -> list[str]:
    """Return the text before, between and after some spans."""
    starts = [0, *(span.end for span in spans)]
    ends = [*(span.start for span in spans), len(text)]
    return [text[start:end] for start, end in zip(starts, ends)]
