"""Killed, stopped, cut off while saving: the run goes on and ends with the same bits."""

import json
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.folders import scores_in
from support.processes import CorpusProcess

from corpus.base.files import digest_file
from corpus.train.metrics import read_metrics

Words, Run, Start = (
    Callable[..., list[str]],
    Callable[..., subprocess.CompletedProcess[str]],
    Callable[[list[str]], CorpusProcess],
)

KILL_WHILE_SAVING = """
import os, signal
from corpus.train import checkpoint

def half(path, tensors, saved=[]):
    saved.append(path)
    if len(saved) < 3:
        return whole(path, tensors)
    path.write_bytes(b"half of it")
    os.kill(os.getpid(), signal.SIGKILL)

whole, checkpoint.write_tensors = checkpoint.write_tensors, half
"""
"""Lets one checkpoint be saved, and dies without a word in the middle of the next."""


def _lines(run: Path) -> list[tuple[object, ...]]:
    """All that was recorded, but for times, rates and interruptions."""
    timed = ("seconds", "tokens_per_second")
    return [
        tuple((key, str(value)) for key, value in line.items() if key not in timed)
        for line in read_metrics(run / "metrics.jsonl")
        if line.get("name") != "resumed"
    ]


def _wait_for(folder: Path, pattern: str, process: CorpusProcess) -> None:
    while not list(folder.glob(pattern)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_a_run_killed_twice_ends_with_the_same_bits(
    command: Words, corpus: Run, start: Start, finished: Path, tmp_path: Path
) -> None:
    """Once between steps of pre-training, once in the middle of writing a checkpoint of
    fine-tuning."""
    out = tmp_path / "killed"
    words = command(out, "--train.checkpoint-steps=6")

    process = start(words)
    _wait_for(out / "checkpoints", "pretrain-*12", process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL

    died = corpus(words, first=KILL_WHILE_SAVING, check=False)
    assert died.returncode == -signal.SIGKILL
    assert list((out / "checkpoints").rglob("*.tmp")), "it was to die while writing"

    said = corpus(words).stdout
    assert "resuming" in said
    for name in ("pretrained", "final"):
        assert digest_file(out / f"weights/{name}.safetensors") == digest_file(
            finished / f"weights/{name}.safetensors"
        )
    assert _lines(out) == _lines(finished)
    assert not list((out / "checkpoints").rglob("*.tmp"))
    assert scores_in(out / "scores.json") == scores_in(finished / "scores.json")


RUNS, KILLS_A_RUN = 2, 6


@pytest.mark.parametrize("number", range(RUNS))
def test_killed_at_random_moments_it_ends_with_the_same_bits(
    command: Words,
    start: Start,
    corpus: Run,
    finished: Path,
    whole_seconds: float,
    tmp_path: Path,
    number: int,
) -> None:
    """Up to 12 kills in all, wherever they fall: preparing, stepping, saving, validating, between the
    phases, scoring."""
    out, chance = tmp_path / "killed", random.Random(number)
    words = command(out, "--train.checkpoint-steps=7")
    killed = 0
    while killed < KILLS_A_RUN:
        process = start(words)
        try:
            process.communicate(timeout=chance.uniform(0.1, 0.7) * whole_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        else:
            assert process.returncode == 0
            break  # faster than the run it is measured by
        killed += 1
    corpus(words)
    for name in ("pretrained", "final"):
        assert digest_file(out / f"weights/{name}.safetensors") == digest_file(
            finished / f"weights/{name}.safetensors"
        )
    assert _lines(out) == _lines(finished)
    assert scores_in(out / "scores.json") == scores_in(finished / "scores.json")


def test_ctrl_c_saves_and_says_how_to_go_on(
    command: Words, corpus: Run, start: Start, finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "stopped"
    words = command(out)
    process = start(words)
    while not (out / "metrics.jsonl").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out_said, said = process.communicate(timeout=120)
    assert process.returncode == 130, out_said + said
    assert "Resume with:" in said
    assert str(out) in said
    assert list((out / "checkpoints").glob("pretrain-*"))
    corpus(words)
    assert digest_file(out / "weights/final.safetensors") == digest_file(
        finished / "weights/final.safetensors"
    )


def test_an_interrupted_clock_counts_what_was_spent(
    command: Words, corpus: Run, start: Start, tmp_path: Path
) -> None:
    """Under a clock the second session has only what the first left, and the curriculum and
    schedules still end.

    Epochs are plenty, so that fine-tuning has its share of the time: those of the recipe are done
    in a second or two, which a busy machine can lose between the phases.
    """
    out = tmp_path / "clock"
    words = command(out, "--finetune.max-epochs=1000", budget="15s")
    process = start(words)
    while not (out / "metrics.jsonl").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate()
    spent = json.loads((out / "clock.json").read_text())["seconds"]
    assert spent > 0
    corpus(words)
    lines = read_metrics(out / "metrics.jsonl")
    seconds = [line["seconds"] for line in lines]
    assert seconds == sorted(seconds)
    assert [line for line in lines if line["phase"] == "finetune"]
    assert [line for line in lines if line["kind"] == "train"][-1]["progress"] > 0.9
    assert json.loads((out / "manifest.json").read_text())["clock_seconds"] >= spent
