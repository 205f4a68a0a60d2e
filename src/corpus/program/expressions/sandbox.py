"""Symbolic work in a process of its own, with limits of time and memory.

The first request starts the process, which serves all that follow. A request that exceeds a limit
has an error as its outcome, and the next one gets a new process. The process reads and writes text:
programs, expressions, JSON.
"""

import atexit
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from corpus.base.console import warn
from corpus.base.errors import DeviceError
from corpus.program.domain import ProgramOutcome
from corpus.program.language import Program

SECONDS = 2.0
"""Processor time for one program or one comparison, so a busy machine makes no difference."""

MEGABYTES = 1024
"""Of address space, of which sympy takes some 100."""

_PATIENCE = 20.0
"""Wall-clock seconds per allowed second of processor time, after which the process is ended."""

_START_SECONDS = 120.0
_REMEMBERED = 20_000


class Sandbox:
    """One process, started when it is needed and again after it ended."""

    def __init__(self, *, seconds: float = SECONDS, megabytes: int = MEGABYTES) -> None:
        self._seconds, self._megabytes = seconds, megabytes
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str | None] = queue.Queue()
        self._lock = threading.Lock()
        self._warned = False

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request; `{"error": …}` if it exceeded a limit or ended the
        process.
        """
        with self._lock:
            process = self._started()
            assert process.stdin is not None
            try:
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
            except OSError:
                return {"error": self._ended()}
            try:
                answer = self._next(self._seconds * _PATIENCE)
            except BaseException:  # Ctrl-C, say: the next request must not take this one's answer
                self.close()
                raise
            if answer is None:
                return {"error": self._ended()}
            if answer.get("memory"):
                self.close()
                return {"error": f"it took more than {self._megabytes} MB of memory"}
            return answer

    def close(self) -> None:
        """End the process; a later request starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except OSError:
                        pass

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        root = str(Path(__file__).parents[3])
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            # -P: files in the current folder, such as a sympy.py, are not imported.
            [
                sys.executable,
                "-P",
                "-m",
                "corpus.program.expressions.worker",
                str(self._seconds),
                str(self._megabytes),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            text=True,
            encoding="utf-8",
        )
        self._answers = queue.Queue()
        threading.Thread(target=_listen, args=(self._process, self._answers), daemon=True).start()
        try:
            hello = self._next(_START_SECONDS)
        except BaseException:
            self.close()
            raise
        if hello is None or "failed" in hello:
            why = hello["failed"] if hello else self._ended()
            self.close()
            raise DeviceError(
                f"the process for symbolic work does not start ({why}); install the requirements "
                "anew: sympy may be missing"
            )
        if hello["unlimited"] and not self._warned:
            self._warned = True
            missing = " and ".join(hello["unlimited"])
            warn(f"symbolic work runs without a limit of {missing}: this system does not offer one")
        return self._process

    def _next(self, seconds: float) -> dict[str, Any] | None:
        """Return the next answer; None where the process ended or does not answer in time."""
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            return None
        return json.loads(line) if line else None

    def _ended(self) -> str:
        """End the process and say why it gave no answer."""
        process = self._process
        assert process is not None
        try:
            code: int | None = process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            code = None
        self.close()
        if code is None or code == -getattr(signal, "SIGVTALRM", 0):
            return f"it took more than {self._seconds:g} s"
        return f"its process ended with code {code}"


def _listen(process: "subprocess.Popen[str]", answers: "queue.Queue[str | None]") -> None:
    """Put every line into the queue, and None at the end."""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            answers.put(line)
    except (OSError, ValueError):  # closed meanwhile
        pass
    answers.put(None)


_SANDBOX = Sandbox()
atexit.register(_SANDBOX.close)


def execute(program: Program, quantities: Sequence[str]) -> ProgramOutcome[str]:
    """Run `program` on expressions; if it exceeds a limit, its outcome is an error.

    Raises `DeviceError` if no process starts.
    """
    return _execute(str(program), tuple(quantities))


@lru_cache(maxsize=_REMEMBERED)
def _execute(program: str, quantities: tuple[str, ...]) -> ProgramOutcome[str]:
    answer = _SANDBOX.ask({"do": "execute", "program": program, "quantities": quantities})
    error, results = answer["error"], tuple(answer.get("expressions", ()))
    return ProgramOutcome(results[-1] if results and error is None else None, error, results)


@lru_cache(maxsize=_REMEMBERED)
def is_answer(value: str, gold: str, form: str | None = None) -> bool:
    """True if `value` can be shown to be equivalent to `gold` within the limits.

    `form` says how it must be written; see `equivalence.is_answer`.
    """
    answer = _SANDBOX.ask({"do": "compare", "value": value, "gold": gold, "form": form})
    return bool(answer.get("same"))
