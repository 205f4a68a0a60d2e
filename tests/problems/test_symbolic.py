"""Generated problems over expressions: reproducible, unambiguous, right by an independent check,
and honestly held out."""

import re

import pytest
import sympy

from corpus.problems.check import judge
from corpus.problems.generated.formula import shape
from corpus.problems.generated.template import NUMBER
from corpus.problems.problem import Problem
from corpus.problems.symbolic.catalogue import templates
from corpus.problems.symbolic.generator import generate
from corpus.program.expressions.algebra import build


@pytest.fixture(scope="module")
def problems() -> list[Problem]:
    return generate(24, seed=3, split="train") + generate(8, seed=3, split="heldout")


def test_problem_i_depends_on_seed_and_i_alone(problems: list[Problem]) -> None:
    assert generate(3, seed=3, split="train") == problems[:3]
    assert generate(1, seed=4, split="train") != problems[:1]


def test_gold_programs_are_right_and_quantities_are_found(problems: list[Problem]) -> None:
    for problem in problems:
        assert len(problem.quantities) == problem.text.count("`") / 2
        assert judge(problem, problem.gold_program).right, problem
        assert Problem.from_json(problem.to_json()) == problem


def test_answers_are_what_another_way_gives(problems: list[Problem]) -> None:
    """Derivatives by a difference quotient, zeros by putting them in: not by the operations of
    programs."""
    checked = 0
    for problem in problems:
        first, *_ = build(problem.quantities[0]), None  # pyright: ignore[reportArgumentType]
        if re.fullmatch(r"(variable\(n0\)\|)?differentiate\(n0,(n1|#0)\)", problem.program or ""):
            (x,), key, step = (
                first.free_symbols,
                build(problem.expression or ""),
                sympy.Rational(1, 10**8),
            )
            quotient = (first.subs(x, 2 + step) - first.subs(x, 2 - step)) / (2 * step)
            assert abs((quotient - key.subs(x, 2)).evalf()) < 1e-6
            checked += 1
        if (
            re.fullmatch(r"(variable\(n0\)\|)?solve\(n0,(n1|#0)\)", problem.program or "")
            and "=" not in problem.quantities[0]
        ):  # pyright: ignore[reportOperatorIssue]
            (x,) = first.free_symbols
            assert all(
                abs(first.subs(x, zero).evalf()) < 1e-9 for zero in build(problem.expression or "")
            )
            checked += 1
    assert checked


def test_one_text_has_one_program() -> None:
    programs: dict[str, set[str]] = {}
    for found in templates().values():
        for template in found:
            for text, program in zip(template.texts, template.programs):
                programs.setdefault(NUMBER.sub("<n>", text), set()).add(str(program))
    assert not {text: several for text, several in programs.items() if len(several) > 1}


def test_what_is_held_out_is_made_of_what_is_trained_on() -> None:
    shapes = {
        split: {shape(program) for each in found for program in each.programs}
        for split, found in templates().items()
    }
    assert not shapes["train"] & shapes["heldout"]
    operations = {
        split: {step.split("(")[0] for each in found for step in each.split("|")}
        for split, found in shapes.items()
    }
    assert operations["heldout"] <= operations["train"]
    assert len(templates()["heldout"]) >= 40
    assert (
        min(len(program.steps) for each in templates()["train"] for program in each.programs) == 1
    )
    assert (
        max(len(program.steps) for each in templates()["heldout"] for program in each.programs) == 5
    )
