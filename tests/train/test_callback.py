"""A callback: runs when it is due, never twice, and gives the same bits wherever a run dies."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.sessions import BATCH_TOKENS, choices, open_session

from corpus.base.errors import Interrupted
from corpus.config.train import ScheduleConfig, TrainConfig
from corpus.data.batch import Batch
from corpus.data.loader import Prefetcher
from corpus.model.transformer import Transformer
from corpus.train.checkpoint import load_newest
from corpus.train.metrics import read_metrics
from corpus.train.phase import Callback
from corpus.train.schedule import StepPace

NUM_STEPS = 8


pytestmark = pytest.mark.usefixtures("own_threads")


class Died(Exception):
    """Stands for the process's end."""


class Numbers:
    """A loader that counts, and after `change` counts by thousands more; it dies once before the
    batches of `deaths`."""

    def __init__(self, deaths: tuple[int, ...] = ()) -> None:
        self.number, self.offset, self.deaths, self.handed_out = 0, 0, list(deaths), []

    def change(self) -> None:
        self.offset, self.number = 1000, self.number + 100

    @property
    def done(self) -> float:
        return 0.0

    @property
    def consumed(self) -> dict[str, int]:
        return {"lines": BATCH_TOKENS * self.number}

    def batch(self, progress: float) -> Batch:
        if self.number in self.deaths:
            self.deaths.remove(self.number)
            raise Died
        self.handed_out.append(self.offset + self.number)
        tokens = (torch.arange(BATCH_TOKENS).reshape(2, 16) * (1 + self.offset + self.number)) % 64
        self.number += 1
        return Batch(
            tokens=tokens,
            targets=(tokens + 1) % 64,
            documents=torch.zeros_like(tokens),
            num_tokens=BATCH_TOKENS,
        )

    def cursor(self) -> dict[str, Any]:
        return {"number": self.number}

    def restore(self, cursor: dict[str, Any]) -> None:
        self.number = cursor["number"]


def _run(
    folder: Path,
    model: Transformer,
    loader: Numbers,
    *,
    at: tuple[float, ...] = (0.5,),
    dies: bool = False,
    stops: bool = False,
) -> list[str]:
    """Run the phase on a folder; return what was done in its middle."""
    done: list[str] = []

    def run(before: int, progress: Callable[[], float], stopped: Callable[[], bool]) -> str | None:
        assert progress() >= at[before]
        if dies:
            raise Died
        if stops:
            signal.raise_signal(signal.SIGINT)
            assert stopped()
            return None
        assert not stopped()
        done.append(f"run {before + 1}")
        loader.change()
        return "changed"

    def repeat(number: int) -> None:
        done.append(f"repeat {number}")
        loader.change()

    with open_session(
        folder,
        "1000 steps",
        train=TrainConfig(sequences_per_batch=2, checkpoint_steps=3, log_every_steps=1),
    ) as session:
        session.run(
            "finetune",
            model,
            loader=loader,
            pace=lambda: StepPace(num_steps=NUM_STEPS),
            schedule=ScheduleConfig(learning_rate=1e-2),
            validate=None,
            sample=lambda: loader.batch(0.0),
            callback=Callback(name="callback", at=at, run=run, repeat=repeat),
        )
    return done


def _end(folder: Path) -> tuple[Any, ...]:
    found = load_newest(folder / "checkpoints", "finetune")
    assert found is not None
    lines = [
        {key: value for key, value in line.items() if key not in ("seconds", "tokens_per_second")}
        for line in read_metrics(folder / "metrics.jsonl")
        if line.get("name") != "resumed"
    ]
    return (
        {name: tensor.tolist() for name, tensor in found.model.items()},
        found.state["position"],
        found.state["cursor"],
        lines,
    )


def _fresh(model: Transformer) -> Transformer:
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return model


