"""How a run computes: each choice by a trial, once in a run, and the reasons where there is
none."""

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
from torch import Tensor

from corpus.base.errors import DeviceError
from corpus.config.train import TrainConfig
from corpus.data.batch import Batch
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model
from corpus.run.folder import RunFolder
from corpus.runtime import runtime as runtime_module
from corpus.runtime import threads as threads_module
from corpus.runtime.runtime import Runtime
from corpus.train import autotune
from corpus.train import session as session_module
from corpus.train import trials as trials_module
from corpus.train.autotune import COMPILING
from corpus.train.schedule import STEP_OVERHEAD
from corpus.train.step import Backbone, eager_backbone
from corpus.train.trials import THREAD_ROUNDS, try_compile

pytestmark = pytest.mark.usefixtures("own_threads")


def _on_cores(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """An idle machine with so many cores, and no OMP_NUM_THREADS."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads_module, "usable_cores", lambda: number)
    monkeypatch.setattr(autotune, "usable_cores", lambda: number)
    monkeypatch.setattr(threads_module, "cores_of_others", lambda: 0.0)


CPU = Runtime(device=torch.device("cpu"), precision="fp32", num_threads=1)


def _seconds_a_pass(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    for place in (autotune, trials_module):
        monkeypatch.setattr(place, "pass_seconds", lambda *given: seconds)


def _weights(model: Transformer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def _same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_what_the_trials_take_they_take_from_both_phases(
    tmp_path: Path, model: Transformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial of a quarter of the budget once left pre-training with no step at all."""
    _seconds_a_pass(monkeypatch, 0.5)
    with open_session(tmp_path, "1000s", train=TrainConfig(finetune_share=0.75)) as session:
        backbone = session.autotuner.backbone

        def slow(*given: Any) -> Backbone:
            session.clock._before += 200 * (session.autotuner._backbone is None)
            return backbone(*given)

        monkeypatch.setattr(session.autotuner, "backbone", slow)
        split = session.split(finetune_batches=MANY, model=model, sample=sample, text_sample=sample)
        assert clock_pace(split.pretrain()).end == pytest.approx(400, abs=2)


def _full_above(rows: int) -> Callable[[Transformer], Backbone]:
    """A device whose memory holds so many rows."""

    def compiler(model: Transformer) -> Backbone:
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
    """In a trial or in a step; the weights are those of the whole batch, and a later session begins
    with what was learned."""
    results = []
    for folder, rows in (("whole", 99), ("small", 1)):
        for place in (autotune, trials_module):
            monkeypatch.setattr(place, "CompiledBackbone", _full_above(rows))
        for place in (autotune, session_module):
            monkeypatch.setattr(place, "eager_backbone", _full_above(rows))
        own = build_model(CONFIG, seed=1)
        with open_session(tmp_path / folder, "6 steps", compile=compile_setting) as session:
            assert run(session, own) == 6 * BATCH_TOKENS
        results.append(own.state_dict())
    for name, tensor in results[0].items():
        torch.testing.assert_close(results[1][name], tensor, rtol=1e-3, atol=1e-5, msg=name)
    warnings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")]
    assert warnings == [
        "warning: out of memory: from now on micro-batches of 1, 2 per step; the batch stays the same"
    ]
    assert choices(tmp_path / "small")["micro_batch_rows"] == 1
    with open_session(tmp_path / "small", "6 steps", compile="off") as session:
        assert session.autotuner.micro_batch == 1


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
        lambda model, backbone, runtime, batch: {"fp32": 1.0, "int8": 0.5}[runtime.precision],
    )
    _seconds_a_pass(monkeypatch, 0.5)
    with open_session(tmp_path, "1h", precision="auto") as session:
        session.autotuner.backbone(model, sample)
        assert session.runtime.precision == "int8"
    assert "precision  bf16  not timed: too slow" in capsys.readouterr().out
    recorded = choices(tmp_path)
    assert recorded["precision"] == "int8"
    assert [row["precision"] for row in recorded["precisions_tried"]] == ["fp32", "bf16", "int8"]
    with open_session(tmp_path, "1h", precision="auto") as session:
        session.autotuner.backbone(model, no_sample)
        assert session.runtime.precision == "int8"
    assert choices(tmp_path)["precisions_tried"] == recorded["precisions_tried"]


def _rate_of_bf16(monkeypatch: pytest.MonkeyPatch, rate: float) -> None:
    monkeypatch.setattr(
        runtime_module, "_product_rate", lambda dtype: rate if dtype is torch.bfloat16 else 1.0
    )


