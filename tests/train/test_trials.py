"""A session's trials: their time, their memory, and the table of precisions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.sessions import (
    BATCH_TOKENS,
    CONFIG,
    MANY,
    choices,
    clock_pace,
    no_sample,
    open_session,
    run,
    sample,
)

from corpus.config.train import TrainConfig
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model
from corpus.runtime import runtime as runtime_module
from corpus.train import session as module
from corpus.train import step as step_module
from corpus.train.step import Trunk

pytestmark = pytest.mark.usefixtures("own_threads")


def _seconds_a_pass(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(module, "pass_seconds", lambda *given: seconds)


def test_what_the_trials_take_they_take_from_both_phases(
    tmp_path: Path, model: Transformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial of a quarter of the budget once left pre-training with no step at all."""
    _seconds_a_pass(monkeypatch, 0.5)
    with open_session(tmp_path, "1000s", train=TrainConfig(finetune_share=0.75)) as session:
        trunk = session.trunk

        def slow(*given: Any) -> Trunk:
            session.clock._before += 200
            return trunk(*given)

        monkeypatch.setattr(session, "trunk", slow)
        split = session.split(finetune_batches=MANY, model=model, sample=sample)
        assert clock_pace(split.pretrain()).end == pytest.approx(400, abs=2)


def _full_above(rows: int) -> Callable[[Transformer], Trunk]:
    """A device whose memory holds so many rows."""

    def compiler(model: Transformer) -> Trunk:
        def run(tokens: torch.Tensor, documents: torch.Tensor) -> torch.Tensor:
            if len(tokens) > rows:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return model.hidden(tokens, documents=documents)

        return run

    return compiler


@pytest.mark.parametrize("compile_setting", ["on", "off"])
def test_where_memory_runs_out_fewer_rows_are_computed_at_a_time(
    tmp_path: Path,
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    compile_setting: str,
) -> None:
    """In a trial or in a step; the weights are those of the whole batch, and a later session begins with what was learned."""
    results = []
    for folder, rows in (("whole", 99), ("small", 1)):
        for place in (module, step_module):
            monkeypatch.setattr(place, "compiled_trunk", _full_above(rows))
            monkeypatch.setattr(place, "eager_trunk", _full_above(rows))
        own = build_model(CONFIG, seed=1)
        with open_session(tmp_path / folder, "6 steps", compile=compile_setting) as session:
            assert run(session, own) == 6 * BATCH_TOKENS
        results.append(own.state_dict())
    for name, tensor in results[0].items():
        torch.testing.assert_close(results[1][name], tensor, rtol=1e-3, atol=1e-5, msg=name)
    warnings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")]
    assert warnings == [
        "warning: out of memory: from now on 1 rows are computed at a time, 2 times a step; the batch stays the same"
    ]
    assert choices(tmp_path / "small")["micro_batch_rows"] == 1
    with open_session(tmp_path / "small", "6 steps", compile="off") as session:
        assert session.micro_batch_rows == 1


def test_under_a_clock_precisions_are_tried_once_and_the_table_is_kept(
    tmp_path: Path,
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(runtime_module, "_product_rate", lambda dtype: 1.0)
    monkeypatch.setattr(
        "corpus.train.precision.supported_precisions",
        lambda device: [("fp32", ""), ("bf16", "too slow"), ("int8", "")],
    )
    monkeypatch.setattr(
        "corpus.train.precision.pass_seconds",
        lambda model, trunk, runtime, batch: {"fp32": 1.0, "int8": 0.5}[runtime.precision],
    )
    _seconds_a_pass(monkeypatch, 0.5)
    with open_session(tmp_path, "1h", precision="auto") as session:
        session.trunk(model, sample)
        assert session.runtime.precision == "int8"
    assert "precision  bf16  not timed: too slow" in capsys.readouterr().out
    recorded = choices(tmp_path)
    assert recorded["precision"] == "int8"
    assert [row["precision"] for row in recorded["precisions_tried"]] == ["fp32", "bf16", "int8"]
    with open_session(tmp_path, "1h", precision="auto") as session:
        session.trunk(model, no_sample)
        assert session.runtime.precision == "int8"
    assert choices(tmp_path)["precisions_tried"] == recorded["precisions_tried"]
