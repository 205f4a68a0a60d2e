"""Fine-tuning by adapters through the real command: killed, it ends with the same bits; what follows it does not know the difference."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.base.files import digest_file, read_json, write_json
from corpus.train.metrics import read_metrics

ROOT = Path(__file__).parents[2]

Run = Callable[..., subprocess.CompletedProcess[str]]

KILL_WHILE_SAVING = """
import os, signal
from corpus.train import checkpoint

def half(path, tensors, saved=[]):
    saved.append(path)
    if len(saved) < 3:
        return whole(path, tensors)
    path.write_bytes(b"half of it")
    os.kill(os.getpid(), signal.SIGKILL)

whole, checkpoint._save_tensors = checkpoint._save_tensors, half
"""
"""Lets one checkpoint be saved, and dies without a word in the middle of the next."""


def _pretrained(finished: Path, out: Path) -> Path:
    """A copy of a run as it was before fine-tuning, which saves often."""
    shutil.copytree(
        finished, out, ignore=shutil.ignore_patterns("final.safetensors", "finetune-*", "scores.json", "outcomes", "report.*")
    )
    config = read_json(out / "config.json")
    config["train"] |= {"checkpoint_steps": 6, "checkpoint_seconds": 1e6}
    config["evaluate"] |= {"problems_limit": 4, "votes": [], "retrieval": False}
    write_json(out / "config.json", config)
    return out


def _lines(run: Path) -> list[tuple[object, ...]]:
    timed = ("seconds", "tokens_per_second")
    return [
        tuple((key, str(value)) for key, value in line.items() if key not in timed) for line in read_metrics(run / "metrics.jsonl")
    ]


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_killed_while_saving_it_ends_with_the_same_bits(method: str, finished: Path, corpus: Run, tmp_path: Path) -> None:
    whole, killed = (_pretrained(finished, tmp_path / name) for name in ("whole", "killed"))
    said = corpus(["finetune", whole, "--method", method]).stdout
    assert f"finetune.method: 'full' → '{method}'" in said
    assert f"{method}: " in said
    assert read_json(whole / "config.json")["finetune"]["method"] == method

    died = corpus(["finetune", killed, "--method", method], first=KILL_WHILE_SAVING, check=False)
    assert died.returncode == -signal.SIGKILL
    assert [path.name for path in (killed / "checkpoints").glob("finetune-*")] == ["finetune-000000006"]
    assert "going on with finetune at step 6" in corpus(["finetune", killed]).stdout
    for name in ("weights/final.safetensors", "adapter/adapter_model.safetensors", "adapter/adapter_config.json"):
        assert digest_file(killed / name) == digest_file(whole / name)
    assert _lines(killed) == _lines(whole)
    losses = [
        line["loss"] for line in read_metrics(whole / "metrics.jsonl") if line["kind"] == "train" and line["phase"] == "finetune"
    ]
    assert losses[-1] < losses[0]

    refused = corpus(["finetune", whole, "--method", "full"], check=False)
    assert refused.returncode == 2
    assert "has begun to be fine-tuned with other settings" in refused.stderr

    corpus(["evaluate", whole, "--text", "False"])
    accuracy = json.loads((whole / "scores.json").read_text())["problems"]["generated"]["accuracy"]
    assert 0 <= accuracy <= 1
    for phase, name in (("pretrain", "pretrained"), ("finetune", "final")):
        corpus(["export", whole, "--phase", phase, "--output", tmp_path / phase])
        assert read_json(tmp_path / phase / "manifest.json")["inputs"]["weights"] == digest_file(
            whole / f"weights/{name}.safetensors"
        )
    assert read_json(whole / "adapter/manifest.json")["inputs"]["weights"] == digest_file(whole / "weights/pretrained.safetensors")


def test_two_ranks_fine_tune_adapters_as_one_does(finished: Path, corpus: Run, tmp_path: Path) -> None:
    one, two = (_pretrained(finished, tmp_path / name) for name in ("one", "two"))
    corpus(["finetune", one, "--method", "lora"])
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "-m",
        "corpus",
        "finetune",
        str(two),
    ]
    done = subprocess.run([*command, "--method", "lora"], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    losses = [[line["loss"] for line in read_metrics(run / "metrics.jsonl") if line["kind"] == "train"] for run in (one, two)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert (two / "adapter/adapter_model.safetensors").exists()

    config = read_json(two / "config.json")
    config["runtime"]["parallel"] = "fsdp"
    write_json(two / "config.json", config)
    (two / "weights/final.safetensors").unlink()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode != 0
    assert "finetune.method lora with runtime.parallel fsdp is not supported" in done.stderr


def test_weights_in_int8_score_and_solve(finished: Path, corpus: Run, tmp_path: Path) -> None:
    """They answer as fp32 does, nearly always; the run's own scores are never theirs."""
    scores, words = tmp_path / "int8.json", ["evaluate", finished, "--weights", "int8", "--text", "False"]
    before = digest_file(finished / "scores.json")
    refused = corpus(words, check=False)
    assert refused.returncode == 2
    assert "--weights int8 needs --output" in refused.stderr
    assert "weights    int8" in corpus([*words, "--output", scores]).stdout
    assert digest_file(finished / "scores.json") == before
    accuracies = [json.loads(path.read_text())["problems"]["generated"]["accuracy"] for path in (scores, finished / "scores.json")]
    assert abs(accuracies[0] - accuracies[1]) <= 0.2
    assert "program" in corpus(["solve", finished, "what is 20 percent of 50 ?", "--weights", "int8"]).stdout
