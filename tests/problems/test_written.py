"""Where the numbers of a written solution come from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.problems.written import NoSourceError, ProgramWriter
from corpus.program.arithmetic.interpreter import execute
from corpus.program.arithmetic.values import parse_arithmetic
from corpus.program.domains import ARITHMETIC


def program(text: str, *equations: str, answer: float) -> str:
    writer = ProgramWriter(text)
    for equation in equations:
        left, _, right = equation.partition("=")
        writer.add(parse_arithmetic(left), float(right) if right else None)
    return str(writer.program(answer))


@pytest.mark.parametrize(
    ("text", "equations", "answer", "expected"),
    [
        # numbers of the question, and results of the steps before
        (
            "8 rows of 6 pots , 5 broke",
            ["8*6=48", "48-5=43"],
            43,
            "multiply(n0,n1)|subtract(#0,n2)",
        ),
        # what is not used yet comes first: the latest result before the first number
        ("2 cats and 2 dogs , 3 owls", ["2+2=4", "4*3=12"], 12, "add(n0,n1)|multiply(#0,n2)"),
        ("1 pen , 2 pens , 3 boxes", ["1+2=3", "3*3=9"], 9, "add(n0,n1)|multiply(#0,n2)"),
        # a constant that a word brings in, where the question's number is used up
        ("2 hens lay twice", ["2*2=4"], 4, "multiply(n0,const_2)"),
        ("2 hens , each lays 2", ["2*2=4"], 4, "multiply(n0,n1)"),
        ("half of 48", ["48/2=24"], 24, "divide(n0,const_2)"),
        # percent, fractions and what people know
        ("25 % of 80", ["80*.25=20"], 20, "divide(n0,const_100)|multiply(n1,#0)"),
        ("25 % of 80", ["80*25%=20"], 20, "divide(n0,const_100)|multiply(n1,#0)"),
        (
            "20 % more than 50",
            ["50*1.2=60"],
            60,
            "divide(n0,const_100)|add(const_1,#0)|multiply(n1,#1)",
        ),
        ("3/4 of 20", ["20*.75=15"], 15, "divide(n0,n1)|multiply(n2,#0)"),
        ("5 miles each day of a week", ["5*7=35"], 35, "add(const_3,const_4)|multiply(n0,#0)"),
        (
            "5 eggs each day of a year",
            ["5*365=1825"],
            1825,
            "add(const_3,const_4)|multiply(const_52,#0)|add(#1,const_1)|multiply(n0,#2)",
        ),
        # a rounded result is the result
        (
            "10 pies for 3 men , 2 days",
            ["10/3=3.33", "3.33*2=6.66"],
            6.66,
            "divide(n0,n1)|multiply(#0,n2)",
        ),
        # a minus sign in front of a result
        ("3 less than 2 , times 4", ["2-3=-1", "-1*4=-4"], -4, "subtract(n1,n0)|multiply(#0,n2)"),
        # steps that the answer does not need are left out, also those after it
        (
            "4 and 6 and 9",
            ["4+6=10", "9*6=54", "10*9=90", "4*9=36"],
            90,
            "add(n0,n1)|multiply(#0,n2)",
        ),
        # the answer is the last value rounded, or in cents
        (
            "7 men , 2 a car , how many cars ?",
            ["7/2=3.5"],
            4,
            "divide(n0,n1)|negate(#0)|floor(#1)|negate(#2)",
        ),
        ("7 dollars , 2 a car , how many cars ?", ["7/2=3.5"], 3, "divide(n0,n1)|floor(#0)"),
        (
            "9 over 4 , round to the nearest",
            ["9/4=2.25"],
            2,
            "divide(n0,n1)|add(#0,const_0_5)|floor(#1)",
        ),
        (
            "1 dollar for 4 , how many cents ?",
            ["1/4=.25"],
            25,
            "divide(n0,n1)|multiply(#0,const_100)",
        ),
    ],
)
def test_every_number_has_a_source(
    text: str, equations: list[str], answer: float, expected: str
) -> None:
    assert program(text, *equations, answer=answer) == expected


@pytest.mark.parametrize("equation", ["8*17=136", "8/0", "58+8"])
def test_a_number_without_a_source_is_no_program(equation: str) -> None:
    with pytest.raises(NoSourceError):
        program("8 rows and 0 pots", equation, answer=136)


def test_a_number_alone_is_no_step() -> None:
    assert program("8 rows", "8=8", answer=8) == "None"


@given(st.lists(st.integers(2, 997), min_size=2, max_size=5, unique=True), st.data())
def test_a_chain_over_the_question_reproduces_its_value(
    values: list[int], data: st.DataObject
) -> None:
    text = " and ".join(map(str, values))
    writer, value = ProgramWriter(text), float(values[0])
    for other in values[1:]:
        sign = data.draw(st.sampled_from("+-*"))
        left = f"{value:.0f}" if value >= 0 else f"-{-value:.0f}"
        writer.add(parse_arithmetic(f"{left} {sign} {other}"))
        value = {"+": value + other, "-": value - other, "*": value * other}[sign]
    found = writer.program(value)
    assert found is not None
    assert execute(found, [span.value for span in ARITHMETIC.find(text)]).value == pytest.approx(
        value
    )
