"""Problem records and their files."""

import copy
import json
import pickle
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.base.errors import ArtifactError
from corpus.problems.generated.catalogue import templates
from corpus.problems.generated.generator import generate
from corpus.problems.problem import Problem, read_problems, write_problems
from corpus.problems.symbolic.generator import generate as generate_symbolic
from corpus.program.arithmetic.options import parse_options

PROBLEM = Problem(
    set_name="mathqa",
    split="dev",
    index=17,
    text="a train covers 120 km in 2 hours . what is its speed ? √ é",
    options=parse_options("a ) 50 , b ) 60 , c ) none"),
    correct="b",
    program="speed(n0,n1)",
    category="physics",
)


def test_a_problem_knows_its_place_and_numbers() -> None:
    assert PROBLEM.id == "mathqa/dev/17"
    assert PROBLEM.quantities == (120.0, 2.0)
    assert PROBLEM.quantities is PROBLEM.quantities


def test_what_is_derived_from_a_text_is_neither_written_nor_copied() -> None:
    read, fresh = replace(PROBLEM), replace(PROBLEM)
    assert all((read.template, read.pieces, read.gold_program, read.quantities))
    assert read.to_json() == fresh.to_json()
    assert pickle.dumps(read) == pickle.dumps(fresh)
    assert vars(copy.copy(read)) == vars(fresh)
    assert copy.deepcopy(read).template == read.template


def test_what_a_user_types_is_a_problem_too() -> None:
    question = Problem.question("what do 4 pens cost ?", PROBLEM.options)
    assert (question.quantities, question.options) == ((4.0,), PROBLEM.options)
    assert question.gold_answer is question.gold_program is question.correct is None


def test_problems_come_back_as_written(tmp_path: Path) -> None:
    problems = [
        PROBLEM,
        replace(PROBLEM, index=18, program=None, options=(), correct=None, answer=60.0),
    ]
    path = tmp_path / "problems.jsonl"
    assert write_problems(path, problems) == 2
    assert read_problems(path) == problems


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "problems.jsonl"
    write_problems(path, [PROBLEM])

    def broken():
        yield PROBLEM
        raise RuntimeError("cut")

    with pytest.raises(RuntimeError):
        write_problems(path, broken())
    assert read_problems(path) == [PROBLEM]
    assert [file.name for file in tmp_path.iterdir()] == ["problems.jsonl"]


@pytest.mark.parametrize(
    "change",
    [
        {"text": None},
        {"text": " "},
        {"program": "frob(n0)"},
        {"options": [{"letter": "a"}]},
        {"extra": 1},
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, change: dict) -> None:
    path = tmp_path / "problems.jsonl"
    write_problems(path, [PROBLEM])
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps({**PROBLEM.to_json(), **change}) + "\n")
    with pytest.raises(ArtifactError, match=r"problems\.jsonl line 2 is not a problem"):
        read_problems(path)


@pytest.mark.parametrize("line", ['{"set_name": "ma', "[]", "17", '{"text": "x"}'])
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "problems.jsonl"
    path.write_text(line)
    with pytest.raises(ArtifactError, match="line 1"):
        read_problems(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="No such file"):
        read_problems(tmp_path / "nothing.jsonl")


PENS = Problem(
    "mathqa",
    "dev",
    0,
    "a pen costs 3 dollars . what do 4 pens cost ?",
    (),
    None,
    "multiply(n0,n1)",
    "",
)


def test_a_cluster_differs_in_its_numbers_alone() -> None:
    other = "a pen costs 0.5 dollars . what do 1,000 pens cost ?"
    assert PENS.cluster == replace(PENS, text=other, program=None).cluster
    cups = "a cup costs 3 dollars . what do 4 cups cost ?"
    assert PENS.cluster != replace(PENS, text=cups).cluster


@pytest.mark.parametrize("make", [generate, generate_symbolic])
def test_a_generated_cluster_has_one_formula_whatever_it_is_about(
    make: Callable[..., Iterable[Problem]],
) -> None:
    problems = list(make(120, seed=1, split="heldout"))
    texts, clusters = {each.text for each in problems}, {each.cluster for each in problems}
    assert 2 * len(clusters) < len(texts)
    programs: dict[str, set[str]] = {}
    for problem in problems:
        programs.setdefault(str(problem.program), set()).add(problem.cluster)
    assert all(len(own) == 1 for own in programs.values())
    assert len(clusters) < len(programs), "one formula has several orders of its numbers"
    old = [replace(each, family=None).cluster for each in problems]
    assert old == [each.program for each in problems], "runs of older versions"


def test_the_order_of_the_numbers_does_not_make_another_cluster() -> None:
    """The 22 held-out formulas of word problems have 36 programs."""
    heldout = templates()["heldout"]
    assert len({str(program) for each in heldout for program in each.programs}) == 36
    assert len({each.family for each in heldout}) == 22
    assert {each.cluster for each in generate(2000, seed=0, split="heldout")} == {
        each.family for each in heldout
    }
