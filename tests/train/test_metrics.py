"""Metrics: what a resumed run writes again is dropped first, and a line cut short by a crash does
no harm."""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from corpus.base.errors import ArtifactError
from corpus.train.metrics import (
    Metrics,
    TrainingEvent,
    TrainPoint,
    ValidationPoint,
    read_history,
    read_metrics,
)


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[Metrics]:
    metrics = Metrics(tmp_path)
    yield metrics
    metrics.close()


def _write(metrics: Metrics, phase: str, step: int, loss: float = 1.0) -> None:
    metrics.write(
        "train", phase=phase, step=step, seconds=0.1 * step, loss=loss, learning_rate=1e-3
    )


def _steps(folder: Path) -> list[tuple[str, int]]:
    return [(line["phase"], line["step"]) for line in read_metrics(folder / "metrics.jsonl")]


def _scalars(folder: Path, phase: str, tag: str) -> list[tuple[int, float]]:
    board = EventAccumulator(str(folder / "tensorboard" / phase))
    board.Reload()
    return [(event.step, event.value) for event in board.Scalars(tag)]


def test_a_line_is_one_json_object(tmp_path: Path, metrics: Metrics) -> None:
    metrics.write(
        "train", phase="pretrain", step=10, seconds=1.23456, loss=0.1 + 0.2, consumed={"c4": 5}
    )
    metrics.write(
        "event", phase="pretrain", step=11, seconds=2.0, name="skipped_step", message="two\nlines"
    )
    text = (tmp_path / "metrics.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line) for line in text.splitlines()] == [
        {
            "kind": "train",
            "phase": "pretrain",
            "step": 10,
            "seconds": 1.235,
            "loss": 0.1 + 0.2,
            "consumed": {"c4": 5},
        },
        {
            "kind": "event",
            "phase": "pretrain",
            "step": 11,
            "seconds": 2.0,
            "name": "skipped_step",
            "message": "two\nlines",
        },
    ]


