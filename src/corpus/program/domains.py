"""Every domain, and which one a problem belongs to."""

from collections.abc import Sequence
from typing import Any

from corpus.program.arithmetic.domain import Arithmetic
from corpus.program.domain import Domain, ProgramOutcome
from corpus.program.expressions.domain import Expressions
from corpus.program.language import Program

ARITHMETIC, EXPRESSIONS = Arithmetic(), Expressions()

DOMAINS: tuple[Domain[Any], ...] = (EXPRESSIONS, ARITHMETIC)
"""Every domain; a text belongs to the first one that finds its quantities in it."""


def domain_of(text: str) -> Domain[Any]:
    """Return the domain of a text: arithmetic where it has no quantities."""
    return next((domain for domain in DOMAINS[:-1] if domain.find(text)), DOMAINS[-1])


def execute(program: Program, quantities: Sequence[Any]) -> ProgramOutcome[Any]:
    """Run a program in the domain of its quantities; the problem itself is not needed."""
    has_texts = any(isinstance(each, str) for each in quantities)
    return (EXPRESSIONS if has_texts else ARITHMETIC).execute(program, quantities)
