"""How many cores this process may use: the cores it may run on, and the limit of its container.

`docker --cpus 2` leaves all cores visible and limits the processor time that the processes get
together. More threads than that time is enough for are paused in the middle of their work.
"""

import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """Return the number of cores this process may use at a time, at least 1.

    A limit of 2.5 cores is 2: a third thread would be paused half of the time, and the others wait
    for it.
    """
    visible, limit = len(core_indices()), cpu_limit()
    return visible if limit is None else max(1, min(visible, int(limit)))


def core_indices() -> set[int]:
    """Return the indices of the cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def cpu_limit() -> float | None:
    """Return the limit of this process's cgroup and of those around it, in cores; None without one.

    Versions 1 and 2 of cgroups are read. Within a container, the path of the own group may not be
    visible; then the root of the visible ones is the container's.
    """
    try:
        lines = OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    limits = []
    for line in lines:
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if number == "0":
            limits += [_second_version(folder) for folder in _around(CGROUPS, path)]
        elif "cpu" in controllers.split(","):
            for root in (CGROUPS / controllers, CGROUPS / "cpu"):
                limits += [_first_version(folder) for folder in _around(root, path)]
    return min((limit for limit in limits if limit is not None), default=None)


def _around(root: Path, path: str) -> list[Path]:
    """Return the folders from `root` to `path` below it."""
    parts = [part for part in path.split("/") if part and part != ".."]
    return [root.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]


def _second_version(folder: Path) -> float | None:
    """Return the limit in `cpu.max`: `200000 100000`, or `max 100000` without one."""
    return _ratio(_words(folder / "cpu.max"))


def _first_version(folder: Path) -> float | None:
    """Return the limit in two files; the quota is -1 without one."""
    return _ratio([*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")])


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return []


def _ratio(words: list[str]) -> float | None:
    if len(words) != 2 or not all(word.isdecimal() for word in words) or not int(words[1]):
        return None
    return int(words[0]) / int(words[1])
