"""Metrics of training: one JSON object per line in `metrics.jsonl`, and TensorBoard's files.

`read_metrics` returns the lines, `read_history` the same as typed records. Neither loads torch.
"""

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.base.console import warn
from corpus.base.errors import ArtifactError
from corpus.base.files import storage_errors, sync_folder, write_text

PHASES = ("pretrain", "finetune")
"""The phases that write metrics, in the order in which they run."""

KINDS = ("train", "reward", "validation", "event")

Line = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class TrainPoint:
    """Training loss since the line before; `tokens` and `consumed` add up within the phase.

    `seconds` is the training clock of the run. The learning rate is NaN in a phase's last line.
    """

    phase: str
    step: int
    seconds: float
    tokens: float
    loss: float
    learning_rate: float
    consumed: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class ValidationPoint:
    """Held-out loss (nats per token) and next-token accuracy by source at one step."""

    phase: str
    step: int
    seconds: float
    tokens: float
    loss: dict[str, float]
    accuracy: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class TrainingEvent:
    """Something out of the ordinary: a fallback, a skipped step, a resumption."""

    phase: str
    step: int
    seconds: float
    name: str
    message: str


@dataclass(frozen=True, kw_only=True)
class History:
    """All metrics of a run, in the order in which they were written."""

    train: tuple[TrainPoint, ...] = ()
    validation: tuple[ValidationPoint, ...] = ()
    events: tuple[TrainingEvent, ...] = ()


class Metrics:
    """Appends to `metrics.jsonl` and TensorBoard's event files in a run folder."""

    def __init__(self, run: Path, *, writes: bool = True) -> None:
        """Without `writes`, as on all but the first of several ranks, nothing is written."""
        self._writes = writes
        self._path, self._board_folder = run / "metrics.jsonl", run / "tensorboard"
        self._boards: dict[str, Any] = {}

    @property
    def num_bytes(self) -> int:
        """The size of `metrics.jsonl`; a checkpoint stores it, so that later lines can be cut."""
        return self._path.stat().st_size if self._path.exists() else 0

    def flush(self) -> int:
        """Flush `metrics.jsonl` to disk and return its size.

        Else a power loss could keep a checkpoint and lose the lines before it.
        """
        if self._writes and self._path.exists():
            with storage_errors(self._path), open(self._path, "rb+") as file:
                os.fsync(file.fileno())
            sync_folder(self._path.parent)
        return self.num_bytes

    def truncate(self, num_bytes: int) -> None:
        """Drop what was written after a checkpoint: the resumed run writes it again.

        A shorter file, which a power loss can leave, is cut back to its last whole line.
        """
        self.close()
        if not self._writes or not self._path.exists():
            return
        kept = _whole_lines(self._path.read_bytes()[:num_bytes])
        if kept < num_bytes:
            warn(f"{self._path} lost its last lines in a crash; training does not need them")
        os.truncate(self._path, kept)

    def drop_phase(self, phase: str) -> None:
        """Drop every line of `phase` and of later phases: it starts from the beginning.

        Damaged lines are dropped too.
        """
        self.close()
        if not self._writes or not self._path.exists():
            return
        earlier, kept, damaged = PHASES[: PHASES.index(phase)], "", 0
        for text in self._path.read_bytes().split(b"\n")[:-1]:
            line = _line(text)
            damaged += line is None
            if line is not None and line.get("phase") in earlier:
                kept += json.dumps(line) + "\n"
        if damaged:
            warn(f"{self._path}: {damaged} damaged lines are dropped")
        write_text(self._path, kept)

    def write(self, kind: str, *, phase: str, step: int, seconds: float, **values: Any) -> None:
        """Append one line."""
        if not self._writes:
            return
        line = {"kind": kind, "phase": phase, "step": step, "seconds": round(seconds, 3), **values}
        with storage_errors(self._path), open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if kind != "event":
            with storage_errors(self._board_folder):
                self._to_board(line)

    def _to_board(self, line: Line) -> None:
        board = self._board(line["phase"], line["step"])
        for name in ("loss", "accuracy", "learning_rate", "gradient_norm", "tokens_per_second"):
            value = line.get(name)
            is_group = isinstance(value, dict)
            values = {f"/{key}": item for key, item in value.items()} if is_group else {"": value}
            for suffix, number in values.items():
                if number is not None:
                    board.add_scalar(f"{line['kind']}/{name}{suffix}", number, line["step"])

    def _board(self, phase: str, step: int) -> Any:
        """Return the phase's TensorBoard run.

        Opened after a resume, it hides what the earlier session wrote from `step` on.
        """
        if phase not in self._boards:
            from torch.utils.tensorboard.writer import SummaryWriter

            self._boards[phase] = SummaryWriter(
                str(self._board_folder / phase), flush_secs=30, purge_step=step
            )
        return self._boards[phase]

    def close(self) -> None:
        """Flush and close TensorBoard's files."""
        boards, self._boards = list(self._boards.values()), {}
        with storage_errors(self._board_folder):
            for board in boards:
                board.close()


