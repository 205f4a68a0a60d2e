"""Threads: how many, how they wait, and whether other processes are in their way."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from corpus.runtime import threads as module
from corpus.runtime.threads import (
    WAITING,
    Threads,
    ThreadSource,
    choose_threads,
    cores_of_others,
    sleep_if_busy,
    warn_if_busy,
)

ENVIRONMENT = ("OMP_NUM_THREADS", "LOCAL_WORLD_SIZE", *WAITING)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 8 cores, none of the variables set, nothing said yet."""
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, "")  # so that it is restored
        monkeypatch.delenv(name)
    monkeypatch.setattr(module, "usable_cores", lambda: 8)
    monkeypatch.setattr(module, "_checked", [])
    module._read.cache_clear()


def test_the_setting_goes_first_then_the_variable_then_the_record_then_the_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert choose_threads(0) == Threads(8, ThreadSource.CORES)
    assert choose_threads(0, recorded=5) == Threads(5, ThreadSource.RECORDED)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert choose_threads(0, recorded=5) == Threads(3, ThreadSource.VARIABLE)
    assert choose_threads(2, recorded=5) == Threads(2, ThreadSource.SETTING)


@pytest.mark.parametrize(
    ("text", "number"), [("4,2", 4), (" 6 ", 6), ("2 , 1", 2), ("", 8), ("04", 4), ("4096", 4096)]
)
def test_the_variable_is_read_as_openmp_reads_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    number: int,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert choose_threads(0).number == number
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ["many", "0", "-1", "2.5", "4,", "4;2", "9999", "1" * 40, "\u0664"]
)
def test_an_unreadable_variable_counts_as_unset_and_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    for _ in range(2):
        assert choose_threads(0) == Threads(8, ThreadSource.CORES)
    said = capsys.readouterr().out
    assert said.count("warning: OMP_NUM_THREADS is ") == 1
    assert "counts as unset; expected a number from 1 to 4096" in said


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("1", Threads(4, ThreadSource.SHARE)),  # set by torchrun
        ("3", Threads(3, ThreadSource.VARIABLE)),
        ("", Threads(4, ThreadSource.SHARE)),
    ],
)
def test_ranks_divide_the_cores_unless_the_user_set_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, expected: Threads
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert choose_threads(0, local_ranks=2) == expected


def test_a_single_process_of_torchrun_has_the_users_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
    assert choose_threads(0) == Threads(1, ThreadSource.VARIABLE)


@pytest.mark.parametrize(
    ("average", "running", "others", "sleeps"),
    [
        ("0.00", 1, None, False),  # idle: nobody is watched
        ("0.80", 1, 0.9, True),
        ("0.00", 2, 0.9, True),  # busy since a moment
        ("0.80", 1, 0.1, False),  # busy until a moment ago
        ("0.80", 1, None, False),  # the system does not say
    ],
)
def test_waiting_threads_sleep_beside_a_busy_process(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    average: str,
    running: int,
    others: float | None,
    sleeps: bool,
) -> None:
    _load(monkeypatch, tmp_path, f"{average} 0.10 0.05 {running}/123 4567\n")
    watched: list[bool] = []

    def watch() -> float | None:
        watched.append(True)
        return others

    monkeypatch.setattr(module, "cores_of_others", watch)
    sleep_if_busy()
    assert ("GOMP_SPINCOUNT" in os.environ) == sleeps
    assert bool(watched) == (average != "0.00" or running > 1), "watching costs time"


def test_ranks_of_one_machine_keep_spinning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _load(monkeypatch, tmp_path, "2.00 1.00 1.00 3/123 4567\n")
    monkeypatch.setattr(module, "cores_of_others", lambda: 1.0)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    sleep_if_busy()
    assert "GOMP_SPINCOUNT" not in os.environ


@pytest.mark.parametrize("text", ["", "nonsense\n", "a b c d e\n", "0.0 1.0 1.0 x/3 5\n"])
def test_a_load_that_cannot_be_read_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    _load(monkeypatch, tmp_path, text)
    monkeypatch.setattr(module, "cores_of_others", lambda: 1.0)
    sleep_if_busy()
    assert "GOMP_SPINCOUNT" not in os.environ


def _load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    """Let the kernel's load be this."""
    real = open
    (tmp_path / "loadavg").write_text(text)

    def opened(path: str, **more: Any) -> object:
        assert path == "/proc/loadavg"
        return real(tmp_path / "loadavg", **more)

    monkeypatch.setattr(module, "open", opened, raising=False)


@pytest.mark.parametrize("name", WAITING)
def test_how_the_user_lets_threads_wait_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    _load(monkeypatch, tmp_path, "2.00 1.00 1.00 3/123 4567\n")
    monkeypatch.setattr(module, "cores_of_others", lambda: 1.0)
    monkeypatch.setenv(name, "7")
    sleep_if_busy()
    assert {name: os.environ[name] for name in WAITING if name in os.environ} == {name: "7"}


STARTS = (
    ["-m", "corpus", "run", "starter"],
    ["src/main.py"],
    ["-c", "from corpus.cli.main import main; main()", "run", "starter"],
)


