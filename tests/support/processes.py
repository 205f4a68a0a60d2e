"""`corpus` in processes of its own, which start at once.

Importing torch takes seconds, and the tests start some 150 processes. So the processes are forked
from a server that has imported it all and done nothing else. A test of starting itself, of what
is imported, or of threads, runs `sys.executable` instead.
"""

import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["corpus.cli.commands", "torch._dynamo", "torch.utils.tensorboard", "scipy.stats"]
)


class CorpusProcess:
    """A process that runs `corpus` from the root of the checkout, with the methods of
    `subprocess.Popen` that tests use.

    Args:
        words: what follows `corpus` on the command line.
        first: a Python program that the process runs before.
        environment: variables that are added to the environment of the tests.
    """

    def __init__(
        self,
        words: Sequence[str | Path],
        *,
        first: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = Path(tempfile.mkdtemp())
        self._outputs = [self._folder / name for name in ("stdout", "stderr")]
        self._said: tuple[str, str] | None = None
        arguments = ([*map(str, words)], first, {**(environment or {})}, self._outputs)
        self._process = _context.Process(target=_run, args=arguments, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while the process runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit status, or None while the process runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send the process a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end, and return what the process wrote to standard output and error.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("corpus", timeout or 0.0)
        if self._said is None:
            out, err = (
                path.read_text(encoding="utf-8") if path.exists() else "" for path in self._outputs
            )
            self._said = out, err
            shutil.rmtree(self._folder)
        return self._said


def run_corpus(
    words: Sequence[str | Path],
    *,
    first: str = "",
    environment: Mapping[str, str] | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run `corpus` in a process of its own to its end; `check` asserts that it succeeds."""
    return _finish(CorpusProcess(words, first=first, environment=environment), check)


def run_ranks(
    words: Sequence[str | Path], ranks: int, *, first: str = "", check: bool = True
) -> list[subprocess.CompletedProcess[str]]:
    """Run `corpus` on several ranks of this machine, with the variables that torchrun sets.

    Return how each rank ended; `check` asserts that all succeed.
    """
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    shared = {
        "WORLD_SIZE": str(ranks),
        "LOCAL_WORLD_SIZE": str(ranks),
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": str(port),
    }
    started = [
        CorpusProcess(
            words,
            first=first,
            environment={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(ranks)
    ]
    return [_finish(process, check) for process in started]


def _finish(process: CorpusProcess, check: bool) -> subprocess.CompletedProcess[str]:
    try:
        out, err = process.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    code = process.returncode
    assert code is not None
    assert not check or code == 0, out[-3000:] + err[-3000:]
    return subprocess.CompletedProcess("corpus", code, out, err)


def _run(
    words: list[str], first: str, environment: dict[str, str], outputs: Sequence[Path]
) -> None:
    """Become the process: what `python -m corpus` does once it has started."""
    for descriptor, path in zip((1, 2), outputs):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)
    assert "torch" in sys.modules, "the server could not import what it should have ready"
    os.chdir(ROOT)
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [str(ROOT / "src" / "corpus" / "__main__.py"), *words]
    exec(first, {"__name__": "__main__"})
    from corpus.cli.main import main

    main()
