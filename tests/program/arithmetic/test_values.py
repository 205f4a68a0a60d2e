"""Written arithmetic is read as Python reads it, and nothing else is read at all."""

import ast
import math
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.program.arithmetic.values import parse_arithmetic, parse_value, value_of
from corpus.program.reader import ReadingError
from corpus.program.tree import Call

_PYTHON = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _by_python(node: ast.expr) -> float:
    """The value of an expression as Python's own parser reads it."""
    if isinstance(node, ast.BinOp):
        return _PYTHON[type(node.op)](_by_python(node.left), _by_python(node.right))
    if isinstance(node, ast.UnaryOp):
        return -_by_python(node.operand)
    assert isinstance(node, ast.Constant)
    return float(node.value)  # type: ignore[arg-type]


_NUMBERS = st.one_of(st.integers(0, 5000).map(str), st.decimals(0, 99, places=2).map(str))
_EXPRESSIONS = st.recursive(
    _NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(" ".join),
        inner.map("({})".format),
        inner.map("(-{})".format),
    ),
    max_leaves=12,
)


@given(_EXPRESSIONS)
def test_values_are_those_of_pythons_own_parser(text: str) -> None:
    value = value_of(parse_arithmetic(text))
    try:
        expected = _by_python(ast.parse(text, mode="eval").body)
    except ZeroDivisionError:
        assert value is None
    else:
        assert value is not None
        assert math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$1,200 x 2", 2400),
        ("80 × .25", 20),
        ("200(.40)", 80),
        ("50*20%", 10),
        ("[6 ÷ 4] − 1", 0.5),
        ("2 - -3", 5),
        ("+7", 7),
        ("48.", 48),
    ],
)
def test_what_people_write_is_read(text: str, value: float) -> None:
    assert value_of(parse_arithmetic(text)) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2 +",
        "(2",
        "2)",
        "2 3",
        "a*2",
        "2**3",
        "__import__('os')",
        "(" * 5000 + "1",
        "-" * 5000 + "1",
        "1 / x",
        "1" + "+1" * 100_000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ReadingError):
        parse_arithmetic(text)


def test_operations_are_those_of_the_language() -> None:
    assert parse_arithmetic("(1+2)*3/4") == Call(
        "divide", (Call("multiply", (Call("add", (1.0, 2.0)), 3.0)), 4.0)
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$1,200", 1200),
        ("-3.5", -3.5),
        (".5", 0.5),
        ("7.", 7),
        ("5 apples", None),
        ("", None),
        ("1e5", 1e5),
        ("3/4", 0.75),
        ("3 * 4", None),
        ("1,5", None),
        ("9" * 400, None),
    ],
)
def test_a_value_is_one_number(text: str, value: float | None) -> None:
    assert parse_value(text) == value