@pytest.mark.parametrize(("first", "then", "precision"), [(1.0, 10.0, "fp32"), (10.0, 1.0, "bf16")])
def test_precision_is_chosen_once_in_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: float, then: float, precision: str
) -> None:
    for rate in (first, then):
        _rate_of_bf16(monkeypatch, rate)
        with open_session(tmp_path, "60s", precision="auto") as session:
            assert session.runtime.precision == precision
    assert choices(tmp_path)["precision"] == precision


def test_nothing_is_measured_under_a_budget_of_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command is to give the same bits, on a busy machine too."""
    _rate_of_bf16(monkeypatch, 10.0)
    with open_session(tmp_path, "10 steps", precision="auto") as session:
        assert session.runtime.precision == "fp32"


def test_trials_run_at_the_size_that_trains(
    tmp_path: Path, model: Transformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that is computed in parts may not fit at once; and its time is that of all parts."""
    rows: list[int] = []
    _on_cores(monkeypatch, 4)

    def seconds(model: Transformer, backbone: Backbone, runtime: Any, batch: Batch) -> float:
        rows.append(len(batch.tokens))
        return 0.5

    for place in (autotune, trials_module):
        monkeypatch.setattr(place, "pass_seconds", seconds)
    train = TrainConfig(sequences_per_batch=2, micro_batch_sequences=1, finetune_share=0.9)
    with open_session(tmp_path, "1000s", train=train, num_threads=0, compile="auto") as session:
        session.split(finetune_batches=10, model=model, sample=sample, text_sample=sample)
    assert rows
    assert set(rows) == {1}
    assert choices(tmp_path)["finetune_seconds"] == pytest.approx(10 * STEP_OVERHEAD * 2 * 0.5)


