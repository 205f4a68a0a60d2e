"""Speeds are measured on what a run would train; a size that does not compile or fit costs no
plan."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from corpus.base.units import parse_budget
from corpus.config.model import ModelConfig
from corpus.config.runtime import RuntimeConfig
from corpus.config.train import TrainConfig
from corpus.data.batch import Batch
from corpus.model.transformer import Transformer
from corpus.plan import measure as module
from corpus.plan.measure import Machine, measure
from corpus.train import autotune, trials
from corpus.train.step import Backbone, OutOfMemory, eager_backbone

SHAPES = [
    ModelConfig(
        vocab_size=64, dim=dim, num_layers=1, num_heads=2, num_kv_heads=1, context_length=16
    )
    for dim in (16, 32, 48)
]


def _sample(shape: ModelConfig, rows: int) -> Batch:
    tokens = torch.arange(rows * 16).reshape(rows, 16) % 64
    return Batch(
        tokens=tokens, targets=tokens, documents=torch.zeros_like(tokens), num_tokens=tokens.numel()
    )


def _measure(monkeypatch: pytest.MonkeyPatch, backbone: Any, **more: Any) -> Machine:
    for place in (module, autotune, trials):
        monkeypatch.setattr(place, "CompiledBackbone", backbone)
    settings: dict[str, Any] = {
        "budget": parse_budget("200s"),
        "train": TrainConfig(sequences_per_batch=4),
        "runtime": RuntimeConfig(device="cpu", precision="fp32", compile="on", num_threads=1),
        "sample": _sample,
        "training_seconds": 100.0,
        "enough_seconds": 60.0,
    }
    return measure(SHAPES, **(settings | more))


def test_a_size_that_does_not_compile_has_its_eager_speed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def backbone(model: Transformer) -> Backbone:
        if model.config.dim == 32:
            raise RuntimeError("the compiler gave up\nand more")
        return eager_backbone(model)

    monkeypatch.setattr(
        module, "USUAL_TOKENS", 1e9
    )  # the smallest size is the one that is tried first
    machine = _measure(monkeypatch, backbone)
    assert machine.compiled
    assert [speed.shape for speed in machine.speeds] == SHAPES
    assert machine.speeds[1].tokens_per_second == machine.speeds[1].eager_tokens_per_second
    assert "do not compile (RuntimeError: the compiler gave up)" in capsys.readouterr().out


def test_where_there_is_no_time_to_compile_a_size_its_neighbours_gain_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = _measure(monkeypatch, eager_backbone, enough_seconds=0.0)
    assert [speed.measured for speed in machine.speeds].count(True) == 1
    gains = {
        round(speed.tokens_per_second / speed.eager_tokens_per_second, 6)
        for speed in machine.speeds
    }
    assert len(gains) == 1


def test_what_does_not_fit_ends_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(self: Transformer, tokens: torch.Tensor, **more: Any) -> torch.Tensor:
        if self.config.dim == 48:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return before(self, tokens, **more)

    before = Transformer.hidden
    monkeypatch.setattr(Transformer, "hidden", hidden)
    assert [speed.shape for speed in _measure(monkeypatch, eager_backbone).speeds] == SHAPES[:2]
    with pytest.raises(OutOfMemory):
        _measure(monkeypatch, eager_backbone, sample=_too_much)


def _too_much(shape: ModelConfig, rows: int) -> Batch:
    raise OutOfMemory("the device ran out of memory")


def test_what_is_too_large_for_the_time_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = _measure(monkeypatch, eager_backbone, training_seconds=1e-6)
    assert [speed.shape for speed in machine.speeds] == SHAPES[:1]


def test_activations_are_computed_again_where_a_run_would(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Transformer] = []
    monkeypatch.setattr(module, "checkpoint_activations", seen.append)
    runtime = RuntimeConfig(device="cpu", precision="fp32", compile="off", num_threads=1)
    _measure(monkeypatch, eager_backbone, runtime=replace(runtime, checkpoint_activations=True))
    assert {model.config.dim for model in seen} == {16, 32, 48}
