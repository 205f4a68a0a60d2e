"""Programs as text and as symbols: both ways, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.program.arithmetic.operations import OPERATIONS
from corpus.program.language import (
    CONSTANTS,
    MAX_NUMBERS,
    MAX_RESULTS,
    SYMBOLS,
    Program,
    ProgramError,
    Step,
    from_symbols,
    parse,
    to_symbols,
)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Any well-formed program that has symbols."""
    steps = []
    for position in range(draw(st.integers(1, 8) | st.just(MAX_RESULTS))):
        operation = draw(st.sampled_from(list(OPERATIONS.values())))
        known = [
            *CONSTANTS,
            *(f"n{index}" for index in range(MAX_NUMBERS)),
            *(f"#{index}" for index in range(position)),
        ]
        arguments = draw(st.tuples(*[st.sampled_from(known)] * operation.arity))
        steps.append(Step(operation.name, arguments))
    return Program(tuple(steps))


@given(programs())
def test_a_program_survives_text_and_symbols(program: Program) -> None:
    assert parse(str(program)) == program
    assert from_symbols(to_symbols(program)) == program


@pytest.mark.parametrize(
    "text",
    ["divide(n0,n1)|multiply(#0,const_100)|", " divide( n0 , n1 ) | multiply(#0, const_100.0) "],
)
def test_bars_spaces_and_aliases_make_no_difference(text: str) -> None:
    assert str(parse(text)) == "divide(n0,n1)|multiply(#0,const_100)"


@pytest.mark.parametrize(
    ("given_name", "canonical"),
    [
        ("const_2.0", "const_2"),
        ("const_0.25", "const_0_25"),
        ("const_0.5", "const_0_5"),
        ("const_3_6", "const_3_6"),
        ("const_60_0", "const_60"),
    ],
)
def test_constants_have_one_name(given_name: str, canonical: str) -> None:
    assert parse(f"negate({given_name})").steps[0].arguments == (canonical,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected operation"),
        ("add(n0,n1)||", "expected operation"),
        ("add n0 n1", "expected operation"),
        ("add(n0,n1", "expected operation"),
        ("add(n0,add(n1,n2))", "expected operation"),
        ("frobnicate(n0)", "unknown operation 'frobnicate'"),
        ("add(n0)", "gives add 1 arguments, expected 2"),
        ("negate(n0,n1)", "gives negate 2 arguments, expected 1"),
        ("negate(#0)", "does not come before it"),
        ("negate(n0)|negate(#1)", "does not come before it"),
        ("negate(const_7)", "unknown argument 'const_7'"),
        ("negate(12)", "unknown argument '12'"),
        ("negate(n-1)", "unknown argument"),
        ("negate(n01)", "unknown argument"),
        ("negate(x)", "unknown argument"),
    ],
)
def test_what_is_no_program_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ProgramError) as caught:
        parse(text)
    assert reason in str(caught.value)


@given(st.text(alphabet="addivenglt_cos10#n(),| .", max_size=60))
def test_any_text_is_a_program_or_refused(text: str) -> None:
    try:
        program = parse(text)
    except ProgramError:
        return
    assert parse(str(program)) == program


@given(st.lists(st.sampled_from(SYMBOLS), max_size=40))
def test_any_row_of_symbols_is_a_program_or_refused(symbols: list[str]) -> None:
    try:
        program = from_symbols(symbols)
    except ProgramError:
        return
    assert to_symbols(program) == symbols


@given(programs(), st.data())
def test_a_cut_row_of_symbols_is_refused_unless_cut_between_steps(
    program: Program, data: st.DataObject
) -> None:
    symbols = to_symbols(program)
    ends, at = set(), 0
    for step in program.steps:
        at += 1 + len(step.arguments)
        ends.add(at)
    cut = data.draw(st.integers(0, len(symbols)))
    if cut in ends:
        assert len(from_symbols(symbols[:cut]).steps) == sorted(ends).index(cut) + 1
    else:
        with pytest.raises(ProgramError):
            from_symbols(symbols[:cut])


def test_programs_beyond_the_symbols_parse_but_have_none() -> None:
    long = "|".join(["negate(n0)"] + [f"negate(#{index})" for index in range(MAX_RESULTS + 1)])
    for text in (long, f"negate(n{MAX_NUMBERS})"):
        program = parse(text)
        assert str(program) == text
        with pytest.raises(ProgramError, match="has no symbol"):
            to_symbols(program)


def test_symbols_are_frozen() -> None:
    """Token ids follow this order: a change here changes every tokenizer and makes older weights
    unusable."""
    assert len(set(SYMBOLS)) == len(SYMBOLS) == 53 + 30 + MAX_NUMBERS + MAX_RESULTS + 11
    assert SYMBOLS[:3] == ("add", "subtract", "multiply")
    assert SYMBOLS[52:55] == ("surface_sphere", "const_0", "const_0_25")
    assert SYMBOLS[82:84] == ("const_deg_to_rad", "n0")
    assert SYMBOLS[146:148] == ("#31", "differentiate"), "what came later comes last"
    assert SYMBOLS[-1] == "smallest"
