"""The loop: a stopped run resumes to the same bits, a step is saved first, a clock ends in time."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.errors import Interrupted, TrainingError
from corpus.config.model import ModelConfig
from corpus.config.train import OptimizerConfig, ScheduleConfig, TrainConfig
from corpus.data.batch import Batch
from corpus.model.weights import build_model
from corpus.runtime.runtime import Runtime
from corpus.train import schedule
from corpus.train.checkpoint import Checkpoint, list_checkpoints, load_newest, save_checkpoint
from corpus.train.loop import PhaseTrainer
from corpus.train.metrics import Metrics, read_metrics
from corpus.train.optimizer import build_optimizer
from corpus.train.phase import TrainingPhase
from corpus.train.schedule import Clock, ClockPace, Pace, StepPace, learning_rate
from corpus.train.step import TrainStep, sum_loss

CONFIG = ModelConfig(
    vocab_size=64, dim=16, num_layers=1, num_heads=2, num_kv_heads=1, context_length=16
)
CPU = Runtime(device=torch.device("cpu"), precision="fp32", num_threads=1)
SCHEDULE = ScheduleConfig(learning_rate=1e-2, warmup=0.1, decay="linear", floor=0.0)
NUM_STEPS = 12
POISON = 63
"""A sequence that begins with this token makes the loss nan."""

Mishap = Callable[[], object]


def _lines(number: int, *, poisoned: bool = False) -> Batch:
    """Two sequences that always continue in the same way: something to learn. Which ones depends on
    `number` alone."""
    start = torch.randint(0, 60, (2, 1), generator=torch.Generator().manual_seed(number))
    tokens = (start + torch.arange(17)) % 60
    tokens[0, 0] = POISON if poisoned else tokens[0, 0]
    return Batch(
        tokens=tokens[:, :-1],
        targets=tokens[:, 1:],
        documents=torch.zeros(2, 16, dtype=torch.int64),
        num_tokens=32,
    )


class Lines:
    """A loader whose cursor is one number; `before[n]` happens while batch n is fetched, once."""

    def __init__(
        self,
        before: dict[int, Mishap] | None = None,
        *,
        poisoned: tuple[int, ...] = (),
        length: float = float("inf"),
    ) -> None:
        """`length` is the number of batches after which all is read."""
        self.number, self._before, self._poisoned = 0, before or {}, poisoned
        self._length = length

    @property
    def done(self) -> float:
        return min(1.0, self.number / self._length)

    @property
    def consumed(self) -> dict[str, int]:
        return {"lines": 32 * self.number}

    def batch(self, progress: float) -> Batch:
        self._before.pop(self.number, lambda: None)()
        self.number += 1
        return _lines(self.number - 1, poisoned=self.number - 1 in self._poisoned)

    def cursor(self) -> dict[str, Any]:
        return {"number": self.number}

    def restore(self, cursor: dict[str, Any]) -> None:
        self.number = cursor["number"]


@contextmanager
def _trainer(
    folder: Path,
    loader: Lines,
    *,
    pace: Callable[[Clock], Pace] = lambda clock: StepPace(num_steps=NUM_STEPS),
    before_validation: Mishap = lambda: None,
    replan: Callable[[float, float], Pace] | None = None,
    **changes: Any,
) -> Iterator[PhaseTrainer]:
    """A session on `folder`: a new process would build the same."""
    model = build_model(CONFIG, seed=1)

    def backbone(tokens: torch.Tensor, documents: torch.Tensor) -> torch.Tensor:
        return model.hidden(tokens, documents=documents) * (
            float("nan") if int(tokens[0, 0]) == POISON else 1.0
        )

    def validate() -> tuple[dict[str, float], dict[str, float]]:
        before_validation()
        with torch.no_grad():
            return {"lines": float(sum_loss(model, backbone, _lines(10**6))) / 32}, {"lines": 0.5}

    folder.mkdir(exist_ok=True)
    clock, metrics = Clock(folder / "clock.json"), Metrics(folder)
    clock.start()
    phase = TrainingPhase(
        name="pretrain",
        loader=loader,
        pace=pace(clock),
        schedule=SCHEDULE,
        validate=validate,
        replan=replan,
    )
    config = TrainConfig(
        **{"sequences_per_batch": 2, "log_every_steps": 5, "validations": 4, **changes}
    )
    step = TrainStep(
        model, build_optimizer(model, OptimizerConfig()), CPU, backbone=backbone, clip_norm=1.0
    )
    try:
        yield PhaseTrainer(
            phase,
            step,
            config=config,
            clock=clock,
            metrics=metrics,
            folder=folder / "checkpoints",
            resume_hint="corpus run again",
        )
    finally:
        clock.stop()
        metrics.close()


def _train(folder: Path, loader: Lines, **given: Any) -> PhaseTrainer:
    with _trainer(folder, loader, **given) as trainer:
        trainer.resume()
        trainer.train()
    return trainer


def _saved(folder: Path) -> list[int]:
    """Steps of the checkpoints on disk."""
    return [
        int(path.name.split("-")[1])
        for path in list_checkpoints(folder / "checkpoints", "pretrain")
    ]


def _recorded(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [line for line in read_metrics(folder / "metrics.jsonl") if line["kind"] == kind]


def _end(folder: Path) -> dict[str, Any]:
    """All bits that a phase ends with, and all it recorded but for times and rates."""
    found = load_newest(folder / "checkpoints", "pretrain")
    assert isinstance(found, Checkpoint)
    tensors = {name: tensor.tolist() for name, tensor in {**found.model, **found.optimizer}.items()}
    lines = [
        line for line in read_metrics(folder / "metrics.jsonl") if line.get("name") != "resumed"
    ]
    timeless = [
        {key: value for key, value in line.items() if key not in ("seconds", "tokens_per_second")}
        for line in lines
    ]
    return {
        "tensors": tensors,
        "position": found.state["position"],
        "cursor": found.state["cursor"],
        "metrics": timeless,
    }


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Products this small are faster on one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The end of a phase that nothing stopped; one of its steps was skipped."""
    folder = tmp_path_factory.mktemp("undisturbed")
    _train(folder, Lines(poisoned=(6,)))
    return _end(folder)


