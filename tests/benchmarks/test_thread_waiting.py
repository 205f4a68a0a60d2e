"""The benchmark of waiting threads runs, and says what its README promises."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_waiting_is_measured_idle_and_busy() -> None:
    options = ["--rounds", "1", "--seconds", "0.01", "--threads", "1"]
    done = subprocess.run(
        [sys.executable, "benchmarks/thread_waiting.py", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["name"] == "thread_waiting"
    assert result["ratio"] > 0
    assert result["idle_ratio"] > 0
    assert set(result["tokens_per_second"]) == {
        f"{side}, {state}" for side in ("spinning", "sleeping") for state in ("idle", "busy")
    }
