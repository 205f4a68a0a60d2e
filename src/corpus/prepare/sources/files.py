"""Text in files: plain text, records of text, SlimPajama records, and training problems as text.

Reference: Soboleva et al. 2023, SlimPajama: A 627B token cleaned and deduplicated version of
RedPajama.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus.base.encodings import decode_text
from corpus.base.errors import DataError, did_you_mean
from corpus.config.problems import ProblemsConfig
from corpus.prepare.digests import Mark, reading
from corpus.prepare.document import Advance, Document, TextSplit, format_size
from corpus.prepare.problem_files import load_parts
from corpus.prepare.sources.records import read_records
from corpus.problems.choose import choose_sets
from corpus.problems.held_out import HELDOUT, is_in_part
from corpus.problems.registry import PROBLEM_SETS, ProblemFile

PROSE = frozenset((".txt", ".text", ".md", ".markdown", ".rst", ".org", ".adoc", ".tex"))
CODE = frozenset(
    (
        *(".py", ".pyi", ".c", ".h", ".cc", ".cpp", ".hpp", ".java", ".js", ".ts", ".go", ".rs"),
        *(".rb", ".jl", ".r", ".sh", ".sql", ".scala", ".kt", ".swift", ".php", ".pl", ".lua"),
        *(".hs", ".ml", ".lean", ".v"),
    )
)
ENDINGS = PROSE | CODE
"""Endings of plain text files."""

SET_NAMES = {
    "RedPajamaCommonCrawl": "commoncrawl",
    "RedPajamaC4": "c4",
    "RedPajamaGithub": "github",
    "RedPajamaBook": "book",
    "RedPajamaArXiv": "arxiv",
    "RedPajamaWikipedia": "wikipedia",
    "RedPajamaStackExchange": "stackexchange",
}
"""The seven sets of SlimPajama → their sources in Corpus."""

SLIMPAJAMA, PILE = "redpajama_set_name", "pile_set_name"
"""The key of the set name in the `meta` of SlimPajama, and of the Pile."""

FIELDS = ("text", f"meta.{SLIMPAJAMA}", f"meta.{PILE}")
"""The fields of a record that are read."""


def is_plain_text_file(path: Path) -> bool:
    """True for the ending of a plain text file."""
    return path.suffix.lower() in ENDINGS


def source_name(folder_name: str) -> str:
    """Return the source of a folder: its name, with dashes for what a file name should not have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder_name).strip("-._") or "text"


class FileInput(ABC):
    """Files of one kind below a folder, read in the order of their paths."""

    def __init__(self, root: Path, files: Mapping[TextSplit, Sequence[Path]]) -> None:
        self._root = Path(root)
        self._files: dict[TextSplit, list[Path]] = {
            split: sorted(paths) for split, paths in files.items()
        }

    @abstractmethod
    def describe(self) -> list[str]: ...

    @abstractmethod
    def documents(self, split: TextSplit, advance: Advance) -> Iterator[Document]: ...

    def inputs(self, mark: Mark) -> dict[str, str]:
        paths = (path for paths in self._files.values() for path in paths)
        return {self._relative(path): mark(path) for path in paths}

    def size(self, split: TextSplit) -> int:
        return _total_size(self._files.get(split, ()))

    def notes(self) -> list[str]:
        return []

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix() if path != self._root else self._root.name


class PlainFiles(FileInput):
    """Plain text files of one source; each is a document."""

    def __init__(self, root: Path, source: str, files: Mapping[TextSplit, Sequence[Path]]) -> None:
        super().__init__(root, files)
        self._source = source

    def describe(self) -> list[str]:
        return [
            f"text: {_counted(paths)} of plain text: source '{self._source}'{_held_out(split)}"
            for split, paths in self._files.items()
        ]

    def documents(self, split: TextSplit, advance: Advance) -> Iterator[Document]:
        for path in self._files.get(split, ()):
            text = read_text(path)
            advance(path.stat().st_size)
            yield Document(self._source, text)