@pytest.mark.parametrize("start", STARTS)
def test_every_entry_point_sets_it_before_torch_is_imported(
    start: list[str], tmp_path: Path
) -> None:
    """A stand-in for torch writes down what it finds in the environment, and ends the process. The
    machine is made busy before."""
    (tmp_path / "torch.py").write_text(
        "import os\nprint('spins', os.environ.get('GOMP_SPINCOUNT'), flush=True)\nos._exit(7)\n"
    )
    (tmp_path / "sitecustomize.py").write_text(
        "from corpus.runtime import threads\n"
        "threads._may_be_busy = lambda: True\nthreads.cores_of_others = lambda: 1.0\n"
    )
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(tmp_path), str(root / "src")])
    done = subprocess.run(
        [sys.executable, *start, "--out", str(tmp_path / "run")],
        cwd=root,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout.split()[-2:]) == (7, ["spins", "1000"])


@pytest.mark.parametrize(
    ("words", "spins"),
    [
        (["run", "starter", "--budget", "20 steps", "--out"], "1000"),
        (["run", "starter", "--budget", "5k tokens", "--out"], "1000"),
        (["run", "starter", "--budget", "90s", "--out"], "1000"),  # too short for a trial
        (["run", "starter", "--budget", "5m", "--out"], "None"),
    ],
)
def test_threads_that_no_trial_chooses_sleep_soon_on_an_idle_machine_too(
    words: list[str], spins: str, tmp_path: Path
) -> None:
    """A process that starts later would slow them down to a third, and nothing would help."""
    (tmp_path / "torch.py").write_text(
        "import os\nprint('spins', os.environ.get('GOMP_SPINCOUNT'), flush=True)\nos._exit(7)\n"
    )
    (tmp_path / "sitecustomize.py").write_text(
        "from corpus.runtime import threads\nthreads._may_be_busy = lambda: False\n"
    )
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(tmp_path), str(root / "src")])
    done = subprocess.run(
        [sys.executable, "-m", "corpus", *words, str(tmp_path / "run")],
        cwd=root,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout.split()[-2:]) == (7, ["spins", spins])


@pytest.mark.parametrize(
    ("threads", "others", "cores", "advice"),
    [
        (2, 1.0, 2, 1),
        (2, 1.9, 2, 1),
        (8, 1.0, 8, 7),
        (8, 7.8, 8, 1),
        (3, 1.6, 4, 2),
        (2, 0.1, 2, 0),  # idle
        (1, 2.0, 2, 0),  # a single thread waits for none
        (4, 3.9, 8, 0),  # room for both
        (3, 0.0, 2, 0),  # the user's own choice
        (2, None, 2, 0),  # the system does not say
    ],
)
def test_a_busy_machine_is_said_once_with_the_fix(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    threads: int,
    others: float | None,
    cores: int,
    advice: int,
) -> None:
    monkeypatch.setattr(module, "core_indices", lambda: set(range(cores)))
    monkeypatch.setattr(module, "cores_of_others", lambda: others)
    for _ in range(2):
        warn_if_busy(threads)
    said = capsys.readouterr().out
    assert said.count("warning: other processes keep") == bool(advice)
    assert said.count(f"--runtime.num-threads {advice}, or OMP_NUM_THREADS={advice}") == bool(
        advice
    )


def _stat(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *texts: str) -> None:
    """Let the kernel's counts be these, one after another, a second apart."""
    real, left = open, list(texts)

    def opened(path: str, **more: Any) -> object:
        assert path == "/proc/stat"
        (tmp_path / "stat").write_text(left.pop(0))
        return real(tmp_path / "stat", **more)

    ticks = iter((0.0, 1.0))
    monkeypatch.setattr(module, "open", opened, raising=False)
    monkeypatch.setattr(module, "core_indices", lambda: {0, 2})
    monkeypatch.setattr(module.os, "sysconf", lambda name: 100)
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(module.time, "monotonic", lambda: next(ticks))
    own = iter((5.0, 5.25))
    monkeypatch.setattr(module.time, "process_time", lambda: next(own))


def test_other_processes_are_what_the_usable_cores_did_beside_this_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Core 1 is not ours; idle and iowait are no work; the last two numbers are counted already."""
    _stat(
        monkeypatch,
        tmp_path,
        "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 10 0 0 50 0 0 0 0 5 0\ncpu1 0 0 0 0 0 0 0 0 0 0\n"
        "cpu2 10 0 0 50 0 0 0 0 0 0\nintr 12 0\n",
        "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 60 10 20 60 10 0 0 0 5 9\ncpu1 99 0 0 0 0 0 0 0 0 0\n"
        "cpu2 20 5 0 100 30 2 2 1 0 0\nintr 12 0\n",
    )
    # 80 + 20 hundredths of a second in one second, less 25 of our own.
    assert cores_of_others() == pytest.approx(0.75)


@pytest.mark.parametrize(
    "text", ["", "nonsense\n", "cpu0 a b c d\n", "cpu0 0 0 0 0 0 0 0 0\n", "\n"]
)
def test_counts_that_cannot_be_read_give_no_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    _stat(monkeypatch, tmp_path, text, text)
    assert cores_of_others() is None


def test_no_counts_give_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*given: object, **more: object) -> object:
        raise FileNotFoundError

    monkeypatch.setattr(module, "open", missing, raising=False)
    assert cores_of_others(0.0) is None


def test_this_machine_answers() -> None:
    others = cores_of_others(0.05)
    assert others is None or 0 <= others <= len(module.core_indices()) + 0.5
