"""SlimPajama records: `{"text": …, "meta": {"redpajama_set_name": "RedPajamaArXiv"}}`, the sources mixed in every file.

Reference: Soboleva et al. 2023, SlimPajama: A 627B token cleaned and deduplicated version of RedPajama.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus.base.errors import DataError, did_you_mean
from corpus.prepare.document import Advance, Document, Split, format_size, mark_of
from corpus.prepare.sources.records import read_records

SET_NAMES = {
    "RedPajamaCommonCrawl": "commoncrawl",
    "RedPajamaC4": "c4",
    "RedPajamaGithub": "github",
    "RedPajamaBook": "book",
    "RedPajamaArXiv": "arxiv",
    "RedPajamaWikipedia": "wikipedia",
    "RedPajamaStackExchange": "stackexchange",
}
"""The seven sets of SlimPajama and the names of their sources in Corpus."""


def set_name_of(record: Any) -> str | None:
    """Return the set name that a record carries, or None where it is no SlimPajama record."""
    meta = record.get("meta") if isinstance(record, dict) else None
    name = meta.get("redpajama_set_name") if isinstance(meta, dict) else None
    return name if isinstance(name, str) else None


class RecordFiles:
    """Files of records, in order.

    Args:
        root: the folder that names are told relative to.
        files: the files of each split.
        source: the source of every record, for files of `{"text": …}` alone; None reads the set name of each record.
        set_names: source by set name, beside the seven that are known.
    """

    def __init__(
        self,
        root: Path,
        files: Mapping[Split, Sequence[Path]],
        *,
        source: str | None = None,
        set_names: Mapping[str, str] | None = None,
    ) -> None:
        self._root, self._source = Path(root), source
        self._files: dict[Split, list[Path]] = {
            split: sorted(paths) for split, paths in files.items()
        }
        self._set_names = {**SET_NAMES, **(set_names or {})}

    def describe(self) -> list[str]:
        kind = (
            "SlimPajama records"
            if self._source is None
            else f"records of text, source '{self._source}'"
        )
        lines = []
        for split in self._files:
            for folder in sorted({path.parent for path in self._files[split]}):
                count = sum(path.parent == folder for path in self._files[split])
                size = format_size(
                    sum(path.stat().st_size for path in self._files[split] if path.parent == folder)
                )
                held_out = ", held out" if split == "validation" else ""
                place = self._relative(folder)
                lines.append(
                    f"text: {place} ({count} {'file' if count == 1 else 'files'}, {size}): {kind}{held_out}"
                )
        return lines

    def inputs(self) -> dict[str, str]:
        return {
            self._relative(path): mark_of(path) for paths in self._files.values() for path in paths
        }

    def size(self, split: Split) -> int:
        return sum(path.stat().st_size for path in self._files.get(split, ()))

    def documents(self, split: Split, advance: Advance) -> Iterator[Document]:
        for path in self._files.get(split, ()):
            for number, record in read_records(path, advance):
                yield to_document(record, f"{path} line {number}", self._set_names, self._source)

    def notes(self) -> list[str]:
        return []

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix() if path != self._root else self._root.name


def to_document(
    record: Any, where: str, set_names: Mapping[str, str], source: str | None = None
) -> Document:
    """Return the document of a record. Raises `DataError` that begins with `where` for one of another shape or set.

    Args:
        record: what stood in the file.
        where: file and line, for messages.
        set_names: source by set name.
        source: the source of every record; None reads the set name.
    """
    expected = '{"text": …, "meta": {"redpajama_set_name": …}}' if source is None else '{"text": …}'
    fix = "Mend or remove the line."
    if not isinstance(record, dict):
        raise DataError(f"{where} is {_shown(record)}; expected an object {expected}. {fix}")
    if "text" not in record:
        keys = ", ".join(map(repr, record)) or "none"
        raise DataError(f'{where} has no "text" (its keys: {keys}); expected {expected}. {fix}')
    if not isinstance(record["text"], str):
        raise DataError(f'{where}: "text" is {_shown(record["text"])}; expected a string. {fix}')
    return Document(source or _source_of(record, where, set_names), record["text"])


def _source_of(record: dict[str, Any], where: str, set_names: Mapping[str, str]) -> str:
    name = set_name_of(record)
    if name is None:
        raise DataError(
            f"{where}: meta is {_shown(record.get('meta'))}; expected "
            '{"redpajama_set_name": "RedPajamaC4"} or another of the seven set names. Mend or remove the line.'
        )
    if name not in set_names:
        raise DataError(
            f"{where}: redpajama_set_name is {name!r}, which is none of {', '.join(set_names)}."
            f"{did_you_mean(name, set_names)} To read it all the same, map it to a source with prepare.set_names."
        )
    return set_names[name]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
