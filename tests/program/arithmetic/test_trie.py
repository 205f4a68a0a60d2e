"""Programs executed together: the values of the interpreter."""

import math
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corpus.program.arithmetic.interpreter import execute
from corpus.program.arithmetic.operations import OPERATIONS
from corpus.program.arithmetic.trie import ProgramTrie
from corpus.program.language import MAX_RESULTS, Program, Step, parse

EVERYTHING = -math.inf, math.inf
FEW = ("add", "subtract", "multiply", "divide", "power", "floor", "choose", "log", "sqrt", "max")


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """A program of few operations on few numbers, so that many begin alike and many fail."""
    steps: list[Step] = []
    for position in range(draw(st.integers(1, 4))):
        operation = draw(st.sampled_from(FEW))
        names = ["n0", "n1", "n3", "const_0", "const_1000", *(f"#{i}" for i in range(position))]
        arguments = [draw(st.sampled_from(names)) for _ in range(OPERATIONS[operation].arity)]
        steps.append(Step(operation, tuple(arguments)))
    return Program(tuple(steps))


NUMBERS = st.one_of(st.integers(-3, 60).map(float), st.sampled_from([0.5, 1e6, 1e200, 1.7e308]))


def found(known: Sequence[Program], rows: Sequence[Sequence[float]]) -> set[tuple[int, int]]:
    matrix = np.array(rows, np.float64).reshape(len(rows), -1)
    low, high = (np.full(len(rows), bound) for bound in EVERYTHING)
    return set(ProgramTrie(known).find(matrix, low, high))


@given(st.lists(programs(), min_size=1, max_size=8), st.data())
def test_the_same_programs_execute_as_in_the_interpreter(
    known: list[Program], data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, 4))
    rows = data.draw(st.lists(st.lists(NUMBERS, min_size=count, max_size=count), min_size=1))
    expected = {
        (place, row)
        for place, program in enumerate(known)
        for row, numbers in enumerate(rows)
        if execute(program, numbers).executes
    }
    assert found(known, rows) == expected


@given(st.lists(programs(), min_size=1, max_size=8), st.lists(NUMBERS, min_size=4, max_size=4))
def test_the_values_are_those_of_the_interpreter(
    known: list[Program], numbers: list[float]
) -> None:
    trie, row = ProgramTrie(known), np.array([numbers])
    for place, program in enumerate(known):
        value = execute(program, numbers).value
        if value is not None:
            exactly = np.array([value])
            assert (place, 0) in trie.find(row, exactly, exactly)


def test_bounds_belong_to_their_row() -> None:
    trie = ProgramTrie([parse("add(n0,n1)"), parse("multiply(n0,n1)"), parse("add(n0,n1)")])
    numbers = np.array([[2.0, 5.0], [3.0, 3.0]])
    assert set(trie.find(numbers, np.array([6.5, 8.5]), np.array([7.5, 9.5]))) == {
        (0, 0),
        (2, 0),
        (1, 1),
    }


def test_what_numbers_cannot_do_is_left_out() -> None:
    endless = Program(tuple(Step("add", ("n0", "n0")) for _ in range(MAX_RESULTS + 1)))
    assert found([parse("differentiate(n0,n1)"), endless, parse("add(n0,n0)")], [[1.0, 2.0]]) == {
        (2, 0)
    }