def _whole_lines(data: bytes) -> int:
    """Return the number of bytes up to the end of the last line that is a JSON object."""
    end = data.rfind(b"\n") + 1
    while end and _line(data[data.rfind(b"\n", 0, end - 1) + 1 : end - 1]) is None:
        end = data.rfind(b"\n", 0, end - 1) + 1
    return end


def _line(text: bytes) -> Line | None:
    """Return the JSON object in a line, or None if it is damaged."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def read_metrics(path: Path) -> list[Line]:
    """Return the lines of `metrics.jsonl`, each with a known `kind` and `phase`.

    A last line without its newline was cut by a crash and is left out. Raises `ArtifactError`
    naming any other line that is damaged.
    """
    return [line for _, line in _lines(path)]


def read_history(path: Path) -> History:
    """Return the typed metrics of a run.

    A loss or rate that was not finite is NaN or infinite. Raises `ArtifactError` naming the line
    that is damaged, and in it the number that is missing or of another type.
    """
    train, validation, events = [], [], []
    for where, line in _lines(path):
        moment: Line = {
            "phase": line["phase"],
            "step": int(_finite(line, "step", where)),
            "seconds": _finite(line, "seconds", where),
        }
        if line["kind"] == "train":
            train.append(
                TrainPoint(
                    **moment,
                    tokens=_finite(line, "tokens", where),
                    loss=_number(line, "loss", where),
                    learning_rate=_number({"learning_rate": None, **line}, "learning_rate", where),
                    consumed=_by_source(line, "consumed", where, _finite),
                )
            )
        elif line["kind"] == "validation":
            validation.append(
                ValidationPoint(
                    **moment,
                    tokens=_finite(line, "tokens", where),
                    loss=_by_source(line, "loss", where, _number),
                    accuracy=_by_source(line, "accuracy", where, _number),
                )
            )
        elif line["kind"] == "event":
            name, message = str(line.get("name", "event")), str(line.get("message", ""))
            events.append(TrainingEvent(**moment, name=name, message=message))
    return History(train=tuple(train), validation=tuple(validation), events=tuple(events))


def _lines(path: Path) -> list[tuple[str, Line]]:
    """Return (where, line) for each line of `metrics.jsonl`."""
    found = []
    for number, text in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        where = f"{path}, line {number}"
        try:
            line = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ArtifactError(f"{where} is damaged ({error}). Delete that line.") from None
        if not isinstance(line, dict):
            raise ArtifactError(
                f"{where} holds {type(line).__name__}, expected a JSON object. Delete that line."
            )
        for name, known in (("kind", KINDS), ("phase", PHASES)):
            if line.get(name) not in known:
                raise ArtifactError(
                    f"{where} has {name} {line.get(name)!r}, expected {' or '.join(known)}. "
                    "Delete that line."
                )
        found.append((where, line))
    return found


def _number(line: Line, name: str, where: str) -> float:
    """Return the number called `name`; null, NaN and Infinity stand for one that is not finite."""
    value = line.get(name, ...)
    if value is None:
        return math.nan
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:  # an integer of more than 308 digits
            return math.inf
    given = "missing" if value is ... else repr(value)
    raise ArtifactError(f"{where}: {name} is {given}, expected a number. Delete that line.")


def _finite(line: Line, name: str, where: str) -> float:
    """Return the finite number called `name`."""
    value = _number(line, name, where)
    if not math.isfinite(value):
        raise ArtifactError(
            f"{where}: {name} is {value}, expected a finite number. Delete that line."
        )
    return value


def _by_source(
    line: Line, name: str, where: str, read: Callable[[Line, str, str], float]
) -> dict[str, float]:
    group = line.get(name, {})
    if not isinstance(group, dict):
        raise ArtifactError(
            f"{where}: {name} is {group!r}, expected an object of numbers by source. "
            "Delete that line."
        )
    return {source: read(group, source, where) for source in group}
