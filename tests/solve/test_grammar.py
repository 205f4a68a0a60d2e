"""Under the grammar every row parses, refers only to what exists, and ends in time; and every
program can be written."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.config.tokenizer import SPECIAL
from corpus.program.arithmetic.operations import OPERATIONS
from corpus.program.domains import ARITHMETIC, EXPRESSIONS
from corpus.program.expressions.operations import ARITIES as ON_EXPRESSIONS
from corpus.program.expressions.operations import SHARED
from corpus.program.language import CONSTANTS, SYMBOLS, Program, from_symbols, parse, to_symbols
from corpus.solve.grammar import NUM_IDS, ProgramGrammar, Scope

EOS = 0
LIMIT = 40


def _id(symbol: str) -> int:
    return len(SPECIAL) + SYMBOLS.index(symbol)


def _scopes(*counts: int) -> list[Scope]:
    return [Scope(count, ARITHMETIC) for count in counts]


def _symbols(ids: list[int]) -> list[str]:
    return [SYMBOLS[index - len(SPECIAL)] for index in ids]


def _walk(num_numbers: list[int], limit: int, seed: int, *, eagerness: float) -> list[list[int]]:
    """Take random allowed tokens until every row has ended; `eagerness` is how often an end is
    taken where it is allowed."""
    chance, grammar = random.Random(seed), ProgramGrammar(_scopes(*num_numbers), limit)
    rows: list[list[int]] = [[] for _ in num_numbers]
    ended = [False] * len(rows)
    for _ in range(limit):
        allowed = grammar.allowed()
        tokens = []
        for row, may in enumerate(allowed):
            ids = may.nonzero()[:, 0].tolist()
            others = [index for index in ids if index != EOS]
            token = (
                EOS
                if EOS in ids and (not others or chance.random() < eagerness)
                else chance.choice(others or ids)
            )
            if not ended[row]:
                ended[row] = token == EOS
                rows[row] += [token] * (token != EOS)
            tokens.append(token)
        grammar.advance(torch.tensor(tokens))
    assert all(ended)
    return rows


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=5),
    st.integers(5, 80),
    st.integers(0, 99),
    st.sampled_from([0.0, 0.3]),
)
def test_whatever_is_taken_is_a_program_of_the_problem(
    numbers: list[int], limit: int, seed: int, eagerness: float
) -> None:
    for count, ids in zip(numbers, _walk(numbers, limit, seed, eagerness=eagerness)):
        program = from_symbols(_symbols(ids))
        assert len(ids) + 1 <= limit
        for step in program.steps:
            assert all(not name.startswith("n") or int(name[1:]) < count for name in step.arguments)


@st.composite
def _programs(draw: st.DrawFn) -> Program:
    steps = []
    for position in range(draw(st.integers(1, 8))):
        operation = draw(st.sampled_from(list(OPERATIONS.values())))
        names = [
            *CONSTANTS,
            *(f"n{index}" for index in range(5)),
            *(f"#{index}" for index in range(position)),
        ]
        steps.append(
            f"{operation.name}({','.join(draw(st.sampled_from(names)) for _ in range(operation.arity))})"
        )
    return parse("|".join(steps))


@settings(max_examples=60)
@given(_programs())
def test_every_program_can_be_written(program: Program) -> None:
    grammar = ProgramGrammar(_scopes(5), LIMIT)
    for token in [*map(_id, to_symbols(program)), EOS]:
        assert grammar.allowed()[0, token]
        grammar.advance(torch.tensor([token]))


def test_what_may_come_first_and_then() -> None:
    grammar = ProgramGrammar(_scopes(2), LIMIT)
    allowed = set(
        _symbols(
            [
                index
                for index in grammar.allowed()[0].nonzero()[:, 0].tolist()
                if index >= len(SPECIAL)
            ]
        )
    )
    assert allowed == set(OPERATIONS)
    assert not grammar.allowed()[0, : len(SPECIAL)].any(), "a program has a step"
    grammar.advance(torch.tensor([_id("sqrt")]))
    allowed = set(_symbols(grammar.allowed()[0].nonzero()[:, 0].tolist()))
    assert allowed == {*CONSTANTS, "n0", "n1"}, "its own result is not there yet"
    grammar.advance(torch.tensor([_id("n1")]))
    assert grammar.allowed()[0, EOS]
    grammar.advance(torch.tensor([_id("add")]))
    assert grammar.allowed()[0, _id("#0")]
    assert not grammar.allowed()[0, _id("#1")]


def test_expressions_have_operations_of_their_own() -> None:
    grammar = ProgramGrammar([Scope(2, ARITHMETIC), Scope(2, EXPRESSIONS)], LIMIT)
    on_numbers, on_expressions = (
        {SYMBOLS[i - len(SPECIAL)] for i in row.nonzero()[:, 0].tolist()}
        for row in grammar.allowed()
    )
    assert on_numbers == set(OPERATIONS)
    assert on_expressions == {*ON_EXPRESSIONS, *SHARED}
    grammar.keep(torch.tensor([1, 0]))
    assert grammar.allowed()[0, _id("differentiate")]
    assert not grammar.allowed()[1, _id("differentiate")]
    grammar.advance(torch.tensor([_id("differentiate"), _id("add")]))
    assert torch.equal(*grammar.allowed()), "arguments are the same"


def test_rows_that_are_kept_stay_what_they_were() -> None:
    grammar = ProgramGrammar(_scopes(1, 2, 3), LIMIT)
    grammar.advance(torch.tensor([_id("add"), _id("sqrt"), _id("add")]))
    before = grammar.allowed()
    grammar.keep(torch.tensor([2, 0, 0]))
    assert torch.equal(grammar.allowed(), before[[2, 0, 0]])
    assert before.shape == (3, NUM_IDS)


def test_too_little_room_for_any_program() -> None:
    with pytest.raises(ValueError, match="may need 5"):
        ProgramGrammar(_scopes(1), 4)
