"""Competitors in processes of their own, which run a few steps at a time, in turn.

A machine that is shared gets slower and faster by the minute. So nobody runs to the end before the
next one starts: each runs one turn, then waits, and all have met the same weather. The figures
compared are ratios within a round.
"""

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any


class Over(Exception):
    """Raised in a competitor when the contest has ended."""


class Turn:
    """A competitor's side: it calls this after every step, and is held here while others run."""

    def __init__(self, connection: Connection, *, steps: int, warmup: int) -> None:
        self._connection, self.steps, self._left = connection, steps, warmup
        self.notes: dict[str, Any] = {}
        """Sent along with the next report; `seconds` in it replaces the time of the turn."""
        self.report: Callable[[], dict[str, Any]] = dict
        """Called at the end of a turn, when its time has been taken; what it returns is sent
        along."""
        self._began = time.perf_counter()

    def __call__(self) -> None:
        """Count a step; at the end of a turn, report and wait. Raises `Over` at the end of the
        contest."""
        self._left -= 1
        if self._left:
            return
        seconds = time.perf_counter() - self._began
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self._connection.send(
            {"seconds": seconds, "memory_mb": memory, **self.notes, **self.report()}
        )
        try:
            answer = self._connection.recv()
        except EOFError:  # the one who holds the contest has gone
            raise Over from None
        if answer == "over":
            raise Over
        self._left, self._began = self.steps, time.perf_counter()


@dataclass(kw_only=True)
class Competitor:
    """Somebody who can run steps."""

    name: str
    run: Callable[..., None]
    """Called as run(turn, threads=…, **settings) in a new process; calls `turn()` after each step,
    for ever."""
    threads: int
    settings: dict[str, Any] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    """Of each turn."""
    reports: list[dict[str, Any]] = field(default_factory=list)
    """Of each turn, that of the warm-up first."""

    def start(self, *, steps: int, warmup: int) -> None:
        """Start the process and wait until it is warm."""
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(there, steps, warmup, self.run, self.threads, self.settings)
        )
        self._process.start()
        there.close()
        self._receive()

    def turn(self) -> float:
        """Let it run one turn and return its seconds."""
        self._here.send("go")
        self.seconds.append(self._receive()["seconds"])
        return self.seconds[-1]

    def end(self) -> None:
        """End the process."""
        self._here.send("over")
        self._process.join()

    def _receive(self) -> dict[str, Any]:
        try:
            self.reports.append(self._here.recv())
        except EOFError:
            raise SystemExit(f"{self.name} died; its own message stands above") from None
        return self.reports[-1]

    @property
    def memory_mb(self) -> float:
        """Peak memory of the process, in megabytes."""
        return self.reports[-1]["memory_mb"]

    @property
    def median(self) -> float:
        """Median seconds of a turn."""
        return statistics.median(self.seconds)


def _serve(
    connection: Connection,
    steps: int,
    warmup: int,
    run: Callable[..., None],
    threads: int,
    settings: dict[str, Any],
) -> None:
    import torch

    torch.set_num_threads(threads)
    try:
        run(Turn(connection, steps=steps, warmup=warmup), threads=threads, **settings)
    except Over:
        pass


def fastest(
    candidates: Sequence[Competitor], *, steps: int, warmup: int, turns: int = 3
) -> Competitor:
    """Return the candidate whose best turn is the shortest, not running, its record empty; the
    others are ended."""
    for candidate in candidates:
        candidate.start(steps=steps, warmup=warmup)
    for _ in range(turns):
        for candidate in candidates:
            candidate.turn()
    for candidate in candidates:
        candidate.end()
    best = min(candidates, key=lambda candidate: min(candidate.seconds))
    best.seconds, best.reports = [], []
    return best


def hold(competitors: Sequence[Competitor], *, steps: int, warmup: int, rounds: int) -> None:
    """Run `rounds` rounds in which every competitor has one turn; the order alternates."""
    for competitor in competitors:
        competitor.start(steps=steps, warmup=warmup)
    for number in range(rounds):
        for competitor in competitors if number % 2 == 0 else reversed(competitors):
            competitor.turn()
    for competitor in competitors:
        competitor.end()


def ratios(ours: Competitor, peer: Competitor) -> list[float]:
    """Return how many times as fast as `peer` we were, round by round."""
    return [theirs / own for own, theirs in zip(ours.seconds, peer.seconds)]


def spread(values: Sequence[float]) -> str:
    """Return the median and the quartiles around it, as text."""
    if len(values) < 2:
        return f"{values[0]:.2f}"
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} ({low:.2f}-{high:.2f})"
