"""The reader of expressions agrees with sympy's on what both read, refuses what is too large, and
evaluates nothing."""

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.program.expressions.algebra import build, write
from corpus.program.expressions.reader import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    Equation,
    Solutions,
    read,
    read_first,
    tokenize,
    variables_in,
)
from corpus.program.reader import ReadingError
from corpus.program.tree import Call

LETTERS = {letter: sympy.Symbol(letter, real=True) for letter in "xyz"}


def _known(text: str) -> sympy.Expr:
    """What sympy's own reader makes of a text; it evaluates what it reads, so it is given texts of
    ours alone."""
    return sympy.sympify(text, locals=LETTERS, rational=True)


def _texts() -> st.SearchStrategy[str]:
    """Random expressions in the spelling that both readers know."""
    atoms = st.one_of(st.integers(0, 99).map(str), st.sampled_from(["x", "y", "z", "pi", "2.5"]))
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["+", "-", "*", " - ", " + "]), inner).map("".join),
            st.tuples(inner, st.sampled_from(["2", "3", "7"])).map(
                lambda pair: f"({pair[0]})/{pair[1]}"
            ),
            st.tuples(st.sampled_from(["sin", "cos", "exp"]), inner).map(
                lambda pair: f"{pair[0]}({pair[1]})"
            ),
            st.tuples(inner, st.integers(1, 4)).map(lambda pair: f"({pair[0]})**{pair[1]}"),
            st.tuples(inner, st.integers(1, 4)).map(lambda pair: f"-{pair[0]}**{pair[1]}"),
            inner.map(lambda text: f"-({text})"),
        ),
        max_leaves=8,
    )


@settings(max_examples=80)
@given(_texts())
def test_it_reads_what_sympy_reads(text: str) -> None:
    try:
        mine = build(text)
    except ReadingError:  # beyond the limits
        return
    assert mine == _known(text)


@settings(max_examples=80)
@given(_texts())
def test_what_is_written_is_read_again(text: str) -> None:
    try:
        value = build(text)
        written = write(value)
    except ValueError:  # beyond the language
        return
    assert sympy.expand(build(written) - value) == 0


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("3x^2 + 2x", "3*x**2 + 2*x"),
        ("3 x", "3*x"),
        ("2(x+1)(x-2)", "2*(x+1)*(x-2)"),
        ("x(x+1)", "x*(x+1)"),
        ("1/2x", "x/2"),
        ("-x^2", "-(x**2)"),
        ("2^-1", "1/2"),
        ("2^3^2", "512"),
        ("x**-y", "x**(-y)"),
        ("sin 2x", "sin(2*x)"),
        ("sin 2x cos x", "sin(2*x)*cos(x)"),
        ("sin^2(x)", "sin(x)**2"),
        ("ln x", "log(x)"),
        ("e^(2x)", "exp(2*x)"),
        ("2pi", "2*pi"),
        ("x² − 3·x", "x**2 - 3*x"),
        (".5x", "x/2"),
        ("abs(x)", "Abs(x)"),
        ("sqrt(x)/3", "sqrt(x)/3"),
        ("x - -3", "x + 3"),
    ],
)
def test_spellings_that_people_use(text: str, meaning: str) -> None:
    assert build(text) == _known(meaning)


def test_equations_and_solutions() -> None:
    assert read("y = 2x") == Equation("y", read("2x"))  # pyright: ignore[reportArgumentType]
    assert read("{-2, x}") == Solutions((read("-2"), "x"))  # pyright: ignore[reportArgumentType]
    assert variables_in(read("a*x + e^b = pi")) == {"a", "x", "b"}
    assert read("a - b") == Call("subtract", ("a", "b"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10**10**10", "exponent is beyond"),
        ("((9^100)^100)^100", "digits|powers of powers"),
        ("(((x^9)^9)^9)^9", "powers of powers"),
        ("2^sqrt(10^28)", "exponent is beyond"),
        ("2^(1/0)", "exponent is beyond"),
        ("9" * 31, "at most 30 digits"),
        ("x+" * MAX_CHARACTERS, "characters"),
        ("(" * (MAX_DEPTH + 2) + "x" + ")" * (MAX_DEPTH + 2), "nested"),
        ("-" * (MAX_DEPTH + 2) + "x", "nested"),
        ("__import__('os')", "no beginning"),
        ("os.system", "not in the language"),
        ("xy", "single letters"),
        ("x2", "does not fit"),
        ("I", "not in the language"),
        ("x +", "does not fit"),
        ("", "too early"),
        ("x = y = z", "does not fit"),
        ("sin", "too early"),
        ("(x", "expected"),
        ("{}", "no beginning"),
        ("٣", "not a number"),
        ("x^²", "does not fit"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(ReadingError, match=why):
        read(text)


@settings(max_examples=200)
@given(st.text(alphabet="x12.+-*/^()={},esincopi ²π'`", max_size=60))
def test_no_text_does_anything_but_be_read_or_refused(text: str) -> None:
    try:
        read(text)
    except ReadingError:
        pass


@pytest.mark.parametrize(
    "text", ["(" * 50_000, "1+" * 50_000, "x" + "^x" * 30_000, "-" * 50_000, "(1+" * 30_000]
)
def test_a_hostile_text_is_left_soon(text: str) -> None:
    tokens = tokenize(text)
    for start in range(200):
        try:
            _, end = read_first(tokens, start)
            assert end <= start + MAX_CHARACTERS
        except ReadingError:
            pass
