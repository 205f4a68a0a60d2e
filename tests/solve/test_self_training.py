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
    solved: Sequence[Problem] = (),
    rounds: int = 1,
) -> PseudoLabels | None:
    """Look without a clock, unless another progress is given."""
    return find_pseudo_labels(
        problems,
        cast(Solver, solver),
        solved=solved,
        rounds=rounds,
        progress=progress,
        stopped=stopped,
        seed=1,
    )


def _found(*given: Any) -> tuple[Problem, ...]:
    result = _find(*given)
    assert result is not None
    return result.problems


def _fixed(*programs: tuple[str, float]) -> Fixed:
    return Fixed(**dict(programs))


def _different(count: int) -> list[Problem]:
    return [
        replace(PROBLEM, index=index, text=f"{PROBLEM.text} {'abcdefghijk'[index]}")
        for index in range(count)
    ]


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
    problems = _different(11)
    solver = _fixed(("divide(n0,n1)", 1.0))
    found = _found(solver, problems)
    assert [problem.index for problem in found] == list(range(11))
    assert sorted(problem.text for problem in solver.asked) == sorted(p.text for p in problems)
    assert solver.asked != list(problems), "under a clock the first ones would be tried alone"


def _twin(index: int, kilometres: int, hours: int, answer: int) -> Problem:
    return replace(
        PROBLEM,
        index=index,
        text=f"a train covers {kilometres} km in {hours} hours . what is its speed ?",
        options=parse_options(f"a ) {answer} , b ) {answer * 3} , c ) {answer * 7}"),
        correct="a",
    )


SUM_OR_SPEED = (("multiply(n1,n1)", 0.6), ("divide(n0,n1)", 0.4))
"""The first gives the gold answer of the first twin alone, by chance: 4 · 4 = 64 / 4."""


def test_a_program_that_gives_one_answer_of_twins_by_chance_is_not_taken() -> None:
    chance, other = _twin(0, 64, 4, 16), _twin(1, 90, 3, 30)
    solver = _fixed(*SUM_OR_SPEED)
    assert [each.program for each in _found(solver, [chance])] == ["multiply(n1,n1)"]
    solver = _fixed(*SUM_OR_SPEED)
    found = _found(solver, [chance, other])
    assert [each.program for each in found] == ["divide(n0,n1)"] * 2
    assert len(solver.asked) == 1, "twins read alike, so the model is asked once"


def test_twins_that_have_a_right_program_speak_too() -> None:
    chance = _twin(0, 64, 4, 16)
    solved = replace(_twin(1, 90, 3, 30), program="divide(n0,n1)")
    result = _find(_fixed(*SUM_OR_SPEED), [chance], lambda: 0.5, lambda: False, [solved])
    assert result is not None
    assert [(each.index, each.program) for each in result.problems] == [(0, "divide(n0,n1)")]


def test_copies_of_a_problem_speak_once() -> None:
    """Three copies of a problem whose key is 13 + 4 by chance are not three of four twins."""
    wrong, other = [_twin(index, 13, 4, 17) for index in range(3)], _twin(3, 90, 3, 30)
    assert not _found(_fixed(("add(n0,n1)", 1.0)), [*wrong, other])


def test_of_many_twins_a_few_may_have_another_answer() -> None:
    """Answers of the data can be wrong; the program is only a label of those that it gives."""
    twins = [_twin(0, 90, 3, 31), *(_twin(index, 90 * index, 3, 30 * index) for index in (1, 2, 3))]
    found = _found(_fixed(("divide(n0,n1)", 1.0)), twins)
    assert [each.index for each in found] == [1, 2, 3]
    assert not _found(_fixed(("divide(n0,n1)", 1.0)), [_twin(4, 60, 2, 31), *twins[:3]])


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
    problems = _different(11)
    result = _find(solver, problems, lambda: begun + step * -(-len(solver.asked) // 3))
    assert result is not None
    assert (len(result.problems), result.num_tried) == (num_tried, num_tried)


def test_several_rounds_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_training, "CHUNK", 3)
    tried = []
    for rounds in (1, 3):
        solver = _fixed(("divide(n0,n1)", 1.0))
        result = find_pseudo_labels(
            _different(11),
            cast(Solver, solver),
            rounds=rounds,
            progress=lambda asked=solver.asked: 0.5 + 0.03 * -(-len(asked) // 3),
            stopped=lambda: False,
            seed=1,
        )
        assert result is not None
        tried.append(result.num_tried)
    assert tried == [9, 3]


def test_stopped_it_has_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_training, "CHUNK", 3)
    solver = _fixed(("divide(n0,n1)", 1.0))
    assert _find(solver, _different(11), lambda: 0.5, lambda: len(solver.asked) >= 6) is None
    assert len(solver.asked) == 6
