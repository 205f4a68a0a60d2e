"""A folder of plain text files: each file is a document, and the folder's name is the source's."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from corpus.base.errors import DataError
from corpus.prepare.document import Advance, Document, Split, format_size, mark_of

PROSE = frozenset(
    f".{ending}" for ending in ["txt", "text", "md", "markdown", "rst", "org", "adoc", "tex"]
)
CODE = frozenset(
    f".{ending}"
    for ending in [
        "py",
        "pyi",
        "c",
        "h",
        "cc",
        "cpp",
        "hpp",
        "java",
        "js",
        "ts",
        "go",
        "rs",
        "rb",
        "jl",
        "r",
        "sh",
        "sql",
        "scala",
        "kt",
        "swift",
        "php",
        "pl",
        "lua",
        "hs",
        "ml",
        "lean",
        "v",
    ]
)
ENDINGS = PROSE | CODE
"""Endings of files that are text as they stand."""


def is_plain_text_file(path: Path) -> bool:
    """True where the name ends as plain text files do."""
    return path.suffix.lower() in ENDINGS


def source_name(folder_name: str) -> str:
    """Return a folder's name as the name of a source: what a file's name should not hold becomes a dash."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder_name).strip("-._") or "text"


class PlainFiles:
    """Plain text files of one source, in the order of their paths."""

    def __init__(self, root: Path, source: str, files: Mapping[Split, Sequence[Path]]) -> None:
        self._root, self._source = Path(root), source
        self._files: dict[Split, list[Path]] = {
            split: sorted(paths) for split, paths in files.items()
        }

    def describe(self) -> list[str]:
        lines = []
        for split, paths in self._files.items():
            held_out = ", held out" if split == "validation" else ""
            count = f"{len(paths):,} {'file' if len(paths) == 1 else 'files'}"
            lines.append(
                f"text: {count} ({format_size(self.size(split))}) of plain text: source '{self._source}'{held_out}"
            )
        return lines

    def inputs(self) -> dict[str, str]:
        return {
            path.relative_to(self._root).as_posix(): mark_of(path)
            for paths in self._files.values()
            for path in paths
        }

    def size(self, split: Split) -> int:
        return sum(path.stat().st_size for path in self._files.get(split, ()))

    def documents(self, split: Split, advance: Advance) -> Iterator[Document]:
        for path in self._files.get(split, ()):
            text = read_text(path)
            advance(path.stat().st_size)
            yield Document(self._source, text)

    def notes(self) -> list[str]:
        return []


def read_text(path: Path) -> str:
    """Return a file's text. Raises `DataError` where it is missing, unreadable or not UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}. Check the path and its permissions."
        ) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} line {line} is not UTF-8 (byte {data[error.start]:#04x}). Save the file as UTF-8 "
            f"(`iconv -f latin1 -t utf-8` for older Western text), or remove it from the folder."
        ) from None
