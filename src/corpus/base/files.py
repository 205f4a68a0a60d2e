"""Files that are complete or absent: atomic writes, digests, JSON in and out."""

import errno
import hashlib
import json
import os
import platform
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from corpus.base.errors import ArtifactError, CorpusError, StorageError
from corpus.base.json_values import parse_own

_Record = TypeVar("_Record")

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_UNREACHED = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO),
    *(errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP),
}
_REFUSED = _UNREACHED | {errno.EEXIST, errno.ENOENT}
_NO_TEMPORARY = "No usable temporary directory"
_RUST_ERROR = re.compile(r"\(os error (\d+)\)")
_SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn a full disk, or a `path` that cannot be written, into a `StorageError`."""
    try:
        yield
    except CorpusError:
        raise
    except Exception as error:
        code = _error_code(error)
        if code in _FULL:
            raise StorageError(
                f"the disk holding {path} is full. What was saved before is intact; free some "
                "space and run the same command again."
            ) from error
        if code in _REFUSED and _concerns(error, Path(path)):
            raise StorageError(
                f"cannot write {path}: {os.strerror(code)}. Choose another folder, or change its "
                "permissions."
            ) from error
        raise


def storage_error(error: Exception) -> StorageError | None:
    """Return the error for the user if a full or closed disk caused `error`, else None."""
    code, name = _error_code(error), getattr(error, "filename", None)
    place = f" ({name})" if name else ""
    if code in _FULL or (code == errno.ENOENT and _NO_TEMPORARY in str(error)):
        reason = os.strerror(code) if code in _FULL else error.args[-1]
        return StorageError(
            f"a disk is full, so nothing more can be written{place}: {reason}. What was saved "
            "before is intact; free some space and run the same command again."
        )
    if code in (errno.EMFILE, errno.ENFILE):
        return StorageError(
            f"too many open files{place}: each source of text needs two. Raise the limit (ulimit "
            "-n 4096), or put the text into fewer folders."
        )
    if code in _UNREACHED and name:
        return StorageError(
            f"cannot use {name}: {os.strerror(code)}. Check the path and its permissions, or give "
            "another one."
        )
    return None


def _error_code(error: Exception) -> int:
    """Return the system's number of an error, 0 if it has none.

    The errors of safetensors and tokenizers have it in their text only; NumPy's for a short write
    have none.
    """
    if isinstance(error, OSError) and error.errno:
        return error.errno
    if match := _RUST_ERROR.search(str(error)):
        return int(match[1])
    return errno.ENOSPC if isinstance(error, OSError) and _SHORT_WRITE.search(str(error)) else 0


def _concerns(error: Exception, path: Path) -> bool:
    """True unless the error names a file elsewhere, such as an input that cannot be read."""
    name = getattr(error, "filename", None)
    if not isinstance(name, (str, Path)):
        return True
    there, folder = Path(name).absolute(), path.absolute().parent
    return there.is_relative_to(folder) or folder.is_relative_to(there)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` if the block ends without an error.

    It is flushed to disk before the rename, so after a crash `path` is the old file or the new
    one, never a part.
    """
    path = Path(path)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(path)
        try:
            yield temporary
            _sync_file(temporary)
            os.replace(temporary, path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def require_writable(path: Path) -> None:
    """Raise `StorageError` if `path` cannot be written; for use before long work."""
    path = Path(path)
    with storage_errors(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(path)
        temporary.touch()
        temporary.unlink()


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` if the block ends without an error.

    An older folder is moved aside and deleted last. A crash between the two renames can leave
    neither, never a mixture.
    """
    path = Path(path)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(path)
        temporary.mkdir()
        try:
            yield temporary
            for entry in temporary.rglob("*"):
                if entry.is_file():
                    _sync_file(entry)
                else:
                    sync_folder(entry)
            sync_folder(temporary)
            _swap_in(temporary, path)
            sync_folder(path.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def restore_retired(folder: Path) -> None:
    """Rename back the folders that a crash between the renames of `atomic_folder` left aside."""
    for retired in folder.glob(".*.old.*.tmp"):
        name = retired.name[1 : retired.name.rindex(".old.")]
        if not (folder / name).exists():
            os.replace(retired, folder / name)


def _swap_in(temporary: Path, path: Path) -> None:
    if not path.is_dir():
        os.replace(temporary, path)
        return
    retired = path.with_name(f".{path.name}.old.{_owner()}.tmp")
    os.replace(path, retired)
    try:
        os.replace(temporary, path)
    except OSError:
        os.replace(retired, path)
        raise
    shutil.rmtree(retired, ignore_errors=True)


def _owner() -> str:
    """Return host and process number: a unique name on a disk that machines share."""
    host = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
    return f"{host}-{os.getpid()}"


def _temporary(path: Path) -> Path:
    """Return a hidden name beside `path`; delete what killed processes of this machine left."""
    host, own = _owner().split("-")
    for leftover in path.parent.glob(f".*.{host}-*.tmp"):
        number = leftover.stem.rpartition("-")[2]
        stale = (
            leftover.name.startswith(f".{path.name}.") if number == own else not _is_running(number)
        )
        if stale:
            _remove(leftover)
    return path.with_name(f".{path.name}.{host}-{own}.tmp")


def _is_running(number: str) -> bool:
    """True if a process with this number may exist. Only POSIX can be asked safely."""
    if os.name != "posix" or not number.isdigit():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync_file(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, if the platform can open a folder."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8 with unchanged line ends."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def write_lines(path: Path, values: Iterable[Any]) -> None:
    """Write one JSON value a line to `path` atomically."""
    write_text(path, "".join(json.dumps(value) + "\n" for value in values))


def read_lines(path: Path, read: Callable[[Any], _Record], *, what: str, fix: str) -> list[_Record]:
    """Read one JSON value a line, each turned into a record by `read`.

    Raises `ArtifactError` naming file, line and `fix` where the file is missing or damaged; `what`
    says what a line is, such as "a problem".
    """
    records: list[_Record] = []
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                records.append(read(parse_own(line)))
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror}. {fix}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(
            f"{path} line {len(records) + 1} is not {what} ({error}). {fix}"
        ) from None
    return records


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` atomically, as indented JSON with a final newline."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can hold
        text = json.dumps(value, indent=2)
    write_text(path, text + "\n")


def read_json(path: Path, *, fix: str = "") -> Any:
    """Read a JSON file that Corpus wrote. `fix` replaces what the errors advise.

    Raises `ArtifactError` if it is missing, unreadable or not JSON.
    """
    try:
        return parse_own(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(
            f"{path} is missing. {fix or 'Run the stage that writes it, or check the path.'}"
        ) from None
    except NotADirectoryError:
        raise ArtifactError(
            f"{path} cannot be read: a part of that path is a file, not a folder."
        ) from None
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be read: {error.strerror}. Check its permissions, and that it is a "
            "file."
        ) from None
    except ValueError as error:  # also of text that is not UTF-8
        fix = fix or "Delete it and run the stage that writes it again."
        raise ArtifactError(f"{path} is damaged ({error}). {fix}") from None


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_json(value: Any) -> str:
    """Return the SHA-256 of a JSON value, whatever the order of its keys; others count as text."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
