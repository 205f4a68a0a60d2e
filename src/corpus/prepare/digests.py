"""Identity of inputs: the digest of each file's content, so that the same data elsewhere, or
touched, is the same data.

A digest is kept beside the file's size and time of change, and is computed again if one of them
differs.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpus.base.errors import ArtifactError, ConfigError, DataError
from corpus.base.files import read_json, storage_error, write_json

Mark = Callable[[Path], str]
"""Returns what is equal for files of equal content, and differs for others."""


def digest_of(path: Path) -> str:
    """Return the BLAKE2b digest of a file. Raises `DataError` if it cannot be read."""
    with reading(path), open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an error of the system in the block into a `DataError` that names `path`."""
    try:
        yield
    except OSError as error:
        if storage_error(error) is not None:
            raise
        raise DataError(
            f"{path} cannot be read: {error.strerror}. Check the path and its permissions."
        ) from None


def other_data(folder: Path, data: str) -> ConfigError:
    """Return the error for a run that has begun to train with other data than it was given."""
    return ConfigError(
        f"{folder} was prepared from other data than {data} holds. The run has begun to train, so "
        "it keeps its data: give the folder that it was prepared from, or another --out for a new "
        "run."
    )


class ContentDigests:
    """Digests of files, kept in a file.

    Args:
        cache: the file; without it, or if it is damaged, every digest is computed.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._known: dict[str, Any] = {}
        self._used: dict[str, Any] = {}
        if cache.exists():
            try:
                plain = read_json(cache)
            except ArtifactError:
                return
            self._known = plain if isinstance(plain, dict) else {}

    def __call__(self, path: Path) -> str:
        """Return a file's digest. Raises `DataError` if it cannot be read."""
        name = str(Path(path).resolve())
        with reading(path):
            status = Path(path).stat()
        mark = [status.st_size, status.st_mtime_ns]
        known = self._known.get(name)
        if not (isinstance(known, dict) and known.get("mark") == mark and known.get("digest")):
            known = {"mark": mark, "digest": digest_of(path)}
        self._used[name] = self._known[name] = known
        return str(known["digest"])

    def save(self) -> None:
        """Write the digests that were asked for."""
        write_json(self._cache, self._used)
