"""Precision by measurement: the fastest accurate one, with a table that says why."""

from typing import Any

import pytest
import torch

from corpus.config.model import ModelConfig
from corpus.data.batch import Batch
from corpus.model.weights import build_model
from corpus.runtime.runtime import Runtime
from corpus.train import precision as module
from corpus.train.precision import PrecisionTrial, fastest, table, try_precisions

CONFIG = ModelConfig(
    vocab_size=64, dim=32, num_layers=2, num_heads=2, num_kv_heads=1, context_length=32
)
CPU = Runtime(device=torch.device("cpu"), precision="fp32", num_threads=1)


def _batch() -> Batch:
    tokens = torch.randint(0, 64, (4, 33), generator=torch.Generator().manual_seed(0))
    return Batch(
        tokens=tokens[:, :-1],
        targets=tokens[:, 1:],
        documents=torch.zeros(4, 32, dtype=torch.int64),
        num_tokens=4 * 32,
    )


def _everything(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(
        module, "supported_precisions", lambda device: [(name, "") for name in names]
    )


def test_each_precision_is_tried_on_the_model_and_leaves_it_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _everything(monkeypatch, "fp32", "bf16", "int8")
    model = build_model(CONFIG, seed=0)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    trials = try_precisions(model, CPU, _batch(), compiled=False)
    assert [trial.precision for trial in trials] == ["fp32", "bf16", "int8"]
    assert (trials[0].loss_error, trials[0].cosine) == (0.0, pytest.approx(1.0, abs=1e-5))
    for trial in trials[1:]:
        assert trial.cosine is not None
        assert 0.9 < trial.cosine < 1.00001
        assert trial.loss_error != 0, "it was to round"
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert {type(layer) for layer in model.modules() if isinstance(layer, torch.nn.Linear)} == {
        torch.nn.Linear
    }
    assert all(parameter.grad is None for parameter in model.parameters())


def test_what_the_device_or_the_model_lacks_is_a_line_of_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        module,
        "supported_precisions",
        lambda device: [("fp32", ""), ("bf16", "too slow"), ("fp8", "")],
    )
    odd = ModelConfig(
        vocab_size=64,
        dim=24,
        num_layers=1,
        num_heads=2,
        num_kv_heads=1,
        context_length=32,
        ffn_dim=32,
    )
    trials = try_precisions(build_model(odd, seed=0), CPU, _batch(), compiled=False)
    assert fastest(trials) == "fp32"
    lines = table(trials)
    assert lines[0].startswith("fp32 ")
    assert lines[1] == "bf16  not timed: too slow"
    assert "24 by 24; fp8 needs multiples of 16" in lines[2]


def test_a_precision_that_spoils_the_gradient_is_no_candidate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _everything(monkeypatch, "fp32", "bf16")
    monkeypatch.setattr(module, "SMALLEST_COSINE", 0.9999999)
    monkeypatch.setattr(
        module,
        "pass_seconds",
        lambda model, backbone, runtime, batch: 1.0 if runtime.precision == "fp32" else 0.1,
    )
    trials = try_precisions(build_model(CONFIG, seed=0), CPU, _batch(), compiled=False)
    assert "cosine is below" in trials[1].verdict
    assert fastest(trials) == "fp32"


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        ({"fp32": 1.0, "bf16": 0.5, "int8": 0.4}, "int8"),
        ({"fp32": 1.0, "bf16": 0.5, "int8": 0.49}, "bf16"),
        ({"fp32": 1.0, "bf16": 2.0}, "fp32"),
    ],
)
def test_the_fastest_is_taken_and_a_finer_one_that_is_nearly_as_fast(
    seconds: dict[str, float], chosen: str
) -> None:
    trials: list[Any] = [
        PrecisionTrial(precision=name, seconds=value, verdict="accurate")
        for name, value in seconds.items()
    ]
    assert fastest(trials) == chosen


def test_nothing_accurate_means_fp32() -> None:
    assert (
        fastest([PrecisionTrial(precision="bf16", seconds=1.0, verdict="its loss is off")])
        == "fp32"
    )