class RecordFiles(FileInput):
    """Files of records of text.

    Args:
        root: the folder that names are relative to.
        files: the files of each split.
        source: the source of every record `{"text": …}`; None for SlimPajama records.
        set_names: set name → source, in addition to SlimPajama's seven. With `source`, it maps
            the set names of the Pile.
    """

    def __init__(
        self,
        root: Path,
        files: Mapping[TextSplit, Sequence[Path]],
        *,
        source: str | None = None,
        set_names: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(root, files)
        self._source, self._set_names = source, {**SET_NAMES, **(set_names or {})}
        self._unused_names = 0

    def describe(self) -> list[str]:
        kind = f"records of text, source '{self._source}'" if self._source else "SlimPajama records"
        lines = []
        for split, paths in self._files.items():
            for folder in sorted({path.parent for path in paths}):
                counted = _counted([path for path in paths if path.parent == folder])
                lines.append(f"text: {self._relative(folder)}: {counted}: {kind}{_held_out(split)}")
        return lines

    def documents(self, split: TextSplit, advance: Advance) -> Iterator[Document]:
        for path in self._files.get(split, ()):
            for number, record in read_records(path, advance, fields=FIELDS):
                if self._source and set_name_of(record):
                    self._unused_names += 1
                yield to_document(record, f"{path} line {number}", self._set_names, self._source)

    def notes(self) -> list[str]:
        if not self._unused_names:
            return []
        return [
            f"{self._unused_names:,} records with a {SLIMPAJAMA} were read as source "
            f"'{self._source}', because the first record of their file has none"
        ]


def problem_inputs(
    root: Path, files: Sequence[ProblemFile], config: ProblemsConfig
) -> list["ProblemTexts"]:
    """Return one input for each problem set that is trained on, without its held-out part.

    A set that another one was made from is left out: only problems are searched for twins.
    """
    choice = choose_sets(files, config.sets)
    there = {file.set_name for file in files}
    return [
        ProblemTexts(
            root,
            name,
            [file.path for file in files if file.set_name == name and file.split == "train"],
            heldout_share=config.heldout_share if name in choice.held_out else 0.0,
        )
        for name in sorted(choice.train)
        if not PROBLEM_SETS[name].source_of & there
    ]


class ProblemTexts(FileInput):
    """The training problems of one set, as documents of a source named after the set."""

    def __init__(
        self, root: Path, set_name: str, files: Sequence[Path], *, heldout_share: float = 0.0
    ) -> None:
        super().__init__(root, {"train": files})
        self._set_name, self._heldout_share = set_name, heldout_share

    def describe(self) -> list[str]:
        name = self._set_name
        return [f"text: training problems of {name} (prepare.problems_as_text): source '{name}'"]

    def inputs(self, mark: Mark) -> dict[str, str]:
        but = f" but {self._heldout_share:g}" if self._heldout_share else ""
        return {f"{name} as text{but}": found for name, found in super().inputs(mark).items()}

    def documents(self, split: TextSplit, advance: Advance) -> Iterator[Document]:
        paths = self._files.get(split, ())
        if not paths:
            return
        for problem in load_parts(self._set_name, paths, "train"):
            if not is_in_part(problem, HELDOUT, self._heldout_share):
                yield Document(self._set_name, problem.text)
        advance(sum(path.stat().st_size for path in paths))


def read_text(path: Path) -> str:
    """Return a file's text, in UTF-8 or as its byte order mark says.

    Raises `DataError` if it is missing, unreadable, in another encoding or no text.
    """
    with reading(path):
        data = path.read_bytes()
    try:
        text = decode_text(data)
    except UnicodeDecodeError as error:
        raise DataError(_other_encoding(path, data, error)) from None
    if "\0" in text:
        raise DataError(_with_nul(path, text))
    return text


def _other_encoding(path: Path, data: bytes, error: UnicodeDecodeError) -> str:
    if error.encoding != "utf-8":
        return (
            f"{path} begins like {error.encoding} but is not valid ({error.reason}). Save it as "
            "UTF-8, or remove it from the folder."
        )
    if b"\0" in data:
        return _with_nul(path, data.decode("latin-1"))
    line = data.count(b"\n", 0, error.start) + 1
    return (
        f"{path} line {line} is not UTF-8 (byte {data[error.start]:#04x}). Save the file as "
        "UTF-8 (`iconv -f latin1 -t utf-8` for older Western text), or remove it from the folder."
    )


def _with_nul(path: Path, text: str) -> str:
    line = text.count("\n", 0, text.index("\0")) + 1
    for encoding, others in (("utf-16le", text[0::2]), ("utf-16be", text[1::2])):
        if text.count("\0") > len(text) / 4 and "\0" not in others:
            return (
                f"{path} line {line} has NUL characters: it is probably UTF-16. Convert the "
                f"original (`iconv -f {encoding} -t utf-8`), or remove it from the folder."
            )
    return (
        f"{path} line {line} has a NUL character, so it is not plain text. Remove it from the "
        "folder."
    )


def set_name_of(record: Any, key: str = SLIMPAJAMA) -> str | None:
    """Return the set name in a record's `meta`, an object or its JSON; None if it has none."""
    meta = record.get("meta") if isinstance(record, dict) else None
    if isinstance(meta, str) and key in meta:
        try:
            meta = json.loads(meta)
        except (ValueError, RecursionError):
            return None
    name = meta.get(key) if isinstance(meta, dict) else None
    return name if isinstance(name, str) else None


def has_text(record: Any) -> bool:
    """True for an object with a `text`, which may be null."""
    return (
        isinstance(record, dict)
        and "text" in record
        and (record["text"] is None or isinstance(record["text"], str))
    )


def to_document(
    record: Any, where: str, set_names: Mapping[str, str], source: str | None = None
) -> Document:
    """Return the document of a record; a null text is an empty document.

    Args:
        record: the JSON value.
        where: file and line, for errors.
        set_names: SlimPajama set name → source.
        source: the source of the record, unless `set_names` maps its set name of the Pile. None
            reads the set name of SlimPajama, which is then required.

    Raises:
        DataError: the record has another shape, or an unknown set name.
    """
    expected = '{"text": …, "meta": {"redpajama_set_name": …}}' if source is None else '{"text": …}'
    fix = "Correct or remove the line."
    if not isinstance(record, dict):
        raise DataError(f"{where} is {_shown(record)}; expected an object {expected}. {fix}")
    if "text" not in record:
        keys = ", ".join(map(repr, record)) or "none"
        raise DataError(f'{where} has no "text" (its keys: {keys}); expected {expected}. {fix}')
    if not has_text(record):
        raise DataError(f'{where}: "text" is {_shown(record["text"])}; expected a string. {fix}')
    if source is None:
        source = _source_of(record, where, set_names)
    else:
        source = set_names.get(set_name_of(record, PILE) or "", source)
    return Document(source, record["text"] or "")


def _source_of(record: dict[str, Any], where: str, set_names: Mapping[str, str]) -> str:
    name = set_name_of(record)
    if name is None:
        raise DataError(
            f"{where}: meta is {_shown(record.get('meta'))}; expected "
            '{"redpajama_set_name": "RedPajamaC4"} or another of the seven set names. Correct or '
            "remove the line."
        )
    if name not in set_names:
        raise DataError(
            f"{where}: redpajama_set_name is {name!r}; expected one of {', '.join(set_names)}."
            f"{did_you_mean(name, set_names)} To read it anyway, map it to a source with "
            "prepare.set_names."
        )
    return set_names[name]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _total_size(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def _counted(paths: Sequence[Path]) -> str:
    files = "file" if len(paths) == 1 else "files"
    return f"{len(paths):,} {files} ({format_size(_total_size(paths))})"


def _held_out(split: TextSplit) -> str:
    return ", held out" if split == "validation" else ""