def test_what_was_written_after_a_checkpoint_is_dropped(tmp_path: Path, metrics: Metrics) -> None:
    assert metrics.num_bytes == 0
    _write(metrics, "pretrain", 1)
    size = metrics.num_bytes
    assert size == (tmp_path / "metrics.jsonl").stat().st_size > 0
    before = (tmp_path / "metrics.jsonl").read_bytes()
    _write(metrics, "pretrain", 2)
    with open(tmp_path / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write('{"kind": "tr')
    Metrics(tmp_path).truncate(size)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before
    _write(metrics, "pretrain", 2)
    assert _steps(tmp_path) == [("pretrain", 1), ("pretrain", 2)]


def test_a_file_that_is_shorter_already_is_not_filled_up(tmp_path: Path, metrics: Metrics) -> None:
    metrics.truncate(0)
    assert not (tmp_path / "metrics.jsonl").exists()
    _write(metrics, "pretrain", 1)
    before = (tmp_path / "metrics.jsonl").read_bytes()
    metrics.truncate(len(before) + 100)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


def test_a_phase_that_starts_again_drops_its_lines_and_later_ones(
    tmp_path: Path, metrics: Metrics
) -> None:
    metrics.drop_phase("pretrain")
    for phase in ("pretrain", "finetune"):
        for step in (1, 2):
            _write(metrics, phase, step)
    with open(tmp_path / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write('{"kind": "tr')
    metrics.drop_phase("finetune")
    assert _steps(tmp_path) == [("pretrain", 1), ("pretrain", 2)]
    _write(metrics, "finetune", 1)
    assert _steps(tmp_path) == [("pretrain", 1), ("pretrain", 2), ("finetune", 1)]
    metrics.drop_phase("pretrain")
    assert _steps(tmp_path) == []


@pytest.mark.parametrize("tail", [b"", b"\0" * 40, b"\0\0\0\n", b'{"kind": "tr\n'], ids=len)
@pytest.mark.parametrize("cut", [0, 1, 2, 30, 150])
def test_what_a_power_loss_left_of_the_last_lines_is_cut_back_to_whole_ones(
    tmp_path: Path, metrics: Metrics, cut: int, tail: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a flush, a disk may keep a checkpoint and lose the end of a file written before."""
    for step in (1, 2, 3):
        _write(metrics, "pretrain", step)
    path, size = tmp_path / "metrics.jsonl", metrics.num_bytes
    path.write_bytes(path.read_bytes()[: size - cut] + tail)
    metrics.truncate(size)
    whole = (size - cut) // (size // 3)
    _write(metrics, "pretrain", 4)
    assert _steps(tmp_path) == [("pretrain", step) for step in (*range(1, whole + 1), 4)]
    assert ("lost its last lines" in capsys.readouterr().out) == (whole < 3)


def test_a_phase_that_starts_again_drops_what_a_power_loss_damaged(
    tmp_path: Path, metrics: Metrics
) -> None:
    _write(metrics, "pretrain", 1)
    with open(tmp_path / "metrics.jsonl", "ab") as file:
        file.write(b'{"kind": "tr{"kind": "train", "phase": "pretrain"}\n\0\0\n')
    _write(metrics, "finetune", 1)
    metrics.drop_phase("finetune")
    _write(metrics, "finetune", 1)
    assert _steps(tmp_path) == [("pretrain", 1), ("finetune", 1)]


def test_a_checkpoint_knows_a_size_that_is_on_the_disk(
    tmp_path: Path, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda number: flushed.append(os.fstat(number).st_size))
    assert metrics.flush() == 0
    _write(metrics, "pretrain", 1)
    size = metrics.flush()
    assert size == metrics.num_bytes > 0
    assert size in flushed


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_last_line_cut_short_is_left_out(tmp_path: Path, metrics: Metrics, cut: int) -> None:
    for step in (1, 2, 3):
        _write(metrics, "pretrain", step)
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(path.read_bytes()[: -1 - cut])
    assert _steps(tmp_path) == [("pretrain", 1), ("pretrain", 2)]


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path, metrics: Metrics) -> None:
    for step in (1, 2, 3):
        _write(metrics, "pretrain", step)
    path = tmp_path / "metrics.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:-4], lines[2]]) + "\n")
    with pytest.raises(
        ArtifactError, match=r"metrics\.jsonl, line 2 is damaged .*Delete that line"
    ):
        read_metrics(path)


def test_tensorboard_has_the_same_numbers(tmp_path: Path, metrics: Metrics) -> None:
    for step, loss in ((10, 4.0), (20, 3.5)):
        _write(metrics, "pretrain", step, loss)
    metrics.write(
        "validation",
        phase="pretrain",
        step=20,
        seconds=3.0,
        loss={"c4": 5.0, "arxiv": 6.0},
        accuracy={"c4": 0.25},
    )
    _write(metrics, "finetune", 10, 2.0)
    metrics.close()
    assert sorted(path.name for path in (tmp_path / "tensorboard").iterdir()) == [
        "finetune",
        "pretrain",
    ]
    assert _scalars(tmp_path, "pretrain", "train/loss") == [(10, 4.0), (20, 3.5)]
    assert _scalars(tmp_path, "pretrain", "validation/loss/arxiv") == [(20, 6.0)]
    assert _scalars(tmp_path, "pretrain", "validation/accuracy/c4") == [(20, 0.25)]
    assert _scalars(tmp_path, "finetune", "train/loss") == [(10, 2.0)]


def test_after_a_resume_tensorboard_forgets_the_steps_that_are_taken_again(
    tmp_path: Path, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(metrics, "pretrain", 1, 9.0)
    size = metrics.num_bytes
    for step in (2, 3):
        _write(metrics, "pretrain", step, 8.0)
    metrics.truncate(size)
    later = time.time() + 10
    monkeypatch.setattr(
        time, "time", lambda: later
    )  # event files are read in the order of the seconds in their names
    _write(metrics, "pretrain", 2, 7.0)
    metrics.close()
    assert _scalars(tmp_path, "pretrain", "train/loss") == [(1, 9.0), (2, 7.0)]


def test_the_history_is_what_was_written(tmp_path: Path, metrics: Metrics) -> None:
    metrics.write(
        "train",
        phase="pretrain",
        step=10,
        seconds=1.5,
        progress=0.1,
        tokens=320,
        loss=4.5,
        learning_rate=1e-3,
        gradient_norm=None,
        tokens_per_second=213.3,
        consumed={"c4": 320},
    )
    metrics.write(
        "validation",
        phase="pretrain",
        step=10,
        seconds=2.0,
        tokens=320,
        loss={"c4": math.inf},
        accuracy={"c4": 0.25},
    )
    metrics.write(
        "event", phase="finetune", step=0, seconds=3.0, name="resumed", message="it went on"
    )
    history = read_history(tmp_path / "metrics.jsonl")
    moment = {"phase": "pretrain", "step": 10}
    assert history.train == (
        TrainPoint(
            **moment,
            seconds=1.5,
            tokens=320.0,
            loss=4.5,
            learning_rate=1e-3,
            consumed={"c4": 320.0},
        ),
    )
    assert history.validation == (
        ValidationPoint(
            **moment, seconds=2.0, tokens=320.0, loss={"c4": math.inf}, accuracy={"c4": 0.25}
        ),
    )
    assert history.events == (
        TrainingEvent(phase="finetune", step=0, seconds=3.0, name="resumed", message="it went on"),
    )


MOMENT = '"phase": "pretrain", "step": 1, "seconds": 0'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{broken", "line 2 is damaged"),
        (b"\xff\xfe", "line 2 is damaged"),
        (b"[" * 100_000, "line 2 is damaged"),
        (b"[1, 2]", "line 2 holds list"),
        (
            b'{"kind": "tea"}',
            "line 2 has kind 'tea', expected train or reward or validation or event",
        ),
        (b'{"kind": "event", "phase": ["pretrain"]}', "line 2 has phase ['pretrain']"),
        (b'{"kind": "event", "phase": "pretrain", "step": "x"}', "line 2: step is 'x'"),
        (b'{"kind": "event", "phase": "pretrain", "step": true}', "line 2: step is True"),
        (b'{"kind": "event", "phase": "pretrain", "step": NaN}', "line 2: step is nan"),
        (b'{"kind": "event", "phase": "pretrain", "step": 1}', "line 2: seconds is missing"),
        (
            f'{{"kind": "train", {MOMENT}, "tokens": 1{"0" * 400}}}'.encode(),
            "line 2: tokens is inf, expected a finite number",
        ),
        (
            f'{{"kind": "train", {MOMENT}, "tokens": 1, "loss": 1, "consumed": [1]}}'.encode(),
            "line 2: consumed is [1], expected an object",
        ),
        (
            f'{{"kind": "validation", {MOMENT}, "tokens": 1, "loss": {{"c4": "x"}}}}'.encode(),
            "line 2: c4 is 'x', expected a number",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_damage_to_a_line_is_a_traceback(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "metrics.jsonl"
    good = f'{{"kind": "event", {MOMENT}}}'.encode()
    path.write_bytes(b"\n".join([good, line, good, b""]))
    with pytest.raises(ArtifactError, match=r"metrics\.jsonl, line 2") as caught:
        read_history(path)
    assert message in str(caught.value)
    assert "Delete that line" in str(caught.value)


def test_a_loss_that_was_not_finite_and_a_rate_that_was_not_written_are_no_damage(
    tmp_path: Path,
) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"kind": "train", {MOMENT}, "tokens": 1, "loss": null}}\n')
    (point,) = read_history(path).train
    assert math.isnan(point.loss)
    assert math.isnan(point.learning_rate)
    assert point.consumed == {}


def test_reading_metrics_does_not_load_torch() -> None:
    code = "import sys, corpus.train.metrics; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
