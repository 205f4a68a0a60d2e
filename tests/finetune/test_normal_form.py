"""Problems with their programs in normal form, and those that keep theirs."""

from dataclasses import replace

from corpus.finetune.examples import in_normal_form, normal_forms
from corpus.problems.check import is_checked
from corpus.problems.problem import Problem
from corpus.program.arithmetic.options import parse_options
from corpus.program.language import parse

RIGHT = Problem(
    set_name="mathqa",
    split="train",
    index=0,
    text="a train covers 120 km in 2 hours . what is its speed ?",
    options=parse_options("a ) 50 , b ) 60 , c ) 70"),
    correct="b",
    program="divide(n0,n1)",
    category="physics",
)
ALIAS = replace(RIGHT, index=1, program="speed(n0,n1)")
UNCHECKED = replace(RIGHT, index=2, program="speed(n0,n1)|add(#0,n1)")
WITHOUT = replace(RIGHT, index=3, program=None)


def test_problems_of_one_value_get_one_program() -> None:
    given = [RIGHT, RIGHT, ALIAS]
    written = in_normal_form(given, normal_forms(given))
    assert [problem.program for problem in written] == ["divide(n0,n1)"] * 3
    assert [replace(problem, program=None) for problem in written] == [
        replace(problem, program=None) for problem in given
    ]


def test_a_program_that_misses_the_key_has_no_say_and_is_written_like_the_others() -> None:
    forms = normal_forms([RIGHT, *[UNCHECKED] * 5, WITHOUT])
    assert forms.num_programs == 1
    written = in_normal_form([ALIAS, UNCHECKED, WITHOUT], normal_forms([RIGHT, RIGHT, ALIAS]))
    assert [problem.program for problem in written] == [
        "divide(n0,n1)",
        "divide(n0,n1)|add(n1,#0)",
        None,
    ]


def test_a_normal_form_that_misses_the_key_is_not_taken() -> None:
    """n1 / (1 / n0) is n0 · n1 wherever normal forms look, and not for this problem, where n0 is
    0."""
    usual = replace(
        RIGHT,
        text="2 times 7 ?",
        options=parse_options("a ) 14 , b ) 10"),
        correct="a",
        program="inverse(n0)|divide(n1,#0)",
    )
    other = replace(
        usual,
        text="0 times 7 ?",
        options=parse_options("a ) 0 , b ) 10"),
        program="multiply(n0,n1)",
    )
    assert all(map(is_checked, (usual, other)))
    forms = normal_forms([usual] * 50)
    assert str(forms.of(parse("multiply(n0,n1)"))) == "inverse(n0)|divide(n1,#0)"
    assert in_normal_form([other], forms) == [other]


def test_a_problem_over_expressions_keeps_its_program() -> None:
    given = replace(
        RIGHT,
        text="how much is `x` times `x` ?",
        options=(),
        correct=None,
        program="power(n0,const_2)",
        expression="x**2",
    )
    forms = normal_forms(
        [
            RIGHT,
            replace(
                RIGHT,
                text="2 times 2 ?",
                options=parse_options("a ) 4 , b ) 5"),
                correct="a",
                program="multiply(n0,n0)",
            ),
        ]
    )
    assert str(forms.of(parse("power(n0,const_2)"))) == "multiply(n0,n0)"
    assert in_normal_form([given], forms) == [given]
    assert normal_forms([given]).num_programs == 0
