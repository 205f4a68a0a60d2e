"""A session: the budget is divided once, and a finished phase stays finished."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
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
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model
from corpus.run.folder import RunFolder
from corpus.train import autotune
from corpus.train.schedule import STEP_OVERHEAD, BudgetSplit, Clock, StepPace
from corpus.train.session import Session

pytestmark = pytest.mark.usefixtures("own_threads")


def _split(
    folder: Path, budget: str, share: float, model: Transformer, *, batches: int = MANY
) -> BudgetSplit:
    with open_session(folder, budget, train=TrainConfig(finetune_share=share)) as session:
        return session.split(
            finetune_batches=batches, model=model, sample=sample, text_sample=sample
        )


def _seconds_a_pass(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(autotune, "pass_seconds", lambda *given: seconds)


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
    """The cap on epochs moves what is left over to pre-training; where there is none, training ends
    with the epochs."""
    with open_session(tmp_path, budget, train=TrainConfig(finetune_share=share)) as session:
        split = session.split(
            finetune_batches=batches, model=model, sample=no_sample, text_sample=no_sample
        )
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


@pytest.mark.parametrize("share", [0.2, 1.0])
def test_fine_tuning_may_use_all_that_is_left_and_ends_with_its_epochs(
    tmp_path: Path,
    model: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    share: float,
) -> None:
    """An estimate that is too low must not cut the epochs; the loop ends with them."""
    _seconds_a_pass(monkeypatch, 0.5)
    finetune = clock_pace(_split(tmp_path, "1000s", share, model, batches=100).finetune())
    assert 990 < finetune.end < 1000
    rest = "training ends then" if share == 1 else "pre-training gets the rest"
    assert rest in capsys.readouterr().out


@settings(max_examples=30, deadline=None)
@given(
    first=st.floats(0.01, 2),
    steps=st.lists(st.floats(0.01, 2), min_size=1, max_size=4),
    seconds=st.lists(st.floats(0, 100), min_size=4, max_size=4),
    cost=st.sampled_from([1.0, 0.5]),
)
def test_fine_tuning_is_planned_again_by_the_steps_of_pre_training(
    tmp_path_factory: pytest.TempPathFactory,
    first: float,
    steps: list[float],
    seconds: list[float],
    cost: float,
) -> None:
    """Progress goes on where it was, and ends where the epochs' time by the last steps begins."""
    folder, model, shown = tmp_path_factory.mktemp("runs") / "run", build_model(CONFIG, seed=1), 0.0

    def split(session: Session) -> BudgetSplit:
        return session.split(
            finetune_batches=200,
            model=model,
            sample=sample,
            text_sample=sample,
            method_cost=lambda: cost,
        )

    with pytest.MonkeyPatch.context() as patch:
        _seconds_a_pass(patch, first)
        train = TrainConfig(finetune_share=0.4)
        with open_session(folder, "1000s", train=train) as session:
            planned = split(session)
            pace = clock_pace(planned.pretrain())
            needed = min(400, 200 * STEP_OVERHEAD * first * cost)
            assert pace.end == pytest.approx(1000 - max(needed, 0.3), abs=2)
            for step, more in zip(steps, seconds, strict=False):
                session.clock._before += more
                before = pace.progress(0)
                assert before >= shown
                assert planned.replan
                half = (pace.end + session.clock.seconds) / 2
                pace = clock_pace(planned.replan(before, step))
                shown = pace.progress(0)
                assert shown == pytest.approx(before, abs=1e-3)
                wanted = max(1000 - min(400, 200 * step * cost), half)
                assert pace.end == pytest.approx(wanted, abs=11)
            kept = pace
        with open_session(folder, "1000s", train=train) as session:
            pace = clock_pace(split(session).pretrain())
            assert (pace.start, pace.end, pace.begun) == (kept.start, kept.end, kept.begun)


def test_without_fine_tuning_pre_training_has_the_clock(tmp_path: Path, model: Transformer) -> None:
    with open_session(tmp_path, "1000s", train=TrainConfig(finetune_share=0.0)) as session:
        pace = clock_pace(
            session.split(
                finetune_batches=MANY, model=model, sample=no_sample, text_sample=no_sample
            ).pretrain()
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
    assert manifest["choices"].keys() == {"precision", "num_threads", "threads_for"}
    assert (manifest["choices"]["precision"], manifest["choices"]["num_threads"]) == ("fp32", 1)
    assert manifest["clock_seconds"] == pytest.approx(
        Clock(RunFolder(tmp_path).clock).seconds, abs=1e-3
    )


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