@pytest.mark.parametrize(("at", "step"), [(0.0, 0), (0.5, 4), (0.6, 5), (0.99, None)])
def test_it_is_done_once_when_it_is_due(
    tmp_path: Path, model: Transformer, at: float, step: int | None
) -> None:
    loader = Numbers()
    assert _run(tmp_path, _fresh(model), loader, at=(at,)) == (
        ["run 1"] if step is not None else []
    )
    due = NUM_STEPS if step is None else step
    assert loader.handed_out == [*range(due), *(1100 + number for number in range(due, NUM_STEPS))]
    events = [line for line in read_metrics(tmp_path / "metrics.jsonl") if line["kind"] == "event"]
    assert [(line["name"], line["step"], line["message"]) for line in events] == (
        [("callback", step, "changed")] if step is not None else []
    )
    assert "precision" in choices(tmp_path)


@pytest.mark.parametrize("deaths", [(2,), (105,), (106,), (2, 107)], ids=str)
def test_whenever_the_process_dies_it_ends_with_the_same_bits(
    tmp_path: Path, model: Transformer, deaths: tuple[int, ...]
) -> None:
    """Before it, right after it, and after the next checkpoint, from which the loader is changed
    again before it is restored."""
    _run(tmp_path / "whole", _fresh(model), Numbers())
    left = list(deaths)
    done: list[str] = []
    while left:
        with pytest.raises(Died):
            _run(tmp_path / "died", _fresh(model), Numbers((left[0],)))
        left.pop(0)
    done = _run(tmp_path / "died", _fresh(model), Numbers())
    assert done == (["run 1"] if deaths == (2,) else ["repeat 1"])
    assert _end(tmp_path / "died") == _end(tmp_path / "whole")


def test_dying_in_the_middle_of_it_it_is_done_again(tmp_path: Path, model: Transformer) -> None:
    _run(tmp_path / "whole", _fresh(model), Numbers())
    with pytest.raises(Died):
        _run(tmp_path / "died", _fresh(model), Numbers(), dies=True)
    assert _run(tmp_path / "died", _fresh(model), Numbers()) == ["run 1"]
    assert _end(tmp_path / "died") == _end(tmp_path / "whole")


def test_it_runs_once_for_each_mark_and_a_later_session_repeats_what_was(
    tmp_path: Path, model: Transformer
) -> None:
    loader, at = Numbers(), (0.25, 0.5, 0.5, 0.75)
    done = _run(tmp_path / "whole", _fresh(model), loader, at=at)
    assert done == ["run 1", "run 2", "run 3", "run 4"]
    assert loader.handed_out == [0, 1, 1102, 1103, 1304, 1305, 1406, 1407]
    with pytest.raises(Died):
        _run(tmp_path / "died", _fresh(model), Numbers((103,)), at=at)
    died = _run(tmp_path / "died", _fresh(model), Numbers(), at=at)
    assert died == ["repeat 1", "run 2", "run 3", "run 4"]
    assert _end(tmp_path / "died") == _end(tmp_path / "whole")


def test_stopped_in_the_middle_of_it_it_is_done_again(tmp_path: Path, model: Transformer) -> None:
    _run(tmp_path / "whole", _fresh(model), Numbers())
    with pytest.raises(Interrupted, match="stopped at step 4 of finetune"):
        _run(tmp_path / "stopped", _fresh(model), Numbers(), stops=True)
    assert _run(tmp_path / "stopped", _fresh(model), Numbers()) == ["run 1"]
    assert _end(tmp_path / "stopped") == _end(tmp_path / "whole")


def test_what_never_became_due_is_said(
    tmp_path: Path, model: Transformer, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(tmp_path / "short", _fresh(model), Numbers(), at=(0.5, 0.99))
    assert (
        "callback was skipped: no step of finetune began at 99% or later" in capsys.readouterr().out
    )
    _run(tmp_path / "long", _fresh(model), Numbers())
    assert "was skipped" not in capsys.readouterr().out


def test_a_batch_that_was_made_early_is_made_anew() -> None:
    loader = Numbers()
    prefetcher = Prefetcher(loader)
    prefetcher.batch(0.0)
    prefetcher.prefetch(0.1)
    prefetcher.discard()
    assert prefetcher.cursor() == {"number": 1}
    loader.change()
    prefetcher.batch(0.1)
    assert loader.handed_out == [0, 1, 1101]
    prefetcher.discard()
    assert prefetcher.cursor() == {"number": 102}
