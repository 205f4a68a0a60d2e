"""The lock on a run folder: one process at a time, and none after a process that was killed."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from corpus.base.errors import ArtifactError
from corpus.run.folder import RunFolder
from corpus.run.lock import claimed

HOLD = """
import sys, time
from pathlib import Path
from corpus.run.lock import claimed
from corpus.run.folder import RunFolder
with claimed(RunFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(600)
"""


def test_another_process_is_refused_by_number_until_the_first_is_gone(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        refused = pytest.raises(
            ArtifactError,
            match=rf"another process \(pid {holder.pid}\) is working on .*another --out",
        )
        with refused, claimed(RunFolder(tmp_path)):
            pytest.fail("two processes hold it")
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with claimed(RunFolder(tmp_path)):
            assert RunFolder(tmp_path).lock.read_text() == f"{os.getpid()}\n"


def test_it_is_let_go_after_an_error_and_only_the_writing_rank_takes_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(ZeroDivisionError), claimed(folder):
        raise ZeroDivisionError
    with claimed(folder), claimed(RunFolder(tmp_path, writes=False)):
        assert folder.lock.exists()


@pytest.mark.parametrize(
    "answer", [OSError(errno.ENOLCK, "No locks available"), NotImplementedError("no flock")]
)
def test_a_file_system_without_locks_is_used_with_a_warning(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: Exception,
) -> None:
    def acquire(*_: object, **__: object) -> None:
        raise answer

    monkeypatch.setattr(FileLock, "acquire", acquire)
    with claimed(RunFolder(tmp_path)):
        pass
    assert "has no locks" in capsys.readouterr().out
