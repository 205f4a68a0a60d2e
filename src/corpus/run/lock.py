"""One process at a time works on a run folder."""

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from corpus.base.console import warn
from corpus.base.errors import ArtifactError
from corpus.base.files import storage_errors
from corpus.run.folder import RunFolder

_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL}
"""Error numbers of file systems without locks, such as some network file systems."""


class Busy(ArtifactError):
    """Another process works on the folder."""


@contextmanager
def claimed(folder: RunFolder, *, wait: bool = False) -> Iterator[None]:
    """Lock a run folder; of several ranks, the main one locks it for all.

    The system releases the lock when the process ends, however it ends. Raises `Busy` if another
    process holds it, unless this one is to `wait`, and `ArtifactError` if the folder holds a link.
    """
    if not folder.writes:
        yield
        return
    with storage_errors(folder.lock):
        folder.refuse_links()
        folder.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.lock)
        try:
            lock.acquire(blocking=wait)
        except Timeout:
            raise Busy(
                f"another process{_owner(folder)} is working on {folder.path}. Wait until it "
                "ends, or start another run with another --out."
            ) from None
        except (NotImplementedError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
                raise
            warn(
                f"the file system of {folder.path} has no locks: make sure that only one process "
                "works on the folder at a time"
            )
    try:
        with contextlib.suppress(OSError):
            folder.lock.write_text(f"{os.getpid()}\n")
        yield
    finally:
        lock.release()


def _owner(folder: RunFolder) -> str:
    """Return ` (pid N)`, or nothing if the system forbids reading a locked file."""
    with contextlib.suppress(OSError):
        if number := folder.lock.read_text().strip():
            return f" (pid {number})"
    return ""
