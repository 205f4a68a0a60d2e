"""The one reader: every notation reads arithmetic as Python's own parser does."""

import ast
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.problems.generated.formula import FORMULA
from corpus.program.arithmetic.options import OPTION
from corpus.program.arithmetic.values import SOLUTION
from corpus.program.expressions.reader import NOTATION
from corpus.program.reader import LimitError, Notation, ReadingError, read
from corpus.program.tree import Call, Node

_SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
}
_PYTHON: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "negate": operator.neg,
}


def _by_python(node: ast.expr) -> Node:
    """The tree of Python's own parser."""
    if isinstance(node, ast.BinOp):
        return Call(_SIGNS[type(node.op)], (_by_python(node.left), _by_python(node.right)))
    if isinstance(node, ast.UnaryOp):
        return Call("negate", (_by_python(node.operand),))
    assert isinstance(node, ast.Constant)
    return Fraction(str(node.value))


_NUMBERS = st.one_of(st.integers(0, 999).map(str), st.decimals("0.1", 99, places=1).map(str))


def _texts(signs: str) -> st.SearchStrategy[str]:
    return st.recursive(
        _NUMBERS,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(signs), inner).map(" ".join),
            inner.map("( {} )".format),
            inner.map("( - {} )".format),
        ),
        max_leaves=12,
    )


@pytest.mark.parametrize("notation", [SOLUTION, NOTATION, FORMULA])
@given(text=_texts("+-*/"))
def test_trees_are_those_of_pythons_own_parser(notation: Notation, text: str) -> None:
    assert read(text, notation) == _by_python(ast.parse(text, mode="eval").body)


@pytest.mark.parametrize("notation", [NOTATION, FORMULA])
@given(text=_texts("+*^"))
def test_powers_join_from_the_right(notation: Notation, text: str) -> None:
    python = ast.parse(text.replace("^", "**"), mode="eval").body
    assert read(text, notation) == _by_python(python)


def _value(node: Node) -> Fraction | None:
    if not isinstance(node, Call):
        assert isinstance(node, Fraction)
        return node
    values = [_value(each) for each in node.arguments]
    try:
        return None if None in values else _PYTHON[node.operation](*values)
    except ZeroDivisionError:
        return None


@given(text=_texts("+-*"))
def test_options_have_the_same_values(text: str) -> None:
    """Not the same trees: `2 1 / 2` is one number there."""
    assert _value(read(text, OPTION)) == _value(_by_python(ast.parse(text, mode="eval").body))


@pytest.mark.parametrize("notation", [SOLUTION, NOTATION, FORMULA, OPTION])
@pytest.mark.parametrize("text", ["(" * 5000 + "1", "-" * 5000 + "1"])
def test_deep_nesting_is_refused(notation: Notation, text: str) -> None:
    with pytest.raises(LimitError, match="nested more than"):
        read(text, notation)


@pytest.mark.parametrize("notation", [SOLUTION, NOTATION, FORMULA, OPTION])
@given(text=st.text(alphabet="0123456789 .,/:()^!√π-+e%x*½", max_size=40))
def test_any_text_is_read_or_refused(notation: Notation, text: str) -> None:
    try:
        read(text, notation)
    except ReadingError:
        pass
