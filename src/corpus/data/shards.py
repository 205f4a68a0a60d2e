"""Token shards: one memory-mapped file of tokens per source, and where its documents begin.

A folder of shards holds, for each source, `<source>.bin` (little-endian uint16, or uint32 for
vocabularies above 65,536; every document ends with `<|eos|>`) and `<source>.documents.npy` (int64,
the first token of each document), and one `manifest.json` of kind `shards` with counts, sizes and
SHA-256 digests. The manifest is written last and the folder appears whole or not at all.
"""

import hashlib
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from corpus.base.errors import ArtifactError, ConfigError, did_you_mean
from corpus.base.files import atomic_folder, atomic_path, digest_file
from corpus.base.manifest import Manifest, make_key, read_manifest, write_manifest

KIND = "shards"
SOURCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""A source's name is a file's name, so it holds letters, digits, dots, dashes and underscores."""
_FIX = "Delete the prepared folder and prepare the data again."


def token_dtype(vocab_size: int) -> np.dtype:
    """Return the smallest type that holds every id: uint16, or uint32 above 65,536 ids."""
    return np.dtype("<u2") if vocab_size <= 1 << 16 else np.dtype("<u4")


class ShardWriter:
    """Streams the documents of one source into a shard; memory grows by eight bytes a document."""

    def __init__(self, folder: Path, source: str, *, dtype: np.dtype, eos_id: int) -> None:
        if not SOURCE_NAME.fullmatch(source):
            raise ConfigError(
                f"{source!r} cannot name a source; use letters, digits, '.', '-' and '_', and "
                "begin with a letter or digit"
            )
        self._folder, self.source, self._eos = Path(folder), source, np.array([eos_id], dtype=dtype)
        self._dtype, self._hash, self._starts = dtype, hashlib.sha256(), array("q")
        self.num_tokens = self.num_bytes = 0
        self._stack = ExitStack()

    def __enter__(self) -> "ShardWriter":
        self._stack.__enter__()
        self._file = self._stack.enter_context(
            open(self._stack.enter_context(atomic_path(self._path("bin"))), "wb")
        )
        return self

    def add(self, tokens: Sequence[int] | np.ndarray, *, num_bytes: int) -> None:
        """Append one document and its `<|eos|>`; `num_bytes` is its text's length in UTF-8."""
        data = np.concatenate([np.asarray(tokens, dtype=self._dtype), self._eos])
        self._starts.append(self.num_tokens)
        self._file.write(data.data)
        self._hash.update(data.data)
        self.num_tokens += len(data)
        self.num_bytes += num_bytes

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)
        if error[0] is None:
            with (
                atomic_path(self._path("documents.npy")) as temporary,
                open(temporary, "wb") as file,
            ):
                np.save(file, np.frombuffer(self._starts, dtype=np.int64))

    def counts(self) -> dict[str, Any]:
        """Return what the manifest says of this shard; valid once it is closed."""
        documents = self._path("documents.npy")
        return {
            "num_tokens": self.num_tokens,
            "num_documents": len(self._starts),
            "num_bytes": self.num_bytes,
            "files": {path.name: path.stat().st_size for path in (self._path("bin"), documents)},
            "sha256": {
                self._path("bin").name: self._hash.hexdigest(),
                documents.name: digest_file(documents),
            },
        }

    def _path(self, ending: str) -> Path:
        return self._folder / f"{self.source}.{ending}"


class ShardsWriter:
    """Streams documents of several sources, in any order, each into its own shard."""

    def __init__(self, folder: Path, stack: ExitStack, *, dtype: np.dtype, eos_id: int) -> None:
        self._folder, self._stack, self._dtype, self._eos_id = folder, stack, dtype, eos_id
        self.writers: dict[str, ShardWriter] = {}

    def add(self, source: str, tokens: Sequence[int] | np.ndarray, *, num_bytes: int) -> None:
        """Append one document to the shard of `source`."""
        if source not in self.writers:
            writer = ShardWriter(self._folder, source, dtype=self._dtype, eos_id=self._eos_id)
            self.writers[source] = self._stack.enter_context(writer)
        self.writers[source].add(tokens, num_bytes=num_bytes)


@contextmanager
def write_shards(
    folder: Path, *, vocab_size: int, eos_id: int, tokenizer_digest: str = ""
) -> Iterator[ShardsWriter]:
    """Yield a writer; when the block ends without an error, `folder` appears with its manifest."""
    dtype = token_dtype(vocab_size)
    with atomic_folder(folder) as temporary:
        with ExitStack() as stack:
            writer = ShardsWriter(temporary, stack, dtype=dtype, eos_id=eos_id)
            yield writer
        config = {
            "dtype": dtype.name,
            "vocab_size": vocab_size,
            "eos_id": eos_id,
            "tokenizer": tokenizer_digest,
        }
        counts = {source: writer.writers[source].counts() for source in sorted(writer.writers)}
        digests = {
            name: digest for part in counts.values() for name, digest in part["sha256"].items()
        }
        write_manifest(
            temporary,
            Manifest(kind=KIND, key=make_key(KIND, config, digests), config=config, counts=counts),
        )


