"""The default data: text of six sources from this Python installation, without any network.

`STANDS_FOR` says what each source is made of. It is real text of the same kinds, but all of it is
about programming. A file gives its source code or its docstrings, never both, so that no text is
in two sources.
"""

import hashlib
import platform
import re
from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from pathlib import Path

from corpus.base.errors import DataError
from corpus.prepare.digests import Mark
from corpus.prepare.document import Advance, Document, TextSplit, format_size
from corpus.prepare.sources.installation import (
    Docstring,
    SourceFile,
    comments,
    descriptions,
    docstrings,
    language_reference,
    library_roots,
    read,
    source_files,
    text_files,
)

STANDS_FOR = {
    "c4": "package descriptions, guides and long comments",
    "wikipedia": "the language reference, module and class docstrings",
    "github": "library source",
    "arxiv": "docstrings with formulas",
    "book": "function docstrings, package after package",
    "stackexchange": "docstrings with worked examples, as question and answer",
}
"""Source → the text it is made of."""

PARSE_BYTES = 25_000_000
"""Most bytes of source, without formulas, parsed for docstrings: about eight seconds."""

CHAPTER = 40_000
"""A document of `book` has about this many characters."""

ARTICLE = 8_000
"""A document of `arxiv` with this many characters is full."""

_FORMULA = re.compile(
    r":math:|\.\. math::|\\frac|\\sum|\\int\b|\\mathbb|\\sqrt|\$[^$\n]*[\\^_][^$\n]*\$"
)
_SHORTEST = 80
_FROM_DOCSTRINGS = ("wikipedia", "book", "stackexchange")


class Starter:
    """The text of this installation.

    Args:
        most_bytes: most bytes for each source.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._roots = library_roots()
        self._missing: list[str] = []

    @cached_property
    def _files(self) -> list[SourceFile]:
        files = source_files(self._roots)
        if not files:
            places = ", ".join(map(str, self._roots))
            raise DataError(
                f"this Python installation has no library source ({places}). Give a folder of "
                "text with --data."
            )
        return files

    def describe(self) -> list[str]:
        most, count = format_size(self._most), len(self._files)
        lines = [f"text: {source}: {what}" for source, what in STANDS_FOR.items()]
        return [*lines, f"text: at most {most} of each, from {count:,} installed library files"]

    def inputs(self, mark: Mark) -> dict[str, str]:
        names = [f"{file.module} {file.size}" for file in self._files]
        names += [name for name, _ in descriptions(self._roots)]
        digest = hashlib.sha256("\n".join(names).encode("utf-8", "replace")).hexdigest()
        version, count = platform.python_version(), len(self._files)
        return {"installation": f"Python {version}, {count} files, {digest}"}

    def size(self, split: TextSplit) -> int:
        return self._most * len(STANDS_FOR) if split == "train" else 0

    def documents(self, split: TextSplit, advance: Advance) -> Iterator[Document]:
        if split == "validation":
            return
        harvest = _Harvest(self._most)
        for document in harvest.documents(self._files, self._roots):
            advance(len(document.text))
            yield document
        self._missing = harvest.missing

    def notes(self) -> list[str]:
        return self._missing


class _Harvest:
    """One pass over the installation; each source takes its kind of text until it is full."""

    def __init__(self, most_bytes: int) -> None:
        self._room = dict.fromkeys(STANDS_FOR, most_bytes)
        self._chapters: dict[str, list[str]] = {}
        self.missing: list[str] = []

    def documents(self, files: list[SourceFile], roots: list[Path]) -> Iterator[Document]:
        yield from self._prose(roots)
        parsed = 0
        for file in files:
            text = read(file.path) if self._wants(*STANDS_FOR) else None
            if text is None:
                continue
            has_formulas = _FORMULA.search(text) is not None
            if not has_formulas and file.rank % 3 == 0:
                yield from self._keep("github", text)
            elif has_formulas and self._wants("arxiv"):
                yield from self._docstrings(docstrings(text, file.module), file.module)
            elif not has_formulas and parsed < PARSE_BYTES and self._wants(*_FROM_DOCSTRINGS):
                parsed += len(text)
                yield from self._docstrings(docstrings(text, file.module), file.module)
                if self._room["c4"] > 0:
                    for comment in comments(text):
                        yield from self._keep("c4", comment)
        for chapters in self._chapters.values():
            yield from self._keep("book", "\n\n".join(chapters))

    def _prose(self, roots: list[Path]) -> Iterator[Document]:
        topics = language_reference(roots)
        if not topics:
            self.missing.append(
                "this installation has no language reference (pydoc_data): wikipedia has "
                "docstrings only"
            )
        for name, text in topics:
            yield from self._keep("wikipedia", f"{name}\n\n{text}")
        found = False
        for name, text in chain(descriptions(roots), text_files(roots)):
            found = True
            yield from self._keep("c4", f"{name}\n\n{text}")
            if self._room["c4"] <= 0:
                break
        if not found:
            self.missing.append("no installed package has a description: c4 has comments only")

    def _docstrings(self, found: list[Docstring], module: str) -> Iterator[Document]:
        article: list[str] = []
        for docstring in found:
            if len(docstring.text) < _SHORTEST:
                continue
            title = "" if docstring.kind == "string" else f"{docstring.name}\n\n"
            text = title + docstring.text
            if _FORMULA.search(docstring.text):
                article.append(text)
                if sum(map(len, article)) > ARTICLE:
                    yield from self._keep("arxiv", "\n\n".join(article))
                    article.clear()
            elif ">>> " in docstring.text:
                question = f"What does {docstring.name.split('(')[0]} do, and how is it used?"
                yield from self._keep("stackexchange", f"Q: {question}\n\nA: {docstring.text}")
            elif docstring.kind in ("module", "class"):
                yield from self._keep("wikipedia", text)
            else:
                yield from self._chapter(module.split(".")[0], text)
        if article:
            yield from self._keep("arxiv", "\n\n".join(article))

    def _chapter(self, package: str, text: str) -> Iterator[Document]:
        chapters = self._chapters.setdefault(package, [package])
        chapters.append(text)
        if sum(map(len, chapters)) > CHAPTER:
            yield from self._keep("book", "\n\n".join(chapters))
            del self._chapters[package]

    def _keep(self, source: str, text: str) -> Iterator[Document]:
        if self._room[source] > 0:
            self._room[source] -= len(text)
            yield Document(source, text)

    def _wants(self, *sources: str) -> bool:
        return any(self._room[source] > 0 for source in sources)