def _ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def _crash() -> None:
    raise OSError("the machine went away")


def _train_through(folder: Path, before: dict[int, Mishap], **given: Any) -> int:
    """Start again after every mishap, as a person would, until the phase is done; return how often
    it was stopped."""
    stopped = 0
    while True:
        try:
            _train(folder, Lines(before, poisoned=(6,)), **given)
            return stopped
        except (Interrupted, OSError):
            stopped += 1


def test_the_undisturbed_run_learned_and_recorded(undisturbed: dict[str, Any]) -> None:
    kinds = [(line["kind"], line["step"]) for line in undisturbed["metrics"]]
    assert kinds == [
        *(("validation", 3), ("train", 5), ("validation", 6), ("event", 7), ("validation", 9)),
        *(("train", 10), ("train", 12)),
    ]
    losses = [line["loss"] for line in undisturbed["metrics"] if line["kind"] == "train"]
    assert losses[-1] < losses[0] - 0.1
    assert undisturbed["position"]["tokens"] == NUM_STEPS * 32
    assert undisturbed["cursor"] == {"number": NUM_STEPS}


@pytest.mark.parametrize("step", [1, 3, 7, 12])
def test_a_phase_stopped_and_resumed_ends_with_the_same_bits(
    tmp_path: Path, undisturbed: dict[str, Any], step: int
) -> None:
    """After the first step, before a validation, after a skipped step, and after the last one."""
    assert _train_through(tmp_path, {step - 1: _ctrl_c}) == 1
    assert _end(tmp_path) == undisturbed
    resumed = [
        line["step"]
        for line in read_metrics(tmp_path / "metrics.jsonl")
        if line.get("name") == "resumed"
    ]
    assert resumed == [step]


@pytest.mark.parametrize("checkpoint_steps", [0, 4])
def test_a_phase_that_crashed_ends_with_the_same_bits(
    tmp_path: Path, undisturbed: dict[str, Any], checkpoint_steps: int
) -> None:
    """Three kinds of lines were written after the last checkpoint, or before there was one; they
    are written again, not twice."""
    assert _train_through(tmp_path, {7: _crash}, checkpoint_steps=checkpoint_steps) == 1
    assert _end(tmp_path) == undisturbed


@settings(max_examples=8)
@given(
    mishaps=st.dictionaries(
        st.integers(0, NUM_STEPS - 1), st.sampled_from([_ctrl_c, _crash]), min_size=1, max_size=4
    ),
    checkpoint_steps=st.integers(0, 5),
)
def test_any_stops_and_crashes_end_with_the_same_bits(
    tmp_path_factory: pytest.TempPathFactory,
    undisturbed: dict[str, Any],
    mishaps: dict[int, Mishap],
    checkpoint_steps: int,
) -> None:
    folder = tmp_path_factory.mktemp("disturbed")
    assert _train_through(folder, dict(mishaps), checkpoint_steps=checkpoint_steps) == len(mishaps)
    assert _end(folder) == undisturbed


