"""The benchmark for a GPU, at a size for any machine: it runs to its end, and every part of its
table is there."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_it_runs_at_toy_size() -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/gpu.py", "--toy", "--eager"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "failed" not in done.stdout, done.stdout
    result = json.loads(done.stdout.splitlines()[-1])
    for part in ("A bf16 adamw", "A bf16 muon", "B bf16 adamw", "B fp8 adamw", "B int8 adamw"):
        assert result[part]["tokens_per_second"] > 0
        assert result[part]["loss"] < 7
    assert result["ratio"] > 0
    assert abs(result["B_int8_loss_error"]) < 0.1
