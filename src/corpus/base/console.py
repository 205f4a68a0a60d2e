"""Terminal output: plain lines, and progress with a rate and the time left."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from corpus.base.units import format_count, format_duration
from corpus.base.visible import visible

console = Console(highlight=False, soft_wrap=True)

REPORT_SECONDS = 15.0
"""Time between two lines of progress where there is no terminal."""


def be_quiet() -> None:
    """Print nothing from now on: the main rank prints for all."""
    console.quiet = True


@contextmanager
def quiet() -> Iterator[None]:
    """Print nothing in the `with` block."""
    before, console.quiet = console.quiet, True
    try:
        yield
    finally:
        console.quiet = before


def say(message: str = "", *, style: str | None = None) -> None:
    """Print one line for the user; square brackets are not markup."""
    console.print(Text(visible(message), style=style or ""))


def warn(message: str) -> None:
    """Print a warning for the user."""
    say(f"warning: {message}", style="yellow")


class Task:
    """A piece of work that reports its progress."""

    def __init__(
        self, label: str, total: float | None, unit: str, bar: Progress | None, begun: float = 0.0
    ) -> None:
        label = visible(label)
        self._label, self._total, self._unit, self._bar = label, total, unit, bar
        self._done = self._begun = begun
        self._start = self._printed = time.monotonic()
        self._id = bar.add_task(label, total=total, rate="") if bar else None
        if bar is not None and self._id is not None:
            bar.reset(self._id, completed=int(begun))

    def advance(self, amount: float = 1, *, note: str = "") -> None:
        """Add `amount` of work done; `note` is shown at the end of the line."""
        self.update(self._done + amount, note=note)

    def update(self, done: float, *, total: float | None = None, note: str = "") -> None:
        """Set the work done so far, and the total once it is known."""
        self._done, self._total = done, self._total if total is None else total
        seconds, own = time.monotonic() - self._start, self._done - self._begun
        rate = f"{format_count(own / seconds)} {self._unit}/s" if seconds > 0 and self._unit else ""
        text = " · ".join(part for part in (rate, note) if part)
        if self._bar is not None and self._id is not None:
            self._bar.update(self._id, completed=done, total=self._total, rate=text)
        elif time.monotonic() - self._printed > REPORT_SECONDS:
            self._printed = time.monotonic()
            left = ""
            if self._total and own > 0:
                rest = format_duration(seconds * (self._total - done) / own)
                left = f" · {done / self._total:.0%} · {rest} left"
            say(f"  {self._label}{left} · {text}")


@contextmanager
def progress(
    label: str, total: float | None = None, unit: str = "", *, begun: float = 0.0
) -> Iterator[Task]:
    """Show progress: a live bar in a terminal, else a line every 15 seconds.

    `begun` is the work that an earlier session did; rate and time left do not count it.
    """
    if not sys.stdout.isatty():
        yield Task(label, total, unit, None, begun)
        return
    label_column, rate_column = (
        TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[rate]}")
    )
    columns = (SpinnerColumn(), label_column, BarColumn(bar_width=24), rate_column)
    with Progress(
        *columns,
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as bar:
        yield Task(label, total, unit, bar, begun)
