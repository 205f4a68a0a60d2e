"""What happened, step by step: one JSON object a line, and the same numbers for TensorBoard."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpus.base.errors import ArtifactError
from corpus.base.files import storage_errors, write_text

PHASES = ("pretrain", "finetune")


class Metrics:
    """Appends to `metrics.jsonl` and TensorBoard's event files in a run folder."""

    def __init__(self, run: Path, *, writes: bool = True) -> None:
        """With `writes` off, as on all but the first of several ranks, nothing is written."""
        self._writes = writes
        self._path, self._board_folder = run / "metrics.jsonl", run / "tensorboard"
        self._boards: dict[str, Any] = {}

    @property
    def num_bytes(self) -> int:
        """The size of `metrics.jsonl` now; a checkpoint remembers it, so that what was written after it can be dropped."""
        return self._path.stat().st_size if self._path.exists() else 0

    def truncate(self, num_bytes: int) -> None:
        """Drop what was written after a checkpoint: the resumed run writes it again."""
        self.close()
        if self._writes and self.num_bytes > num_bytes:
            os.truncate(self._path, num_bytes)

    def drop_phase(self, phase: str) -> None:
        """Drop every line of `phase` and the phases after it: it starts again from nothing."""
        self.close()
        if self._writes and self._path.exists():
            kept = [
                line
                for line in read_metrics(self._path)
                if PHASES.index(line["phase"]) < PHASES.index(phase)
            ]
            write_text(self._path, "".join(json.dumps(line) + "\n" for line in kept))

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

    def _to_board(self, line: dict[str, Any]) -> None:
        board = self._board(line["phase"], line["step"])
        for name in ("loss", "accuracy", "learning_rate", "gradient_norm", "tokens_per_second"):
            value = line.get(name)
            values = (
                {f"/{key}": item for key, item in value.items()}
                if isinstance(value, dict)
                else {"": value}
            )
            for suffix, number in values.items():
                if number is not None:
                    board.add_scalar(f"{line['kind']}/{name}{suffix}", number, line["step"])

    def _board(self, phase: str, step: int) -> Any:
        """One TensorBoard run a phase; opened anew after a resume, it hides what the earlier session wrote from `step` on."""
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


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Read `metrics.jsonl`; a last line cut short by a crash is left out. Raises `ArtifactError` where another line is damaged."""
    lines: Sequence[bytes] = path.read_bytes().splitlines()
    parsed = []
    for number, text in enumerate(lines, start=1):
        try:
            line = json.loads(text)
            if not isinstance(line, dict) or line.get("phase") not in PHASES:
                raise ValueError("it is not a line of metrics")
            parsed.append(line)
        except ValueError as error:
            if number == len(lines) and isinstance(
                error, (json.JSONDecodeError, UnicodeDecodeError)
            ):
                break
            raise ArtifactError(
                f"{path} line {number} is damaged ({error}); delete that line and run the command again"
            ) from None
    return parsed
