"""Pseudo-labels: programs with the gold answer that the model finds likely, as time allows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from corpus.problems.problem import Problem
from corpus.program.arithmetic.interpreter import execute
from corpus.program.arithmetic.options import parse_options
from corpus.program.language import parse
from corpus.solve import self_training
from corpus.solve.self_training import PseudoLabels, find_pseudo_labels
from corpus.solve.solver import Solver
from corpus.solve.voting import CandidateProgram

PROBLEM = Problem(
    set_name="mathqa",
    split="train",
    index=0,
    text="a train covers 120 km in 2 hours . what is its speed ?",
    options=parse_options("a ) 50 , b ) 60 , c ) 240"),
    correct="b",
    program="add(n0,n1)",
    category="physics",
)


class Fixed:
    """A solver that has the same programs for every problem, each with its likelihood."""

    def __init__(self, **programs: float) -> None:
        self.programs, self.asked = programs, []

    def search(self, problems: Sequence[Problem], count: int) -> list[list[CandidateProgram]]:
        self.asked += problems
        return [
            [
                CandidateProgram(
                    program=parse(text),
                    outcome=execute(parse(text), (120.0, 2.0)),
                    log_probability=math.log(share),
                )
                for text, share in self.programs.items()
            ]
            for _ in problems
        ]


def _find(
    solver: Any,
    problems: Sequence[Problem] = (PROBLEM,),
    progress: Callable[[], float] = lambda: 0.5,
    stopped: Callable[[], bool] = lambda: False,
) -> PseudoLabels | None:
    """Look without a clock, unless another progress is given."""
    return find_pseudo_labels(
        problems, cast(Solver, solver), progress=progress, stopped=stopped, seed=1
    )


def _found(*given: Any) -> tuple[Problem, ...]:
    result = _find(*given)
    assert result is not None
    return result.problems


def _fixed(*programs: tuple[str, float]) -> Fixed:
    return Fixed(**dict(programs))


def test_the_likeliest_program_that_gives_the_gold_answer_is_taken() -> None:
    solver = _fixed(("multiply(n0,n1)", 0.5), ("divide(n0,n1)", 0.3), ("divide(n0,const_2)", 0.2))
    assert _find(solver) == PseudoLabels(
        problems=(replace(PROBLEM, program="divide(n0,n1)"),), num_tried=1
    )


def test_nothing_is_taken_where_none_gives_the_gold_answer() -> None:
    none = PseudoLabels(problems=(), num_tried=1)
    assert _find(_fixed(("multiply(n0,n1)", 0.9), ("subtract(n0,n1)", 0.1))) == none
    assert _find(_fixed()) == none


@pytest.mark.parametrize(("share", "is_found"), [(0.02, True), (0.005, False)])
def test_a_program_that_the_model_hardly_believes_in_is_chance(
    share: float, is_found: bool
) -> None:
    solver = _fixed(("multiply(n0,n1)", 1 - share), ("divide(n0,n1)", share))
    assert bool(_found(solver)) is is_found


def test_every_problem_is_tried_once_and_what_is_found_keeps_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(self_training, "CHUNK", 3)
    problems = [
        replace(PROBLEM, index=index, text=f"{PROBLEM.text} {'abcdefghijk'[index]}")
        for index in range(11)
    ]
    solver = _fixed(("divide(n0,n1)", 1.0))
    found = _found(solver, problems)
    assert [problem.index for problem in found] == list(range(11))
    assert sorted(problem.text for problem in solver.asked) == sorted(p.text for p in problems)
    assert solver.asked != list(problems), "under a clock the first ones would be tried alone"


def test_twins_are_tried_together() -> None:
    """The solver decodes what reads alike once, but only of those it is given together."""
    problems = [
        replace(
            PROBLEM,
            index=index,
            text=PROBLEM.text.replace("train", "abcd"[index % 4]).replace("120", str(120 + index)),
        )
        for index in range(12)
    ]
    solver = _fixed(("divide(n0,n1)", 1.0))
    _found(solver, problems)
    asked = [problem.template for problem in solver.asked]
    assert [asked[start : start + 3] for start in range(0, 12, 3)] == [
        [asked[start]] * 3 for start in range(0, 12, 3)
    ]


@pytest.mark.parametrize(
    ("begun", "step", "num_tried"),
    [(0.5, 0.0, 11), (0.5, 0.02, 11), (0.5, 0.03, 9), (0.5, 0.06, 3), (0.9, 0.006, 9)],
)
def test_it_takes_a_fifth_of_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch, begun: float, step: float, num_tried: int
) -> None:
    """Three problems take `step` of fine-tuning; 11 problems are four chunks."""
    monkeypatch.setattr(self_training, "CHUNK", 3)
    solver = _fixed(("divide(n0,n1)", 1.0))
    problems = [replace(PROBLEM, index=index) for index in range(11)]
    result = _find(solver, problems, lambda: begun + step * -(-len(solver.asked) // 3))
    assert result is not None
    assert (len(result.problems), result.num_tried) == (num_tried, num_tried)


def test_stopped_it_has_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_training, "CHUNK", 3)
    solver = _fixed(("divide(n0,n1)", 1.0))
    assert _find(solver, [PROBLEM] * 11, lambda: 0.5, lambda: len(solver.asked) >= 6) is None
    assert len(solver.asked) == 6
