"""CPU threads: how many, how they wait for each other, and whether other processes need the cores.

OpenMP reads its settings when torch is imported, so nothing here imports torch.
"""

import functools
import os
import re
import time
from dataclasses import dataclass
from enum import StrEnum

from corpus.base.console import console, warn
from corpus.base.units import Budget
from corpus.runtime.cores import core_indices, usable_cores

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Environment variables that say how OpenMP's threads wait."""

SHORT_SPIN = {"GOMP_SPINCOUNT": "1000"}
"""Waiting threads spin for microseconds, then sleep. By default they spin for a millisecond and
hold a core that the thread they wait for may need. libgomp, which torch uses on Linux, sets 1,000
itself if it has more threads than cores. On an idle machine sleeping costs some 5 % of the speed,
beside a busy process spinning costs two thirds (`benchmarks/thread_waiting.py`)."""

WORTH_TRYING_SECONDS = 120.0
"""The smallest clock budget for which trials of precision and threads pay."""

MOST_THREADS = 4096
"""The largest `OMP_NUM_THREADS` that is accepted."""

BUSY = 0.5
"""The machine is busy if other processes use at least this many cores."""

CHECK_SECONDS = 0.2
"""How long other processes are watched. The kernel counts in hundredths of a second."""

_checked: list[bool] = []
"""Not empty once this process has checked whether the machine is busy."""


class ThreadSource(StrEnum):
    """Where a number of threads comes from."""

    SETTING = "runtime.num_threads"
    VARIABLE = "OMP_NUM_THREADS"
    RECORDED = "as in the run's earlier session"
    TRIAL = "the fastest in a trial"
    CORES = "all usable cores"
    SHARE = "the usable cores, divided among ranks"

    @property
    def is_given(self) -> bool:
        """Whether the user chose the number."""
        return self in (ThreadSource.SETTING, ThreadSource.VARIABLE)


@dataclass(frozen=True)
class Threads:
    """A number of threads, and where it comes from."""

    number: int
    source: ThreadSource

    def __str__(self) -> str:
        return f"{self.number} thread{'s' if self.number > 1 else ''} ({self.source})"


def sleep_if_busy() -> None:
    """Let waiting threads sleep soon on a busy machine, unless the user set how they wait.

    Call it before torch is imported. Processes that are started later inherit the setting. Ranks of
    one machine would count each other as other processes, so they keep spinning.
    """
    if os.environ.get("LOCAL_WORLD_SIZE", "1") != "1" or not _may_be_busy():
        return
    if (cores_of_others() or 0.0) >= BUSY:
        _sleep_soon()


def sleep_in_training(budget: Budget) -> None:
    """Let waiting threads sleep soon in a training whose number of threads no trial chooses.

    It cannot make room for processes that start later. Call it before torch is imported.
    """
    if not budget.is_clock or budget.amount < WORTH_TRYING_SECONDS:
        _sleep_soon()


def _sleep_soon() -> None:
    if not any(os.environ.get(name) for name in WAITING):
        os.environ.update(SHORT_SPIN)


def _may_be_busy() -> bool:
    """Return whether watching other processes is worth its time: on an idle machine it is not.

    Their load shows in the average of the last minute, or in the number of running processes,
    which includes this one. False if the system does not say.
    """
    try:
        with open("/proc/loadavg", encoding="ascii") as file:
            average, _, _, running, *_ = file.read().split()
        return float(average) >= BUSY or int(running.partition("/")[0]) > 1
    except (OSError, ValueError):
        return False


def choose_threads(asked: int, *, recorded: int = 0, local_ranks: int = 1) -> Threads:
    """Return the number of threads to compute with.

    Args:
        asked: the setting `runtime.num_threads`; 0 leaves the choice to this function.
        recorded: the number that an earlier session of the same run recorded, or 0.
        local_ranks: the processes that share the cores of this machine.
    """
    if asked:
        return Threads(asked, ThreadSource.SETTING)
    if number := _from_environment():
        return Threads(number, ThreadSource.VARIABLE)
    if recorded:
        return Threads(recorded, ThreadSource.RECORDED)
    source = ThreadSource.CORES if local_ranks == 1 else ThreadSource.SHARE
    return Threads(max(1, usable_cores() // local_ranks), source)


def _from_environment() -> int:
    """Return the number in `OMP_NUM_THREADS`, or 0 where the user set none that can be read.

    torchrun sets the variable to 1 where it starts several processes on a machine, so 1 counts as
    unset there.
    """
    text = os.environ.get("OMP_NUM_THREADS", "").strip()
    if not text or (text == "1" and os.environ.get("LOCAL_WORLD_SIZE", "1") != "1"):
        return 0
    return _read(text)


@functools.cache
def _read(text: str) -> int:
    """Return the first number of a list such as `4,2`, the threads of the outermost loop.

    Warns once, and returns 0, where `text` is no such list.
    """
    numbers = [part.strip() for part in text.split(",")]
    if all(re.fullmatch(r"0*[1-9][0-9]{0,3}", number) for number in numbers):
        first = int(numbers[0])
        if first <= MOST_THREADS:
            return first
    warn(
        f"OMP_NUM_THREADS is {text!r} and counts as unset; expected a number from 1 to "
        f"{MOST_THREADS}, such as OMP_NUM_THREADS=2"
    )
    return 0


def warn_if_busy(threads: int) -> None:
    """Warn, once in a process, if other processes need cores that `threads` threads would use.

    Each parallel loop takes as long as its slowest thread, so one thread that has to wait for its
    core slows down all.
    """
    if threads == 1 or _checked or console.quiet:
        return
    _checked.append(True)
    others, cores = cores_of_others(), len(core_indices())
    if others is None or others < BUSY or threads + others <= cores + BUSY:
        return
    free = max(1, int(cores - others + BUSY))
    warn(
        f"other processes keep {others:.1f} of the {cores} cores busy, and {threads} threads wait "
        f"for each other: fewer are faster now. Set --runtime.num-threads {free}, or "
        f"OMP_NUM_THREADS={free}"
    )


def cores_of_others(seconds: float = CHECK_SECONDS) -> float | None:
    """Return how many of the usable cores other processes keep busy; it takes `seconds`.

    None where the system does not say, as outside Linux.
    """
    before = _busy_seconds()
    own, start = time.process_time(), time.monotonic()
    time.sleep(seconds)
    after = _busy_seconds()
    own, passed = time.process_time() - own, time.monotonic() - start
    if before is None or after is None:
        return None
    return max(0.0, (after - before - own) / passed)


def _busy_seconds() -> float | None:
    """Return the seconds that the usable cores have worked since the machine started."""
    names = {f"cpu{core}" for core in core_indices()}
    try:
        with open("/proc/stat", encoding="ascii") as file:
            lines = [line.split() for line in file]
        # user, nice, system, idle, iowait, irq, softirq, steal; the rest is part of the first two
        counts = [[int(word) for word in line[1:9]] for line in lines if line[0] in names]
    except (OSError, ValueError, IndexError):
        return None
    if not any(map(sum, counts)):
        return None
    return sum(sum(count) - sum(count[3:5]) for count in counts) / os.sysconf("SC_CLK_TCK")