def test_little_time_left_is_not_spent_on_compiling_again(
    tmp_path: Path, model: Transformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunFolder(tmp_path).update_manifest(
        choices={"compiled": True, "compile_reason": "it paid", "compile_seconds": 30.0}
    )
    RunFolder(tmp_path).clock.write_text('{"seconds": 900.0}')
    monkeypatch.setattr(
        autotune,
        "try_compile",
        lambda *given, **more: pytest.fail("compiled with 100 of 120 seconds left"),
    )
    with open_session(tmp_path, "1000s", compile="auto") as session:
        session.autotuner.backbone(model, sample)
    assert "too short to compile again" in choices(tmp_path)["compile_reason"]


def _fastest_with(monkeypatch: pytest.MonkeyPatch, threads: int, tried: list[int]) -> None:
    def seconds(*given: object) -> float:
        tried.append(torch.get_num_threads())
        return 1.0 + abs(torch.get_num_threads() - threads)

    monkeypatch.setattr(trials_module, "pass_seconds", seconds)


def test_threads_are_chosen_once_in_a_run(
    tmp_path: Path, model: Transformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    _on_cores(monkeypatch, 4)
    for fastest in (2, 1):
        _fastest_with(monkeypatch, fastest, tried)
        with open_session(tmp_path, "1000s", num_threads=0) as session:
            session.autotuner.backbone(model, sample)
            assert session.runtime.num_threads == torch.get_num_threads() == 2
            assert RunFolder(tmp_path).read_manifest()["environment"]["num_threads"] == 2
        torch.set_num_threads(3)
    assert tried == [4, 2, 1] * THREAD_ROUNDS, "in the first session alone"
    assert choices(tmp_path)["num_threads"] == 2
    assert choices(tmp_path)["threads_tried"] == {"4": 3.0, "2": 1.0, "1": 2.0}


@pytest.mark.parametrize("budget", ["1000s", "60s", "9 steps"])
def test_threads_are_chosen_anew_for_another_number_of_cores(
    tmp_path: Path,
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    budget: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tried: list[int] = []
    for cores in (4, 4, 2, 8):
        _on_cores(monkeypatch, cores)
        _fastest_with(monkeypatch, cores, tried)
        with open_session(tmp_path, budget, num_threads=0) as session:
            session.autotuner.backbone(model, sample)
            assert session.runtime.num_threads == torch.get_num_threads() == cores
        assert choices(tmp_path)["threads_for"] == {"cores": cores, "ranks": 1}
    assert len(tried) == (3 + 2 + 3) * THREAD_ROUNDS * (budget == "1000s")
    said = capsys.readouterr().out
    assert said.count("chosen anew") == 2
    assert "(8 cores, 1 ranks; before 2 cores, 1 ranks): 8 a rank" in said


def test_a_busy_moment_does_not_decide_on_threads(
    tmp_path: Path, model: Transformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first trial of two threads meets another program; the next ones do not."""
    slow = iter([9.0])
    _on_cores(monkeypatch, 2)
    monkeypatch.setattr(
        trials_module,
        "pass_seconds",
        lambda *given: next(slow, 0.1) if torch.get_num_threads() == 2 else 0.2,
    )
    with open_session(tmp_path, "1000s", num_threads=0) as session:
        session.autotuner.backbone(model, sample)
        assert session.runtime.num_threads == 2


@pytest.mark.parametrize(
    ("budget", "asked"), [("1000s", 3), ("60s", 0), ("1000 steps", 0), ("1000 steps", 3)]
)
def test_threads_are_not_tried_where_they_are_given_or_time_plays_no_part(
    tmp_path: Path, model: Transformer, monkeypatch: pytest.MonkeyPatch, budget: str, asked: int
) -> None:
    tried: list[int] = []
    _on_cores(monkeypatch, 4)
    _fastest_with(monkeypatch, 1, tried)
    with open_session(tmp_path, budget, num_threads=asked) as session:
        session.autotuner.backbone(model, no_sample)
        assert session.runtime.num_threads == torch.get_num_threads() == (asked or 4)
    assert not tried


@pytest.mark.parametrize(
    ("budget", "asked", "expected"), [("1000s", 0, 2), ("9 steps", 0, 2), ("9 steps", 3, 3)]
)
def test_omp_num_threads_counts_as_given(
    tmp_path: Path,
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    budget: str,
    asked: int,
    expected: int,
) -> None:
    """It goes before what an earlier session recorded, and after the setting."""
    RunFolder(tmp_path).update_manifest(choices={"num_threads": 4})
    tried: list[int] = []
    _on_cores(monkeypatch, 4)
    _fastest_with(monkeypatch, 1, tried)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with open_session(tmp_path, budget, num_threads=asked) as session:
        session.autotuner.backbone(model, no_sample)
        assert session.runtime.num_threads == torch.get_num_threads() == expected
    assert not tried


@pytest.mark.parametrize(("budget", "warned"), [("9 steps", True), ("60s", True), ("1000s", False)])
def test_a_busy_machine_is_said_once_unless_a_trial_chooses(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    budget: str,
    warned: bool,
) -> None:
    _on_cores(monkeypatch, 2)
    monkeypatch.setattr(threads_module, "_checked", [])
    monkeypatch.setattr(threads_module, "cores_of_others", lambda: 1.0)
    for name in ("first", "second"):
        with open_session(tmp_path / name, budget, num_threads=0):
            pass
    assert capsys.readouterr().out.count("--runtime.num-threads 1") == warned


def _fail_to_compile(model: Transformer) -> Backbone:
    raise RuntimeError("no C++ compiler was found\nand many more lines")


def _compile_with(
    monkeypatch: pytest.MonkeyPatch, compiler: Callable[[Transformer], Backbone]
) -> None:
    for place in (autotune, trials_module):
        monkeypatch.setattr(place, "CompiledBackbone", compiler)


def test_a_compiler_that_fails_is_one_warning_and_training_goes_on(
    tmp_path: Path,
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _compile_with(monkeypatch, _fail_to_compile)
    before = model.embedding.weight.detach().clone()
    with open_session(tmp_path, "6 steps", compile="on") as session:
        assert run(session, model) == 6 * BATCH_TOKENS
    assert not torch.equal(model.embedding.weight, before)
    reason = "torch.compile failed, training runs eager (RuntimeError: no C++ compiler was found)"
    assert capsys.readouterr().out.splitlines() == [COMPILING, f"warning: {reason}"]
    assert choices(tmp_path)["compiled"] is False
    assert choices(tmp_path)["compile_reason"] == reason
    assert RunFolder(tmp_path).read_manifest()["steps"] == {"pretrain": 6}


def test_what_did_not_compile_is_not_tried_again(
    tmp_path: Path,
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _compile_with(monkeypatch, _fail_to_compile)
    with open_session(tmp_path, "6 steps", compile="on") as session:
        session.autotuner.backbone(model, sample)
    first = choices(tmp_path)
    capsys.readouterr()
    _compile_with(monkeypatch, eager_backbone)  # now it would work
    with open_session(tmp_path, "6 steps", compile="on") as session:
        session.autotuner.backbone(model, no_sample)
    assert choices(tmp_path) == first
    assert capsys.readouterr().out == ""


def test_what_compiled_is_compiled_again_and_a_failure_is_recorded(
    tmp_path: Path,
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A moved run may meet a machine without a compiler."""
    _compile_with(monkeypatch, eager_backbone)
    for _ in range(2):
        with open_session(tmp_path, "6 steps", compile="on") as session:
            backbone = session.autotuner.backbone(model, sample)
            assert session.autotuner.backbone(model, no_sample) is backbone, (
                "once in a session is enough"
            )
        assert choices(tmp_path)["compiled"] is True
    assert capsys.readouterr().out.splitlines() == [
        COMPILING,
        "torch.compile works here",
        COMPILING,
    ]
    _compile_with(monkeypatch, _fail_to_compile)
    with open_session(tmp_path, "6 steps", compile="on") as session:
        session.autotuner.backbone(model, sample)
    assert choices(tmp_path)["compiled"] is False
    assert "no C++ compiler was found" in choices(tmp_path)["compile_reason"]


@pytest.mark.parametrize(
    ("budget", "setting", "tried"),
    [
        ("599s", "auto", False),
        ("600s", "auto", True),
        ("60s", "on", True),
        ("1000s", "off", False),
        ("499 steps", "auto", False),
        ("500 steps", "auto", True),
        ("15K tokens", "auto", False),
        ("16K tokens", "auto", True),
    ],
)
def test_compiling_is_tried_where_it_can_pay(
    tmp_path: Path,
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    budget: str,
    setting: str,
    tried: bool,
) -> None:
    attempts: list[Transformer] = []
    _compile_with(monkeypatch, lambda model: (attempts.append(model), _fail_to_compile(model))[1])
    with open_session(tmp_path, budget, compile=setting) as session:
        session.autotuner.backbone(model, sample)
        session.autotuner.backbone(model, no_sample)
    assert len(attempts) == tried
    assert choices(tmp_path)["compiled"] is False


def _broken_compiler(model: Transformer) -> Backbone:
    def run(tokens: Tensor, documents: Tensor) -> Tensor:
        raise RuntimeError("no C++ compiler was found\n  at line 1 of many")

    return run


def _breaks_on_the_way_back(model: Transformer) -> Backbone:
    def fail(gradient: Tensor) -> Tensor:
        raise NotImplementedError("no backward kernel here")

    def run(tokens: Tensor, documents: Tensor) -> Tensor:
        hidden = model.hidden(tokens, documents=documents)
        hidden.register_hook(fail)
        return hidden

    return run


@pytest.mark.parametrize(
    ("compiler", "why"),
    [
        (_broken_compiler, "(RuntimeError: no C++ compiler was found)"),
        (_breaks_on_the_way_back, "(NotImplementedError: no backward kernel here)"),
    ],
)
@pytest.mark.parametrize("timed", [False, True])
def test_a_compiler_that_fails_means_eager_with_a_reason(
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    compiler: Callable[[Transformer], Backbone],
    why: str,
    timed: bool,
) -> None:
    before = _weights(model)
    for place in (autotune, trials_module):
        monkeypatch.setattr(place, "CompiledBackbone", compiler)
    choice = try_compile(model, CPU, sample(), timed=timed)
    assert (choice.compiled, choice.failed) == (False, True)
    assert choice.reason == f"torch.compile failed, training runs eager {why}"
    assert _same(_weights(model), before)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_running_out_of_memory_in_a_trial_is_not_the_compilers_fault(
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Eager would run out of it as well."""

    def full(tokens: Tensor, documents: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(trials_module, "CompiledBackbone", lambda model: full)
    with pytest.raises(DeviceError, match=r"train\.micro_batch_sequences"):
        try_compile(model, CPU, sample(), timed=False)


def test_a_compiler_that_works_is_kept_and_the_weights_with_it(
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = _weights(model)
    for place in (autotune, trials_module):
        monkeypatch.setattr(place, "CompiledBackbone", eager_backbone)
    choice = try_compile(model, CPU, sample(), timed=False)
    assert (choice.compiled, choice.failed) == (True, False)
    assert _same(_weights(model), before)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("eager_seconds", "compiled", "reason"),
    [
        (3.0, True, "torch.compile is 1.50 times as fast as eager"),
        (1.0, False, "torch.compile is 0.50 times as fast as eager, training runs eager"),
    ],
)
def test_under_a_clock_the_faster_one_is_kept(
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    eager_seconds: float,
    compiled: bool,
    reason: str,
) -> None:
    seconds = iter([2.0, eager_seconds])
    monkeypatch.setattr(trials_module, "pass_seconds", lambda *given: next(seconds))
    for place in (autotune, trials_module):
        monkeypatch.setattr(place, "CompiledBackbone", eager_backbone)
    choice = try_compile(model, CPU, sample(), timed=True)
    assert (choice.compiled, choice.failed, choice.reason) == (compiled, False, reason)
