"""Ctrl-C and SIGTERM while training: the step that has begun ends, and everything is saved."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from corpus.base.console import say


@contextmanager
def stop_flag() -> Iterator[Callable[[], bool]]:
    """Yield what says whether Ctrl-C or SIGTERM came; a second Ctrl-C stops at once."""
    hit: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        hit.append(number)
        signal.signal(signal.SIGINT, before[signal.SIGINT])
        say("stopping after this step; press Ctrl-C again to stop at once")

    try:
        before = {name: signal.signal(name, note) for name in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread, which alone may handle signals
        yield lambda: False
        return
    try:
        yield lambda: bool(hit)
    finally:
        for name, old in before.items():
            signal.signal(name, old)