def test_a_finished_phase_does_nothing_again(tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    _train(tmp_path, Lines(poisoned=(6,)))
    assert _train(tmp_path, Lines({NUM_STEPS: _crash})).position.step == NUM_STEPS
    assert _end(tmp_path) == undisturbed


def test_a_step_is_on_disk_before_it_is_validated(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def look() -> None:
        seen.append((_saved(tmp_path)[-1], _recorded(tmp_path, "train")[-1]["step"]))

    _train(tmp_path, Lines(), before_validation=look, checkpoint_steps=1, log_every_steps=1)
    assert seen == [(3, 3), (6, 6), (9, 9)]


def test_a_validation_that_fails_loses_nothing_and_is_done_after_all(
    tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    with pytest.raises(OSError, match="went away"):
        _train(tmp_path, Lines(poisoned=(6,)), before_validation=_crash, checkpoint_steps=3)
    assert _saved(tmp_path) == [3]
    fetched: list[int] = []
    _train(
        tmp_path,
        Lines({n: lambda: fetched.append(1) for n in range(3)}, poisoned=(6,)),
        checkpoint_steps=3,
    )
    assert not fetched
    assert _end(tmp_path) == undisturbed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_this_step_and_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    with _trainer(tmp_path, Lines({4: lambda: signal.raise_signal(number)})) as trainer:
        with pytest.raises(
            Interrupted,
            match=r"stopped at step 5 of pretrain.*everything is saved\. Resume with:\n  corpus run again",
        ):
            trainer.train()
        assert trainer._clock.seconds == Clock(tmp_path / "clock.json").seconds, (
            "the clock should stand still"
        )
    assert _saved(tmp_path) == [5]
    assert signal.getsignal(number) is before
    assert "stopping after this step" in capsys.readouterr().out


def test_a_signal_while_the_last_step_is_saved_still_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phase is over by then, and the next one must not begin."""

    def save(*given: Any, step: int, **more: Any) -> Path:
        if step == NUM_STEPS and not _saved(tmp_path):
            _ctrl_c()
        return save_checkpoint(*given, step=step, **more)

    monkeypatch.setattr("corpus.train.loop.save_checkpoint", save)
    with pytest.raises(Interrupted, match="Resume with:"):
        _train(tmp_path, Lines(), checkpoint_steps=NUM_STEPS)
    _train(tmp_path, Lines())


def test_a_second_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            _train(tmp_path, Lines({4: lambda: (_ctrl_c(), _ctrl_c())}))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert _saved(tmp_path) == []


def test_signals_are_handed_back_when_a_phase_is_over(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    _train(tmp_path / "to its end", Lines())
    with pytest.raises(OSError, match="went away"):
        _train(tmp_path / "crashed", Lines({2: _crash}))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_outside_the_main_thread_signals_are_left_alone(tmp_path: Path) -> None:
    thread = threading.Thread(target=_train, args=(tmp_path, Lines()))
    thread.start()
    thread.join()
    assert _saved(tmp_path) == [NUM_STEPS]


def test_too_many_skipped_steps_in_a_row_end_training_with_the_fix(tmp_path: Path) -> None:
    fix = r"3 steps in a row .*not finite \(step 7 of pretrain\)\. Lower the learning rate, or use runtime\.precision fp32"
    with pytest.raises(TrainingError, match=fix):
        _train(tmp_path, Lines(poisoned=(4, 5, 6)), max_skipped_steps=3)
    events = _recorded(tmp_path, "event")
    assert [(event["name"], event["step"]) for event in events] == [
        ("skipped_step", step) for step in (5, 6, 7)
    ]
    assert "loss nan" in events[0]["message"]


def test_skipped_steps_that_are_not_in_a_row_are_only_recorded(tmp_path: Path) -> None:
    _train(tmp_path, Lines(poisoned=(2, 3, 5, 6, 8, 9)), max_skipped_steps=3)
    assert [event["step"] for event in _recorded(tmp_path, "event")] == [3, 4, 6, 7, 9, 10]
    assert _saved(tmp_path) == [NUM_STEPS]


def test_a_line_is_the_mean_since_the_line_before(tmp_path: Path) -> None:
    _train(tmp_path / "each", Lines(), log_every_steps=1)
    _train(tmp_path / "some", Lines(), log_every_steps=5)
    each = [line["loss"] for line in _recorded(tmp_path / "each", "train")]
    some = _recorded(tmp_path / "some", "train")
    assert [line["step"] for line in some] == [5, 10, 12]
    for line, losses in zip(some, (each[:5], each[5:10], each[10:]), strict=True):
        assert line["loss"] == pytest.approx(sum(losses) / len(losses))
        assert line["tokens"] == line["consumed"]["lines"] == 32 * line["step"]


def test_no_validations_means_none(tmp_path: Path) -> None:
    _train(tmp_path, Lines(), validations=0, before_validation=_crash)
    assert _recorded(tmp_path, "validation") == []


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Any:
    class Now:
        seconds = 100.0

    monkeypatch.setattr(schedule.time, "monotonic", lambda: Now.seconds)
    return Now


def _taking(now: Any, *step_seconds: float) -> Lines:
    """A loader on a fake clock: its n-th step takes the n-th of `step_seconds`, the last one again
    and again."""

    def take(number: int) -> None:
        now.seconds += step_seconds[min(number, len(step_seconds) - 1)]

    return Lines({number: lambda number=number: take(number) for number in range(1000)})


def _ten_seconds(clock: Clock) -> Pace:
    return ClockPace(clock=clock, start=0.0, end=10.0)


@pytest.mark.parametrize("step_seconds", [(0.1,), (0.7,), (3.0,), (0.1, 0.1, 0.1, 1.045)])
def test_a_clock_ends_a_phase_in_time_with_the_learning_rate_at_its_end(
    tmp_path: Path, now: Any, step_seconds: tuple[float, ...]
) -> None:
    """On a fast machine, a slow one, a very slow one, and one that became slow."""
    trainer = _train(tmp_path, _taking(now, *step_seconds), pace=_ten_seconds, log_every_steps=1)
    assert Clock(tmp_path / "clock.json").seconds == pytest.approx(
        10.0, abs=0.5 * step_seconds[-1] + 1e-6
    )
    lines = _recorded(tmp_path, "train")
    assert _saved(tmp_path)[-1] == len(lines) == trainer.position.step
    assert (
        lines[-1]["learning_rate"]
        <= learning_rate(SCHEDULE, 1 - 1.5 * step_seconds[-1] / 10) + 1e-9
    )
    assert lines[-1]["progress"] >= 1 - 1.5 * step_seconds[-1] / 10 - 1e-6


def test_validation_is_paid_from_the_same_clock(tmp_path: Path, now: Any) -> None:
    def validate() -> None:
        now.seconds += 0.3

    _train(
        tmp_path,
        _taking(now, 0.2),
        pace=_ten_seconds,
        before_validation=validate,
        log_every_steps=1,
    )
    assert len(_recorded(tmp_path, "validation")) == 3
    assert Clock(tmp_path / "clock.json").seconds == pytest.approx(10.0, abs=0.1 + 1e-6)
    assert {round(line["tokens_per_second"]) for line in _recorded(tmp_path, "train")} == {160}, (
        "the rate is that of training alone"
    )


def test_validations_that_take_too_long_are_left_out_under_a_clock(
    tmp_path: Path, now: Any
) -> None:
    """The first one shows that they cost a third of the phase."""

    def validate() -> None:
        now.seconds += 3.0

    _train(tmp_path, _taking(now, 0.2), pace=_ten_seconds, before_validation=validate)
    assert [line["step"] for line in _recorded(tmp_path, "validation")] == [13]


def test_a_phase_without_a_step_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _train(tmp_path, Lines({0: _crash}), pace=lambda clock: StepPace(num_steps=0))
    assert "warning: pretrain had no step" in capsys.readouterr().out
    assert _saved(tmp_path) == [0]


def test_checkpoints_come_by_the_clock(tmp_path: Path, now: Any) -> None:
    saved: list[int] = []
    loader = _taking(now, 0.4)

    def look() -> None:
        saved.extend(step for step in _saved(tmp_path) if step not in saved)

    _train(
        tmp_path,
        loader,
        pace=_ten_seconds,
        validations=1000,
        before_validation=look,
        checkpoint_seconds=2.0,
    )
    assert saved == [5, 10, 15, 20]
    assert _saved(tmp_path) == [20, 25]


def test_the_phase_ends_with_the_mean_of_its_tail(tmp_path: Path) -> None:
    """Stopped or not: the mean goes on from the checkpoint."""
    weights: list[torch.Tensor] = []

    class Watching(Lines):
        def batch(self, progress: float) -> Batch:
            if progress >= 0.5:
                weights.append(trainer._step.model.embedding.weight.detach().clone())
            return super().batch(progress)

    loader = Watching()
    with _trainer(tmp_path / "watched", loader, averaging=0.5) as trainer:
        last: list[torch.Tensor] = []
        put = trainer._average.put
        trainer._average.put = lambda: (
            last.append(trainer._step.model.embedding.weight.detach().clone()),
            put(),
        )[1]  # type: ignore[method-assign]
        trainer.train()
    mean = torch.stack([*weights[1:], last[0]]).mean(0)
    torch.testing.assert_close(trainer._step.model.embedding.weight.detach(), mean)

    _train(tmp_path / "whole", Lines(poisoned=(6,)), averaging=0.5)
    stopped = _train_through(tmp_path / "stopped", {7: _ctrl_c, 9: _ctrl_c}, averaging=0.5)
    assert stopped
    assert _end(tmp_path / "stopped") == _end(tmp_path / "whole")
    _train(
        tmp_path / "whole", Lines(poisoned=(6,)), averaging=0.5
    )  # once more, on a phase that is done
    assert _end(tmp_path / "stopped") == _end(tmp_path / "whole")


def test_a_spike_is_skipped_and_one_that_stays_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the middle of it or not."""
    monkeypatch.setattr("corpus.train.step.SPIKE_MINIMUM", 4)
    ends = []
    for folder, before in (("whole", {}), ("stopped", {7: _ctrl_c})):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                TrainStep, "_backward", _with_spikes(TrainStep._backward, {6, 7, 8, 9, 10, 11})
            )
            _train_through(tmp_path / folder, dict(before))
        ends.append(_end(tmp_path / folder))
    assert ends[0] == ends[1]
    events = [(event["name"], event["step"]) for event in _recorded(tmp_path / "whole", "event")]
    assert events == [("skipped_step", 7), ("spike", 8), ("spike", 9), ("spike", 10)]


def _with_spikes(step: Any, numbers: set[int]) -> Any:
    """The gradient is a hundred times as large on the batches of these numbers (the sixth is not
    finite)."""

    def run(self: TrainStep, batch: Batch) -> torch.Tensor:
        number = next(
            n for n in range(NUM_STEPS) if torch.equal(_lines(n).tokens[1], batch.tokens[1])
        )
        total = step(self, batch)
        for parameter in self.model.parameters():
            if number in numbers and parameter.grad is not None:
                parameter.grad *= 100
        return total

    return run


def test_batches_made_early_change_nothing(
    tmp_path: Path, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU: the next batch is made during a step, and a stop in between neither loses nor
    repeats one."""
    step = TrainStep.__call__
    monkeypatch.setattr(
        TrainStep,
        "__call__",
        lambda self, *given, meanwhile, **named: (step(self, *given, **named), meanwhile())[0],
    )
    assert _train_through(tmp_path, {5: _ctrl_c, 9: _crash}) == 2
    assert _end(tmp_path) == undisturbed


@settings(max_examples=25, deadline=None)
@given(length=st.integers(1, 40), num_steps=st.integers(1, 20))
def test_a_phase_ends_with_what_there_is_to_read_and_the_rate_with_it(
    tmp_path_factory: pytest.TempPathFactory, length: int, num_steps: int
) -> None:
    """Fine-tuning's last epoch once came long before the end of the clock: the rest was text."""
    folder = tmp_path_factory.mktemp("phase") / "run"
    trainer = _train(
        folder,
        Lines(length=length),
        pace=lambda clock: StepPace(num_steps=num_steps),
        log_every_steps=1,
        validations=0,
    )
    shortest = min(length, num_steps)
    assert trainer.position.step == shortest
    progress = [line["progress"] for line in read_metrics(folder / "metrics.jsonl")]
    assert progress == pytest.approx([step / shortest for step in range(shortest)], abs=1e-6)


def test_the_end_of_a_phase_is_planned_again_from_measured_steps(tmp_path: Path) -> None:
    asked: list[float] = []

    def replan(share: float, seconds: float) -> Pace:
        assert seconds > 0
        asked.append(share)
        return StepPace(num_steps=80)

    with _trainer(
        tmp_path, Lines(), pace=lambda clock: StepPace(num_steps=100), replan=replan
    ) as trainer:
        trainer.train()
    assert trainer.position.step == 80
    assert asked == [0.1, 0.3, 0.5, 0.7, 0.9]


def test_saving_takes_a_twentieth_of_the_time_at_most(
    tmp_path: Path, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint of a large model, on a slow disk, takes as long as many steps."""
    saved: list[float] = []

    def save(*given: Any, **more: Any) -> Path:
        now.seconds += 2.0
        saved.append(now.seconds)
        return save_checkpoint(*given, **more)

    monkeypatch.setattr("corpus.train.loop.save_checkpoint", save)
    _train(
        tmp_path,
        _taking(now, 1.0),
        pace=lambda clock: StepPace(num_steps=200),
        checkpoint_seconds=5.0,
        validations=0,
    )
    assert len(saved) == pytest.approx(200 / 40, abs=1.5)
