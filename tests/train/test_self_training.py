"""Programs that a model finds: those that give the key and that it believes in, as many as there is time for."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from corpus.base.errors import ConfigError, TrainingError
from corpus.config.finetune import FinetuneConfig
from corpus.config.model import ModelConfig
from corpus.finetune.feed import ProblemFeed
from corpus.model.weights import build_model
from corpus.problems.numbers import template_of
from corpus.problems.problem import Problem, read_problems
from corpus.program.answer import parse_options
from corpus.program.interpreter import execute
from corpus.program.language import parse
from corpus.recipes.registry import load_recipe
from corpus.run.folder import RunFolder
from corpus.runtime.runtime import Runtime
from corpus.solve.candidates import Candidate
from corpus.solve.solver import Solver
from corpus.text.tokenizer import Tokenizer
from corpus.train import self_training
from corpus.train.self_training import SelfTraining, find_programs
from corpus.train.session import Session

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


CONFIG = ModelConfig(
    vocab_size=64, dim=16, num_layers=1, num_heads=2, num_kv_heads=1, context_length=16
)
MODEL = build_model(CONFIG, seed=1)
CPU = Runtime(device=torch.device("cpu"), precision="fp32", num_threads=1)


class Fixed:
    """A solver that has the same programs for every problem, each with its likelihood."""

    def __init__(self, **programs: float) -> None:
        self.programs, self.asked = programs, []

    def search(self, texts: Sequence[str], count: int) -> list[list[Candidate]]:
        self.asked += texts
        return [
            [
                Candidate(
                    program=parse(text),
                    outcome=execute(parse(text), (120.0, 2.0)),
                    log_probability=math.log(share),
                )
                for text, share in self.programs.items()
            ]
            for _ in texts
        ]


def _find(
    solver: Any,
    problems: Sequence[Problem] = (PROBLEM,),
    progress: Callable[[], float] = lambda: 0.5,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[list[Problem], int] | None:
    """Look without a clock, unless another progress is given."""
    return find_programs(problems, cast(Solver, solver), progress, stopped, seed=1)


def _found(*given: Any) -> list[Problem]:
    result = _find(*given)
    assert result is not None
    return result[0]


def _fixed(*programs: tuple[str, float]) -> Fixed:
    return Fixed(**dict(programs))


def test_the_likeliest_program_that_gives_the_key_is_taken() -> None:
    solver = _fixed(("multiply(n0,n1)", 0.5), ("divide(n0,n1)", 0.3), ("divide(n0,const_2)", 0.2))
    assert _find(solver) == ([replace(PROBLEM, program="divide(n0,n1)")], 1)


def test_nothing_is_taken_where_none_gives_the_key() -> None:
    assert _find(_fixed(("multiply(n0,n1)", 0.9), ("subtract(n0,n1)", 0.1))) == ([], 1)
    assert _find(_fixed()) == ([], 1)


@pytest.mark.parametrize(("share", "is_found"), [(0.02, True), (0.005, False)])
def test_a_program_that_the_model_hardly_believes_in_is_chance(
    share: float, is_found: bool
) -> None:
    solver = _fixed(("multiply(n0,n1)", 1 - share), ("divide(n0,n1)", share))
    assert bool(_found(solver)) is is_found


def test_every_problem_is_looked_at_once_and_what_is_found_keeps_their_order(
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
    assert sorted(solver.asked) == sorted(problem.text for problem in problems)
    assert solver.asked != [problem.text for problem in problems], (
        "under a clock the first ones would be looked at alone"
    )


def test_twins_are_looked_at_together() -> None:
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
    asked = [template_of(text) for text in solver.asked]
    assert [asked[start : start + 3] for start in range(0, 12, 3)] == [
        [asked[start]] * 3 for start in range(0, 12, 3)
    ]


@pytest.mark.parametrize(
    ("begun", "step", "looked_at"),
    [(0.5, 0.0, 11), (0.5, 0.02, 11), (0.5, 0.03, 9), (0.5, 0.06, 3), (0.9, 0.006, 9)],
)
def test_it_takes_a_fifth_of_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch, begun: float, step: float, looked_at: int
) -> None:
    """Three problems take `step` of fine-tuning; 11 problems are four chunks."""
    monkeypatch.setattr(self_training, "CHUNK", 3)
    solver = _fixed(("divide(n0,n1)", 1.0))
    problems = [replace(PROBLEM, index=index) for index in range(11)]
    result = _find(solver, problems, lambda: begun + step * -(-len(solver.asked) // 3))
    assert result is not None
    assert (len(result[0]), result[1]) == (looked_at, looked_at)


def test_stopped_it_has_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_training, "CHUNK", 3)
    solver = _fixed(("divide(n0,n1)", 1.0))
    assert _find(solver, [PROBLEM] * 11, lambda: 0.5, lambda: len(solver.asked) >= 6) is None
    assert len(solver.asked) == 6


@pytest.mark.parametrize(("room", "rows"), [(64, [64]), (20, [64, 32, 16])])
def test_where_memory_runs_out_it_looks_with_fewer_rows(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    room: int,
    rows: list[int],
) -> None:
    tried = _fail_above(room, monkeypatch)
    assert (
        _self_training(tmp_path)._find(MODEL.state_dict(), CONFIG, CPU, lambda: 0.5, lambda: False)
        == 1
    )
    assert tried == rows
    assert read_problems(tmp_path / "found.jsonl") == [PROBLEM]
    assert ("out of memory while looking for programs" in capsys.readouterr().out) is (
        len(rows) > 1
    )


def test_where_there_is_no_memory_at_all_the_fix_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = _fail_above(0, monkeypatch)
    with pytest.raises(
        TrainingError, match=r"no room for it; everything is saved.*finetune\.self_training 0"
    ):
        _self_training(tmp_path)._find(MODEL.state_dict(), CONFIG, CPU, lambda: 0.5, lambda: False)
    assert tried == [64, 32, 16, 8]


def test_stopped_before_it_looks_it_writes_nothing(tmp_path: Path) -> None:
    assert (
        _self_training(tmp_path)._find(MODEL.state_dict(), CONFIG, CPU, lambda: 0.5, lambda: True)
        is None
    )
    assert not (tmp_path / "found.jsonl").exists()


def _self_training(folder: Path) -> SelfTraining:
    config = load_recipe("starter")
    config = replace(config, evaluate=replace(config.evaluate, batch_size=64))
    tokenizer = cast(Tokenizer, None)
    return SelfTraining(
        config=config,
        folder=RunFolder(folder),
        tokenizer=tokenizer,
        problems=[PROBLEM],
        written=list,
    )


def _fail_above(room: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let searches with more rows than `room` run out of memory; return the rows that were tried, as they come."""
    tried: list[int] = []

    def find(
        problems: Sequence[Problem], rows: int, *given: Any, seed: int
    ) -> tuple[list[Problem], int]:
        tried.append(rows)
        if rows > room:
            raise torch.OutOfMemoryError
        return [*problems], len(problems)

    monkeypatch.setattr(self_training, "Solver", lambda *given, batch_size, **more: batch_size)
    monkeypatch.setattr(self_training, "find_programs", find)
    return tried


def test_where_the_epochs_are_over_it_finds_nothing_and_a_later_session_knows(
    tmp_path: Path,
) -> None:
    mine, ranks = _self_training(tmp_path), SimpleNamespace(is_main=True)
    mine = replace(
        mine, config=replace(mine.config, finetune=replace(mine.config.finetune, self_training=0.5))
    )
    feed = SimpleNamespace(is_over=True, add=lambda examples: added.append(examples))
    added: list[Any] = []
    turn = mine.turn(
        cast(ProblemFeed, feed),
        cast(Session, SimpleNamespace(ranks=ranks)),
        shape=CONFIG,
        tensors=MODEL.state_dict,
    )
    assert turn is not None
    assert (
        turn.do(lambda: 0.5, lambda: False)
        == "nothing was looked for: finetune.max_epochs is reached"
    )
    turn.repeat()
    assert added == [()]


def test_it_needs_problems_that_are_left_out() -> None:
    with pytest.raises(ConfigError, match=r"finetune\.self_training.*checked_only"):
        FinetuneConfig(self_training=0.5, checked_only=False)
    with pytest.raises(ConfigError, match=r"finetune\.self_training is 1\.0"):
        FinetuneConfig(self_training=1.0)
