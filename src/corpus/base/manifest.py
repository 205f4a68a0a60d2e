"""The manifest of an artifact: what it is, what it was made from, what it holds, what it took."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.base.errors import ArtifactError, ConfigError
from corpus.base.files import digest_json, read_json, write_json
from corpus.base.plain import from_plain, to_plain

FORMAT = 1
NAME = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a folder holds. `key` is the digest of config and inputs: an equal key means done."""

    kind: str
    key: str
    config: dict[str, Any]
    inputs: dict[str, str] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    format: int = FORMAT


def make_key(kind: str, config: Any, inputs: dict[str, str]) -> str:
    """Return the digest that decides whether the work of a stage is done."""
    return digest_json({"kind": kind, "format": FORMAT, "config": config, "inputs": inputs})


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` last: a folder without it is unfinished."""
    write_json(Path(folder) / NAME, to_plain(manifest))


def read_manifest(folder: Path, *, kind: str, fix: str = "") -> Manifest:
    """Read a folder's manifest. `fix` replaces what the errors advise.

    Raises `ArtifactError` if it is missing, damaged, of another kind or of another format.
    """
    path = Path(folder) / NAME
    plain = read_json(path, fix=fix)
    found = plain.get("kind") if isinstance(plain, dict) else None
    if found != kind:
        fix = fix or "Give the right folder, or write to another one."
        raise ArtifactError(f"{folder} holds {found!r}, expected {kind!r}. {fix}")
    if plain.get("format") != FORMAT:
        raise ArtifactError(
            f"{folder} has format {plain.get('format')!r}; this version of Corpus reads {FORMAT}. "
            f"{fix or 'Make it again.'}"
        )
    try:
        return from_plain(Manifest, plain, where=str(path))
    except ConfigError as error:
        fix = fix or "Delete it and run the stage that writes it again."
        raise ArtifactError(f"{path} is damaged: {error}. {fix}") from None


def is_done(folder: Path, *, kind: str, key: str) -> bool:
    """True if `folder` holds the finished artifact with this key."""
    exists = (Path(folder) / NAME).exists()
    return exists and read_manifest(folder, kind=kind).key == key
