"""Self-training: the callback finds pseudo-labels once, with the memory that there is."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from corpus.base.errors import ConfigError, TrainingError
from corpus.config.finetune import FinetuneConfig
from corpus.config.model import ModelConfig
from corpus.finetune.loader import ProblemLoader
from corpus.model.weights import build_model
from corpus.problems.problem import Problem, read_problems
from corpus.program.arithmetic.options import parse_options
from corpus.recipes.registry import load_recipe
from corpus.run.folder import RunFolder
from corpus.runtime.runtime import Runtime
from corpus.solve.self_training import PseudoLabels
from corpus.train import copied_solver, self_training
from corpus.train.data import TrainingData
from corpus.train.self_training import SelfTraining
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


added: list[Any] = []
"""What the loader was given."""


@pytest.mark.parametrize(("room", "sizes"), [(64, [64]), (20, [64, 32, 16])])
def test_where_memory_runs_out_it_decodes_fewer_at_a_time(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    room: int,
    sizes: list[int],
) -> None:
    tried = _fail_above(room, monkeypatch)
    assert _self_training(tmp_path)._find(1, MODEL.state_dict(), lambda: 0.5, lambda: False) == 1
    assert tried == sizes
    assert read_problems(tmp_path / "found.jsonl") == [PROBLEM]
    assert ("out of memory while decoding programs" in capsys.readouterr().out) is (len(sizes) > 1)


def test_where_there_is_no_memory_at_all_the_fix_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = _fail_above(0, monkeypatch)
    with pytest.raises(
        TrainingError, match=r"its memory is full; checkpoints are kept.*finetune\.self_training 0"
    ):
        _self_training(tmp_path)._find(1, MODEL.state_dict(), lambda: 0.5, lambda: False)
    assert tried == [64, 32, 16, 8]


def test_a_later_round_keeps_what_earlier_ones_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = [
        [replace(PROBLEM, index=index, program=program) for index in indices]
        for program, indices in (("add(n0,n1)", (0, 1)), ("divide(n0,n1)", (1, 2)))
    ]
    seeds: list[int] = []

    def find(problems: Sequence[Problem], solver: Any, *, seed: int, **more: Any) -> PseudoLabels:
        seeds.append(seed)
        return PseudoLabels(problems=tuple(rounds[len(seeds) - 1]), num_tried=3)

    monkeypatch.setattr(copied_solver, "Solver", lambda *given, **more: None)
    monkeypatch.setattr(self_training, "find_pseudo_labels", find)
    for number in (1, 2):
        _self_training(tmp_path)._find(number, MODEL.state_dict(), lambda: 0.5, lambda: False)
    first = [(each.index, each.program) for each in read_problems(tmp_path / "found.jsonl")]
    second = [(each.index, each.program) for each in read_problems(tmp_path / "found.2.jsonl")]
    assert first == [(0, "add(n0,n1)"), (1, "add(n0,n1)")]
    assert second == [(0, "add(n0,n1)"), (1, "divide(n0,n1)"), (2, "divide(n0,n1)")]
    assert len(set(seeds)) == 2, "under a clock each round tries others first"
    assert "for 2 of 3 problems without a right program; with those of earlier rounds 3" in (
        capsys.readouterr().out
    )


def test_stopped_before_it_looks_it_writes_nothing(tmp_path: Path) -> None:
    assert _self_training(tmp_path)._find(1, MODEL.state_dict(), lambda: 0.5, lambda: True) is None
    assert not (tmp_path / "found.jsonl").exists()


def _self_training(folder: Path) -> SelfTraining:
    config = load_recipe("starter")
    config = replace(
        config,
        evaluate=replace(config.evaluate, batch_size=64),
        finetune=replace(config.finetune, self_training=0.5),
    )
    selected = SimpleNamespace(solvable=[PROBLEM], problems=[])
    data = SimpleNamespace(selected=selected, tokenizer=None, written=list)
    session = SimpleNamespace(ranks=SimpleNamespace(is_main=True), runtime=CPU)
    loader = SimpleNamespace(add=added.append)
    return SelfTraining(
        config=config,
        folder=RunFolder(folder),
        session=cast(Session, session),
        data=cast(TrainingData, data),
        loader=cast(ProblemLoader, loader),
        shape=CONFIG,
        weights=MODEL.state_dict,
    )


def _fail_above(room: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let searches of more than `room` at a time run out of memory; return those that were
    tried."""
    tried: list[int] = []

    def find(problems: Sequence[Problem], size: int, **given: Any) -> PseudoLabels:
        tried.append(size)
        if size > room:
            raise torch.OutOfMemoryError
        return PseudoLabels(problems=tuple(problems), num_tried=len(problems))

    monkeypatch.setattr(copied_solver, "Solver", lambda *given, batch_size, **more: batch_size)
    monkeypatch.setattr(self_training, "find_pseudo_labels", find)
    return tried


def test_it_needs_problems_that_are_left_out() -> None:
    with pytest.raises(ConfigError, match=r"finetune\.self_training.*checked_only"):
        FinetuneConfig(self_training=0.5, checked_only=False)
    with pytest.raises(ConfigError, match=r"finetune\.self_training is 1\.0"):
        FinetuneConfig(self_training=1.0)
    with pytest.raises(ConfigError, match=r"finetune\.self_training_rounds is 0.*1 or more"):
        FinetuneConfig(self_training_rounds=0)