@dataclass(frozen=True)
class Shard:
    """One source's tokens."""

    source: str
    tokens: np.ndarray
    """[num_tokens] uint16 or uint32, memory-mapped read-only; documents end with `<|eos|>`."""
    documents: np.ndarray
    """[num_documents] int64: the place of each document's first token."""
    num_bytes: int
    """UTF-8 bytes of the text these tokens stand for."""

    @property
    def num_tokens(self) -> int:
        """Tokens, the `<|eos|>` of each document included."""
        return len(self.tokens)

    @property
    def num_documents(self) -> int:
        return len(self.documents)

    def document(self, index: int) -> np.ndarray:
        """Return the tokens of one document, its `<|eos|>` included."""
        end = self.documents[index + 1] if index + 1 < len(self.documents) else len(self.tokens)
        return self.tokens[self.documents[index] : end]

    @classmethod
    def open(cls, folder: Path, source: str, *, verify: bool = True) -> "Shard":
        """Map one source of a folder of shards; see `TokenShards.open`."""
        return TokenShards.open(folder, sources=(source,), verify=verify)[source]


class TokenShards(Mapping[str, Shard]):
    """A folder of shards: source name → `Shard`, in alphabetical order."""

    def __init__(self, folder: Path, manifest: Manifest, shards: Mapping[str, Shard]) -> None:
        self.folder, self.manifest, self._shards = folder, manifest, dict(shards)

    @classmethod
    def open(
        cls, folder: Path, *, sources: Sequence[str] | None = None, verify: bool = True
    ) -> "TokenShards":
        """Map the shards of `folder`, all of them or those named.

        Sizes are always checked; with `verify` the digests as well, which reads every byte once
        (about a second per gigabyte).

        Raises:
            ArtifactError: the manifest or a file is missing, truncated or altered; the message
                names the file and the fix.
        """
        folder = Path(folder)
        manifest = read_manifest(folder, kind=KIND, fix=_FIX)
        for source in sources or ():
            if source not in manifest.counts:
                known = ", ".join(manifest.counts)
                raise ArtifactError(
                    f"{folder} has no source {source!r}, only {known}."
                    f"{did_you_mean(source, manifest.counts)}"
                )
        chosen = sorted(manifest.counts) if sources is None else sources
        return cls(
            folder, manifest, {source: _open(folder, source, manifest, verify) for source in chosen}
        )

    @cached_property
    def tokens(self) -> dict[str, np.ndarray]:
        """The token array of each source."""
        return {source: shard.tokens for source, shard in self._shards.items()}

    @property
    def num_tokens(self) -> int:
        return sum(shard.num_tokens for shard in self._shards.values())

    def __getitem__(self, source: str) -> Shard:
        return self._shards[source]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shards)

    def __len__(self) -> int:
        return len(self._shards)


def _open(folder: Path, source: str, manifest: Manifest, verify: bool) -> Shard:
    counts = manifest.counts[source]
    try:
        for name, size in counts["files"].items():
            _check(folder / name, size, counts["sha256"][name] if verify else None)
        dtype = np.dtype(manifest.config["dtype"]).newbyteorder("<")
        path = folder / f"{source}.bin"
        tokens = (
            np.memmap(path, dtype=dtype, mode="r")
            if counts["num_tokens"]
            else np.empty(0, dtype=dtype)
        )
        documents = np.load(folder / f"{source}.documents.npy", allow_pickle=False)
        return Shard(
            source=source, tokens=tokens, documents=documents, num_bytes=counts["num_bytes"]
        )
    except (KeyError, TypeError, AttributeError, ValueError, EOFError) as error:
        raise ArtifactError(
            f"the manifest of {folder} does not describe {source} ({error!r}). {_FIX}"
        ) from None


def _check(path: Path, size: int, digest: str | None) -> None:
    if not path.exists():
        raise ArtifactError(f"{path} is missing, but the manifest lists it. {_FIX}")
    if path.stat().st_size != size:
        kind = "truncated" if path.stat().st_size < size else "longer than it was"
        raise ArtifactError(
            f"{path} is {kind}: {path.stat().st_size:,} bytes, the manifest says {size:,}. {_FIX}"
        )
    if digest is not None and digest_file(path) != digest:
        raise ArtifactError(
            f"{path} was altered: its SHA-256 is not the one in the manifest. {_FIX}"
        )
