"""Several ranks, on one machine with gloo: the same batches and losses as one, whatever the number,
and a lost one loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.processes import run_corpus, run_ranks

from corpus.train.metrics import read_metrics

ROOT = Path(__file__).parents[2]
MORE = (
    "--train.sequences-per-batch=4",
    "--evaluate.text=False",
    "--evaluate.problems-limit=2",
    "--train.log-every-steps=1",
)
BUDGET = "20 steps"

Words = Callable[..., list[str]]


def _torchrun(words: list[str], ranks: int) -> list[str]:
    """Return the command that users start ranks with."""
    launcher = ["torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    return [sys.executable, "-m", *launcher, "-m", "corpus", *words]


def _recorded(run: Path) -> list[dict[str, Any]]:
    """All that was recorded, without times and interruptions."""
    return [
        {key: value for key, value in line.items() if key not in ("seconds", "tokens_per_second")}
        for line in read_metrics(run / "metrics.jsonl")
        if line.get("name") != "resumed"
    ]


def _assert_same(run: Path, reference: Path) -> None:
    """Losses to 1e-5; the batches (how much of each source was read) exactly."""
    ours, theirs = _recorded(run), _recorded(reference)
    assert len(ours) == len(theirs)
    for own, other in zip(ours, theirs):
        assert own.keys() == other.keys()
        for key, value in other.items():
            assert own[key] == (
                value
                if key in ("kind", "phase", "step", "tokens", "consumed")
                else pytest.approx(value, rel=1e-4, abs=1e-5)
            )
        if other["kind"] == "train":
            assert abs(own["loss"] - other["loss"]) < 1e-5


@pytest.fixture(scope="module")
def one(command: Words, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a single process."""
    out = tmp_path_factory.mktemp("ranks") / "one"
    run_corpus(command(out, *MORE, budget=BUDGET))
    return out


@pytest.mark.parametrize(
    ("ranks", "more"),
    [
        (2, ["--train.micro-batch-sequences=1"]),
        (2, ["--runtime.parallel=fsdp"]),
        (4, ["--runtime.parallel=fsdp", "--runtime.checkpoint-activations=True"]),
    ],
    ids=["2 ddp, accumulating", "2 fsdp", "4 fsdp, recomputing"],
)
def test_losses_are_those_of_one_rank(
    command: Words, one: Path, tmp_path: Path, ranks: int, more: list[str]
) -> None:
    out = tmp_path / "run"
    words = command(out, *MORE, *more, budget=BUDGET)
    said = "".join(rank.stdout for rank in run_ranks(words, ranks))
    assert said.count("final weights saved") == 1, "only the first rank prints"
    _assert_same(out, one)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["environment"]["ranks"] == ranks
    assert manifest["clock_seconds"] > 0


@pytest.mark.parametrize("optimizer", ["muon"])
def test_muon_sees_whole_matrices(command: Words, tmp_path: Path, optimizer: str) -> None:
    runs = []
    for ranks, parallel in ((1, "ddp"), (2, "fsdp")):
        out = tmp_path / f"{ranks}"
        more = (
            f"--train.optimizer.name={optimizer}",
            f"--runtime.parallel={parallel}",
            "--train.averaging=0.3",
        )
        run_ranks(command(out, *MORE, *more, budget=BUDGET), ranks)
        runs.append(out)
    _assert_same(runs[1], runs[0])


def _workers(launcher: int) -> list[int]:
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    return [
        int(child) for child in children if b"corpus" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the ranks in /proc")
@pytest.mark.parametrize(
    ("parallel", "then", "damaged"),
    [
        ("ddp", 4, False),
        ("fsdp", 1, True),
    ],
)
def test_a_lost_rank_ends_the_job_with_a_message_and_any_number_goes_on(
    command: Words, one: Path, tmp_path: Path, parallel: str, then: int, damaged: bool
) -> None:
    out = tmp_path / "run"
    words = command(out, *MORE, "--train.checkpoint-steps=3", budget=BUDGET)
    divided = [*words, f"--runtime.parallel={parallel}"]
    process = subprocess.Popen(
        _torchrun(divided, 2),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    while not list((out / "checkpoints").glob("pretrain-*6")):
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        time.sleep(0.01)
    os.kill(_workers(process.pid)[1], signal.SIGKILL)
    said, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    if not (out / "weights" / "final.safetensors").exists():
        assert "another rank of this run is gone" in said, said
        assert "src/corpus" not in said, "a traceback is for bugs"
    if damaged:
        newest = max(
            (out / "checkpoints").glob("pretrain-*"), key=lambda path: path.stat().st_mtime_ns
        )
        part = next(newest.glob("*.safetensors"))
        part.write_bytes(part.read_bytes()[:-8])
    said = run_ranks(divided, then)[0].stdout
    assert ("Going back to the one before" in said) == damaged
    _assert_same(out, one)


HANGS = """
import datetime, os, time
from corpus.runtime import ranks
from corpus.train.step import TrainStep
ranks.STEP_PATIENCE = datetime.timedelta(seconds=3)
step = TrainStep.__call__
count = [0]
def hang(self, *args, **more):
    count[0] += 1
    if count[0] == 4 and os.environ["RANK"] == "1":
        time.sleep(8)
        os._exit(7)
    return step(self, *args, **more)
TrainStep.__call__ = hang
"""


def test_a_rank_that_hangs_within_a_step_ends_the_job_with_a_message(
    command: Words, tmp_path: Path
) -> None:
    done = run_ranks(command(tmp_path / "run", *MORE, budget=BUDGET), 2, first=HANGS, check=False)
    assert [rank.returncode for rank in done] == [2, 7]
    assert "did not answer for 0:00:03" in done[0].stderr
    assert "Traceback" not in done[0].stderr


def test_rows_that_cannot_be_divided_are_an_error(command: Words, tmp_path: Path) -> None:
    words = command(tmp_path / "run", *MORE, "--train.sequences-per-batch=3", budget=BUDGET)
    done = run_ranks(words, 2, check=False)
    assert [rank.returncode for rank in done] == [2, 2]
    assert "train.sequences_per_batch 3 cannot be divided among 2 ranks" in done[0].stderr


FULL = """
import os
from corpus.train import autotune
from corpus.train.trials import CompileChoice
from corpus.train.step import OutOfMemory

def choose(model, runtime, batch, *, timed):
    if os.environ["RANK"] == "1" and len(batch.tokens) > 1:
        raise OutOfMemory("this device is a small one")
    return CompileChoice(compiled=False, reason=f"tried {len(batch.tokens)} sequences")

autotune.try_compile = choose
"""
"""The second of two ranks has memory for one sequence only, and a trial shows it."""


def test_one_rank_that_runs_out_of_memory_in_a_trial_is_waited_for_by_none(
    command: Words, one: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    words = command(out, *MORE, "--runtime.compile=on", budget=BUDGET)
    said = run_ranks(words, 2, first=FULL)[0].stdout
    assert "from now on micro-batches of 1, 2 per step" in said
    assert "tried 1 sequences" in said
    _assert_same(out, one)


@pytest.mark.parametrize("parallel", ["fsdp"])
def test_all_ranks_agree_when_a_clock_ends_the_run(
    command: Words, tmp_path: Path, parallel: str
) -> None:
    """No deadlock: the first rank's clock counts, and each phase ends on the same step
    everywhere."""
    out = tmp_path / "run"
    run_ranks(command(out, *MORE, f"--runtime.parallel={parallel}", budget="10s"), 2)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["clock_seconds"] == pytest.approx(10, abs=3)
    assert set(manifest["steps"]) == {"pretrain", "finetune"}
