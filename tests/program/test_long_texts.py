"""Readers take long texts in time that grows with their length, or refuse them.

The atoms are those that regular expressions and readers stumble over when they are repeated. Where
time grows with the square of the length, most take minutes and run into the timeout.
"""

from collections.abc import Callable
from typing import Any

import pytest

from corpus.base.errors import ConfigError, CorpusError, DataError
from corpus.base.units import parse_budget
from corpus.problems.problem import Problem
from corpus.problems.words import words_of
from corpus.program.arithmetic.options import parse_options
from corpus.program.arithmetic.values import parse_value
from corpus.program.expressions.domain import Expressions
from corpus.program.expressions.marks import MAX_CHARACTERS, find_expressions, mark_expressions
from corpus.program.language import ProgramError, parse
from corpus.program.number_words import digits_for_words
from corpus.program.numbers import plain_signs
from corpus.program.plain_numbers import plain_numbers
from corpus.program.reader import ReadingError

LENGTH = 20_000

ATOMS = (
    *("1", "1 ", "1,", "1.", ".1", "1,,", "1,1.", "1'111", "1_111", "1 111 ", "1.111", "1,111,1"),
    *("-", "- ", "-1", "1-", "a", "a ", "A b ", "(", ")", "( ", " ", "\n", "\t ", "'", '"', ","),
    *(
        "x^9",
        "x^",
        "x",
        "f",
        "f ",
        "f (",
        "f' (",
        "+",
        "1+",
        "/",
        "1/2 ",
        "1 / ",
        "*",
        "=",
        "!",
        "1!",
    ),
    *(
        "a ) 1 , ",
        "a ) ",
        "[ '",
        "sqrt(",
        "{",
        "[",
        "two ",
        "hundred ",
        "one and ",
        "a half ",
        "and ",
    ),
    *(
        "million ",
        "1 million ",
        "5 m",
        "5. k",
        "1e5",
        "e",
        "%",
        "$",
        "$1",
        "1 : ",
        "١",
        "−",
        "½",
        "²",
    ),
    *(
        "\\frac",
        "n0",
        "n1,",
        "<",
        "|",
        "add(",
        "add(n0,",
        "const_1",
        "`",
        "` x",
        "`x`",
        "1st",
        "x -",
    ),
)


def _quantities(text: str) -> Any:
    problem = Problem.question(text)
    return problem.quantities, problem.pieces, problem.template


READERS: dict[str, Callable[[str], Any]] = {
    "quantities": _quantities,
    "marks": mark_expressions,
    "expressions": find_expressions,
    "marks that are wrong": Expressions().check_marks,
    "options": parse_options,
    "number words": digits_for_words,
    "signs": plain_signs,
    "plain numbers": lambda text: plain_numbers(text, words=True),
    "value": parse_value,
    "program": parse,
    "budget": parse_budget,
    "words": lambda text: words_of([text]),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", READERS)
def test_long_texts_are_read_in_linear_time_or_refused(name: str) -> None:
    for atom in ATOMS:
        for before in ("", "a ) solve x = "):
            text = (before + atom * LENGTH)[:LENGTH]
            try:
                READERS[name](text)
            except (ReadingError, ProgramError, CorpusError):
                pass  # refused


def test_what_is_refused_says_so() -> None:
    with pytest.raises(DataError, match=r"4,001 characters, and at most 4,000 are read\. Shorten"):
        mark_expressions("1" * (MAX_CHARACTERS + 1))
    assert "`x^2`" in mark_expressions("differentiate x^2".rjust(MAX_CHARACTERS))
    with pytest.raises(ConfigError, match=r"'1{20}'… has 20,000 characters; write a time"):
        parse_budget("1" * LENGTH)
