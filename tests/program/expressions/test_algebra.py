"""Operations on expressions give what a textbook gives, and answers are compared by what they
mean."""

import pytest

from corpus.program.arithmetic.operations import OPERATIONS
from corpus.program.expressions.algebra import build, execute
from corpus.program.expressions.equivalence import is_answer
from corpus.program.expressions.operations import ARITIES as ON_EXPRESSIONS
from corpus.program.expressions.operations import SHARED
from corpus.program.language import ARITIES, parse


def _run(program: str, *quantities: str) -> str:
    texts, error = execute(parse(program), [build(each) for each in quantities])
    return error or texts[-1]


@pytest.mark.parametrize(
    ("program", "quantities", "expected"),
    [
        ("differentiate(n0,n1)", ("x^3 y", "x"), "3*x**2*y"),
        ("integrate(n0,n1)", ("3x^2", "x"), "x**3"),
        ("solve(n0,n1)", ("x^2 - x = 6", "x"), "{-2, 3}"),
        ("solve(n0,n1)", ("x^2 - 2", "x"), "{-sqrt(2), sqrt(2)}"),
        ("solve(n0,n1)", ("x^3 - 1", "x"), "{1}"),
        ("solve(n0,n1)", ("v = u + a t", "t"), "{(-u + v)/a}"),
        ("simplify(n0)", ("(x^2 - 1)/(x - 1)",), "x + 1"),
        ("expand(n0)", ("(x + 1)(x - 2)",), "x**2 - x - 2"),
        ("factor(n0)", ("x^2 - x - 2",), "(x - 2)*(x + 1)"),
        ("substitute(n0,n1)", ("x^2 + y", "x = 3"), "y + 9"),
        ("substitute(n0,n1)", ("x^2", "-3"), "9"),
        ("substitute(n0,n1)", ("7", "-3"), "7"),
        ("solve(n0,n1)|substitute(n2,#0)", ("x^2 = 4", "x", "x^3"), "{-8, 8}"),
        ("variable(n0)|differentiate(n0,#0)|solve(#1,#0)", ("x^3 - 12x",), "{-2, 2}"),
        ("equate(n0,n1)|variable(n0)|solve(#0,#1)|largest(#2)", ("x^2", "x + 2"), "2"),
        ("solve(n0,n1)|smallest(#0)", ("x^2 = 5", "x"), "-sqrt(5)"),
        ("add(n0,n1)|power(#0,const_2)", ("x", "1"), "(x + 1)**2"),
        ("divide(n0,n1)|subtract(#0,n1)|multiply(#1,const_pi)", ("x", "2"), "pi*(x/2 - 2)"),
    ],
)
def test_what_operations_give(program: str, quantities: tuple[str, ...], expected: str) -> None:
    assert is_answer(_run(program, *quantities), expected)


@pytest.mark.parametrize(
    ("program", "quantities", "why"),
    [
        ("substitute(n0,n1)", ("1/x", "0"), "not finite"),
        ("substitute(n0,n1)", ("sqrt(x)", "-4"), "not real"),
        ("solve(n0,n1)", ("x^2 + 1", "x"), "no real solution"),
        ("solve(n0,n1)", ("x^2 + 1", "y"), "does not occur"),
        ("variable(n0)", ("x + y",), "2 variables"),
        ("differentiate(n0,n1)", ("x^2", "3"), "no variable"),
        ("differentiate(n0,n1)", ("x = 2", "x"), "an equation stands"),
        ("substitute(n0,n1)", ("x + y", "3"), "more than one variable"),
        ("integrate(n0,n1)", ("exp(-x^2)", "x"), "beyond the language"),
        ("integrate(n0,n1)", ("sin(sin(x))", "x"), "no antiderivative"),
        ("power(n0,n1)", ("x", "101"), "beyond 100"),
        ("sine(n0)", ("x",), "no operation on expressions"),
        ("multiply(n0,const_0_33)", ("x",), "not exact"),
        ("expand(n3)", ("x",), "beyond the 1 quantities"),
        ("largest(n0)", ("{x, 2}",), "size is not known"),
    ],
)
def test_what_is_not_defined_is_an_outcome(
    program: str, quantities: tuple[str, ...], why: str
) -> None:
    assert why in _run(program, *quantities)


def test_every_operation_is_there_once() -> None:
    assert set(SHARED) <= OPERATIONS.keys()
    assert not ON_EXPRESSIONS.keys() & OPERATIONS.keys()
    for name in (*SHARED, *ON_EXPRESSIONS):
        arguments = ",".join(f"n{index}" for index in range(ARITIES[name]))
        assert "no operation" not in _run(f"{name}({arguments})", "x^2 + x", "x")


SAME = [
    ("2*x*(x + 1)", "2*x**2 + 2*x"),
    ("sin(x)**2", "1 - cos(x)**2"),
    ("sin(x)**2 + cos(x)**2 - 1", "0"),
    ("log(x)", "log(abs(x))"),
    ("sqrt(8)", "2*sqrt(2)"),
    ("x**2 + 3", "x**2 + C"),
    ("sin(x)**2/2", "-cos(x)**2/2 + C"),
    ("{2, -2}", "{-2, 2}"),
    ("4", "{4}"),
    ("y = 2x", "4x - 2y = 0"),
    ("exp(2*x)", "exp(x)**2"),
    ("sqrt(x**2)", "abs(x)"),
]
OTHER = [
    ("x**3", "x**2 + C"),
    ("x**2 + y", "x**2 + C"),
    ("{2}", "{-2, 2}"),
    ("{2, 2}", "{-2, 2}"),
    ("x", "abs(x)"),
    ("log(2*x)", "log(x)"),
    ("1/3", "0.333333"),
    ("y = 2x", "y = 3x"),
    ("y = 2x", "2x"),
    ("0", "x"),
    ("x + 1/10^12", "x"),
]


@pytest.mark.parametrize(
    ("value", "key", "same"),
    [*((*pair, True) for pair in SAME), *((*pair, False) for pair in OTHER)],
)
def test_answers_are_compared_by_what_they_mean(value: str, key: str, same: bool) -> None:
    assert is_answer(value, key) == same


@pytest.mark.parametrize(
    ("value", "key", "form", "right"),
    [
        ("2*(x + 2)", "2*(x + 2)", "factor", True),
        ("2*x + 4", "2*(x + 2)", "factor", False),
        ("(x - 1)*(x + 1)", "(x + 1)*(x - 1)", "factor", True),
        ("(x - 1)*(x**2 - 1)", "(x - 1)**2*(x + 1)", "factor", False),
        ("2*x + 4", "2*x + 4", "expand", True),
        ("2*(x + 2)", "2*x + 4", "expand", False),
        ("x + 1", "x + 1", "simplify", True),
        ("(x**2 - 1)/(x - 1)", "x + 1", "simplify", False),
        ("x + 2", "x + 1", "simplify", False),
    ],
)
def test_a_form_that_is_asked_for_counts(value: str, key: str, form: str, right: bool) -> None:
    assert is_answer(value, key, form) == right
