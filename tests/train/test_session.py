"""A session: the budget is divided once, what a trial chose stays chosen, and a compiler that fails stops nothing."""

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

from corpus.base.units import Budget
from corpus.config.model import ModelConfig
from corpus.config.train import TrainConfig
from corpus.data.batch import Batch
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model
from corpus.run.folder import RunFolder
from corpus.runtime import runtime as runtime_module
from corpus.train import session as module
from corpus.train import step as step_module
from corpus.train import threads as threads_module
from corpus.train import trials as trials_module
from corpus.train.budget import StepPace
from corpus.train.split import STEP_OVERHEAD, Split
from corpus.train.step import Trunk, eager_trunk
from corpus.train.trials import COMPILING

pytestmark = pytest.mark.usefixtures("own_threads")


def _split(
    folder: Path, budget: str, share: float, model: Transformer, *, batches: int = MANY
) -> Split:
    with open_session(folder, budget, train=TrainConfig(finetune_share=share)) as session:
        return session.split(finetune_batches=batches, model=model, sample=sample)


def _seconds_a_pass(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(module, "pass_seconds", lambda *given: seconds)


@pytest.mark.parametrize("budget", ["1000 steps", "32K tokens"])
@pytest.mark.parametrize(
    ("share", "batches", "pretrain", "finetune"),
    [
        (0.2, MANY, 800, 200),
        (0.2, 50, 950, 50),
        (0.0, MANY, 1000, 0),
        (1.0, MANY, 0, 1000),
        (1.0, 50, 0, 50),
    ],
)
def test_steps_and_tokens_are_divided_without_a_trial(
    tmp_path: Path,
    model: Transformer,
    budget: str,
    share: float,
    batches: int,
    pretrain: int,
    finetune: int,
) -> None:
    """The cap on epochs moves what is left over to pre-training; where there is none, training ends with the epochs."""
    with open_session(tmp_path, budget, train=TrainConfig(finetune_share=share)) as session:
        split = session.split(finetune_batches=batches, model=model, sample=no_sample)
        assert split.pretrain() == StepPace(num_steps=pretrain)
        assert split.finetune() == StepPace(num_steps=finetune)


def test_a_budget_below_one_batch_is_one_step(tmp_path: Path, model: Transformer) -> None:
    split = _split(tmp_path, "10 tokens", 0.0, model)
    assert split.pretrain() == StepPace(num_steps=1)


@pytest.mark.parametrize(
    ("share", "batches", "change"),
    [
        (0.2, MANY, 800.0),
        (0.2, 100, 1000 - 100 * STEP_OVERHEAD * 0.5),
        (1.0, MANY, 0.0),
    ],
)
def test_a_clock_is_divided_by_the_time_that_fine_tuning_needs(
    tmp_path: Path,
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    share: float,
    batches: int,
    change: float,
) -> None:
    _seconds_a_pass(monkeypatch, 0.5)
    split = _split(tmp_path, "1000s", share, model, batches=batches)
    pretrain, finetune = clock_pace(split.pretrain()), clock_pace(split.finetune())
    assert pretrain.end == pytest.approx(change, abs=1)
    assert 990 < finetune.end < 1000, "some time is kept back for writing the weights"
    assert finetune.start == choices(tmp_path)["finetune_began_seconds"]
    assert choices(tmp_path)["finetune_seconds"] == pytest.approx(1000 - change, abs=1)


def test_without_pre_training_the_clock_ends_with_the_epochs(
    tmp_path: Path,
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What lies beyond them would be text alone, which makes a model forget its programs."""
    _seconds_a_pass(monkeypatch, 0.5)
    finetune = clock_pace(_split(tmp_path, "1000s", 1.0, model, batches=100).finetune())
    assert finetune.end - finetune.start == pytest.approx(100 * STEP_OVERHEAD * 0.5, abs=0.01)
    assert "training ends then" in capsys.readouterr().out


def test_without_fine_tuning_pre_training_has_the_clock(tmp_path: Path, model: Transformer) -> None:
    with open_session(tmp_path, "1000s", train=TrainConfig(finetune_share=0.0)) as session:
        pace = clock_pace(
            session.split(finetune_batches=MANY, model=model, sample=no_sample).pretrain()
        )
    assert 990 < pace.end < 1000, "some time is kept back for writing the weights"


def test_a_larger_model_keeps_back_more_time_for_writing(
    tmp_path: Path, model: Transformer
) -> None:
    large = build_model(
        ModelConfig(
            vocab_size=64, dim=128, num_layers=2, num_heads=2, num_kv_heads=1, context_length=16
        ),
        seed=1,
    )
    small_end, large_end = (
        clock_pace(_split(tmp_path / name, "1000s", 1.0, built).finetune()).end
        for name, built in (("small", model), ("large", large))
    )
    assert large_end < small_end


def test_a_later_session_divides_the_clock_as_the_first_one_did(
    tmp_path: Path, model: Transformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends, starts = [], []
    for seconds in (0.5, 0.001):
        _seconds_a_pass(monkeypatch, seconds)
        pace = clock_pace(_split(tmp_path, "1000s", 0.2, model, batches=100).pretrain())
        ends.append(pace.end)
        starts.append(pace.start)
    assert ends[0] == ends[1] < 1000 - 50
    assert starts[0] == starts[1]


def test_under_a_clock_checkpoints_come_at_least_eight_times(tmp_path: Path) -> None:
    with open_session(tmp_path / "short", "40s") as session:
        assert session.config.checkpoint_seconds == 5.0
    with open_session(tmp_path / "long", "2h") as session:
        assert session.config.checkpoint_seconds == 60.0
    with open_session(tmp_path / "steps", "40 steps") as session:
        assert session.config.checkpoint_seconds == 60.0


def test_a_session_records_its_machine_its_budget_and_its_time(tmp_path: Path) -> None:
    with open_session(tmp_path, "45m"):
        pass
    manifest = RunFolder(tmp_path).read_manifest()
    assert manifest["budget"] == str(Budget(kind="seconds", amount=2700))
    assert manifest["environment"]["device"] == "cpu"
    assert manifest["choices"] == {"precision": "fp32", "num_threads": 1}
    assert manifest["clock_seconds"] == pytest.approx(
        module.Clock(RunFolder(tmp_path).clock).seconds, abs=1e-3
    )


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

    def seconds(model: Transformer, trunk: Trunk, runtime: Any, batch: Batch) -> float:
        rows.append(len(batch.tokens))
        return 0.5

    for place in (module, step_module, threads_module):
        monkeypatch.setattr(place, "pass_seconds", seconds)
    train = TrainConfig(rows_per_batch=2, micro_batch_rows=1, finetune_share=0.9)
    with open_session(tmp_path, "1000s", train=train, num_threads=0, compile="auto") as session:
        session.split(finetune_batches=10, model=model, sample=sample)
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
        trials_module,
        "choose_compile",
        lambda *given, **more: pytest.fail("compiled with 100 of 120 seconds left"),
    )
    with open_session(tmp_path, "1000s", compile="auto") as session:
        session.trunk(model, sample)
    assert "too short to compile again" in choices(tmp_path)["compile_reason"]


def _fastest_with(monkeypatch: pytest.MonkeyPatch, threads: int, tried: list[int]) -> None:
    def seconds(*given: object) -> float:
        tried.append(torch.get_num_threads())
        return 1.0 + abs(torch.get_num_threads() - threads)

    monkeypatch.setattr(threads_module, "pass_seconds", seconds)


def test_threads_are_chosen_once_in_a_run(
    tmp_path: Path, model: Transformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    monkeypatch.setattr(runtime_module, "usable_cores", lambda: 4)
    for fastest in (2, 1):
        _fastest_with(monkeypatch, fastest, tried)
        with open_session(tmp_path, "1000s", num_threads=0) as session:
            session.trunk(model, sample)
            assert session.runtime.num_threads == torch.get_num_threads() == 2
            assert RunFolder(tmp_path).read_manifest()["environment"]["num_threads"] == 2
        torch.set_num_threads(3)
    assert tried == [4, 2, 1] * threads_module.THREAD_ROUNDS, "in the first session alone"
    assert choices(tmp_path)["num_threads"] == 2
    assert choices(tmp_path)["threads_tried"] == {"4": 3.0, "2": 1.0, "1": 2.0}


def test_a_busy_moment_does_not_decide_on_threads(
    tmp_path: Path, model: Transformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first trial of two threads meets another program; the next ones do not."""
    slow = iter([9.0])
    monkeypatch.setattr(runtime_module, "usable_cores", lambda: 2)
    monkeypatch.setattr(
        threads_module,
        "pass_seconds",
        lambda *given: next(slow, 0.1) if torch.get_num_threads() == 2 else 0.2,
    )
    with open_session(tmp_path, "1000s", num_threads=0) as session:
        session.trunk(model, sample)
        assert session.runtime.num_threads == 2


@pytest.mark.parametrize(
    ("budget", "asked"), [("1000s", 3), ("60s", 0), ("1000 steps", 0), ("1000 steps", 3)]
)
def test_threads_are_not_tried_where_they_are_given_or_time_plays_no_part(
    tmp_path: Path, model: Transformer, monkeypatch: pytest.MonkeyPatch, budget: str, asked: int
) -> None:
    tried: list[int] = []
    monkeypatch.setattr(runtime_module, "usable_cores", lambda: 4)
    _fastest_with(monkeypatch, 1, tried)
    with open_session(tmp_path, budget, num_threads=asked) as session:
        session.trunk(model, no_sample)
        assert session.runtime.num_threads == torch.get_num_threads() == (asked or 4)
    assert not tried


def _fail_to_compile(model: Transformer) -> Trunk:
    raise RuntimeError("no C++ compiler was found\nand many more lines")


def _compile_with(
    monkeypatch: pytest.MonkeyPatch, compiler: Callable[[Transformer], Trunk]
) -> None:
    for place in (module, step_module):
        monkeypatch.setattr(place, "compiled_trunk", compiler)


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
        session.trunk(model, sample)
    first = choices(tmp_path)
    capsys.readouterr()
    _compile_with(monkeypatch, eager_trunk)  # now it would work
    with open_session(tmp_path, "6 steps", compile="on") as session:
        session.trunk(model, no_sample)
    assert choices(tmp_path) == first
    assert capsys.readouterr().out == ""


def test_what_compiled_is_compiled_again_and_a_failure_is_recorded(
    tmp_path: Path,
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A moved run may meet a machine without a compiler."""
    _compile_with(monkeypatch, eager_trunk)
    for _ in range(2):
        with open_session(tmp_path, "6 steps", compile="on") as session:
            trunk = session.trunk(model, sample)
            assert session.trunk(model, no_sample) is trunk, "once in a session is enough"
        assert choices(tmp_path)["compiled"] is True
    assert capsys.readouterr().out.splitlines() == [
        COMPILING,
        "torch.compile works here",
        COMPILING,
    ]
    _compile_with(monkeypatch, _fail_to_compile)
    with open_session(tmp_path, "6 steps", compile="on") as session:
        session.trunk(model, sample)
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
        session.trunk(model, sample)
        session.trunk(model, no_sample)
    assert len(attempts) == tried
    assert choices(tmp_path)["compiled"] is False


def test_a_finished_phase_gives_a_later_session_its_weights(
    tmp_path: Path, model: Transformer
) -> None:
    with open_session(tmp_path, "6 steps") as session:
        run(session, model)
    other = build_model(CONFIG, seed=2)
    with open_session(tmp_path, "6 steps") as session:
        assert run(session, other) == 6 * BATCH_TOKENS
    assert all(
        torch.equal(tensor, model.state_dict()[name]) for name, tensor in other.state_dict().items()
    )
