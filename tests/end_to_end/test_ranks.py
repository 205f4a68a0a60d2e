"""Several ranks, on one machine with gloo: the same batches and losses as one, whatever the number, and a lost one loses nothing."""

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

from corpus.train.metrics import read_metrics

ROOT = Path(__file__).parents[2]
MORE = ("--train.rows-per-batch=4", "--evaluate.text=False", "--evaluate.problems-limit=2", "--train.log-every-steps=1")
BUDGET = "20 steps"

Words = Callable[..., list[str]]


def _command(words: list[str], ranks: int) -> list[str]:
    if ranks == 1:
        return [sys.executable, "-m", "corpus", *words]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    return [*launcher, "-m", "corpus", *words]


def _run(words: list[str], ranks: int) -> str:
    done = subprocess.run(_command(words, ranks), cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def _recorded(run: Path) -> list[dict[str, Any]]:
    """All that was recorded, without times."""
    return [
        {key: value for key, value in line.items() if key not in ("seconds", "tokens_per_second")}
        for line in read_metrics(run / "metrics.jsonl")
    ]


def _assert_same(run: Path, reference: Path) -> None:
    """Losses to 1e-5; the batches (how much of each source was read) exactly."""
    ours, theirs = _recorded(run), _recorded(reference)
    assert len(ours) == len(theirs)
    for own, other in zip(ours, theirs):
        assert own.keys() == other.keys()
        for key, value in other.items():
            assert own[key] == (
                value if key in ("kind", "phase", "step", "tokens", "consumed") else pytest.approx(value, rel=1e-4, abs=1e-5)
            )
        if other["kind"] == "train":
            assert abs(own["loss"] - other["loss"]) < 1e-5


@pytest.fixture(scope="module")
def one(command: Words, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a single process."""
    out = tmp_path_factory.mktemp("ranks") / "one"
    _run(command(out, *MORE, budget=BUDGET), 1)
    return out


@pytest.mark.parametrize(
    ("ranks", "more"),
    [
        (2, []),
        (4, []),
        (2, ["--train.micro-batch-rows=1"]),
        (2, ["--runtime.parallel=fsdp"]),
        (4, ["--runtime.parallel=fsdp", "--runtime.checkpoint-activations=True"]),
    ],
    ids=["2 ddp", "4 ddp", "2 ddp, accumulating", "2 fsdp", "4 fsdp, recomputing"],
)
def test_losses_are_those_of_one_rank(command: Words, one: Path, tmp_path: Path, ranks: int, more: list[str]) -> None:
    out = tmp_path / "run"
    said = _run(command(out, *MORE, *more, budget=BUDGET), ranks)
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
        more = (f"--train.optimizer.name={optimizer}", f"--runtime.parallel={parallel}", "--train.averaging=0.3")
        _run(command(out, *MORE, *more, budget=BUDGET), ranks)
        runs.append(out)
    _assert_same(runs[1], runs[0])


def _workers(launcher: int) -> list[int]:
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    return [int(child) for child in children if b"corpus" in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the ranks in /proc")
@pytest.mark.parametrize(("parallel", "then"), [("ddp", 4), ("fsdp", 1), ("fsdp", 4)])
def test_a_lost_rank_ends_the_job_with_a_message_and_any_number_goes_on(
    command: Words, one: Path, tmp_path: Path, parallel: str, then: int
) -> None:
    out = tmp_path / "run"
    words = command(out, *MORE, "--train.checkpoint-steps=3", budget=BUDGET)
    divided = [*words, f"--runtime.parallel={parallel}"]
    process = subprocess.Popen(
        _command(divided, 2), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
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
    _run(divided, then)
    _assert_same(out, one)


def test_rows_that_cannot_be_divided_are_an_error(command: Words, tmp_path: Path) -> None:
    words = command(tmp_path / "run", *MORE, "--train.rows-per-batch=3", budget=BUDGET)
    done = subprocess.run(_command(words, 2), cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode != 0
    assert "train.rows_per_batch is 3 and there are 2 ranks" in done.stderr


def test_all_ranks_agree_when_a_clock_ends_the_run(command: Words, tmp_path: Path) -> None:
    """No deadlock: the first rank's clock counts, and each phase ends on the same step everywhere."""
    out = tmp_path / "run"
    _run(command(out, *MORE, budget="15s"), 2)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["clock_seconds"] == pytest.approx(15, abs=3)
    assert set(manifest["steps"]) == {"pretrain", "finetune"}
