"""`corpus decontaminate`: find evaluation problems in files, and write copies without them."""

import gzip
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard

from corpus.base.compressed import compression_of, decompressed, first_bytes
from corpus.base.console import progress, say
from corpus.base.encodings import to_utf8
from corpus.base.errors import ConfigError, DataError
from corpus.base.files import atomic_folder, write_lines
from corpus.prepare.sources.files import has_text, read_text
from corpus.prepare.sources.records import (
    EmptyFileError,
    is_parquet,
    read_records,
    split_lines,
)
from corpus.prepare.walk import is_no_file, kind_of, walk
from corpus.problems.contamination import LIST, KnownProblems
from corpus.problems.problem import Problem
from corpus.problems.registry import ProblemFile, load_problems, recognise
from corpus.run.problems import load_problem_file

SHOWN = 20
"""Matches printed one by one."""


@dataclass
class FileMatches:
    """A file and the evaluation problems found in it."""

    path: Path
    name: Path
    """Where its copy goes, relative to the folder of copies."""
    kind: str
    """`problems`, `records` or `text`."""
    is_own: bool = False
    """Whether it is one of the files with the evaluation problems themselves."""
    total: int = 0
    twins: int = 0
    dropped: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Place in the file, from 0 → what was found there."""


def decontaminate(
    paths: Sequence[Path],
    specs: Sequence[str],
    *,
    ngram: int,
    share: float,
    out: Path | None = None,
    drop_twins: bool = False,
) -> None:
    """Print what in the files and folders of `paths` holds an evaluation problem.

    Args:
        paths: files, and folders whose files are all searched.
        specs: evaluation problems, each SET=PATH. Their own files are not searched, and are
            copied unchanged.
        ngram: consecutive words that count as a match.
        share: share of a problem's words that must be in matches.
        out: a folder for copies of the files without what was found. Names and formats stay the
            same, and `contamination.jsonl` lists what is missing. It appears whole or not at all.
        drop_twins: leave out twins too.

    Raises:
        ConfigError: `out` exists, or is in a folder that is searched.
        DataError: a file is missing or malformed, or there is nothing to search.
    """
    known = KnownProblems(
        [problem for spec in specs for problem in load_problem_file(spec)],
        ngram=ngram,
        share=share,
    )
    _check_out(out, paths)
    files = _find_files(paths, own={Path(spec.partition("=")[2]).resolve() for spec in specs})
    sizes = [file.path.stat().st_size for file in files]
    with progress("searching for evaluation problems", sum(sizes), "bytes") as task:
        for file, size in zip(files, sizes, strict=True):
            if not file.is_own:
                _search(file, known, drop_twins)
            task.advance(size)
    records = [
        {"file": file.name.as_posix(), "place": place, **record}
        for file in files
        for place, record in file.dropped.items()
    ]
    if out is not None:
        with atomic_folder(out) as folder:
            for file in files:
                (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
                _copy(file, folder / file.name)
            write_lines(folder / LIST, records)
    _say_result(files, records, known, out)


def _say_result(
    files: Sequence[FileMatches],
    records: Sequence[dict[str, Any]],
    known: KnownProblems,
    out: Path | None,
) -> None:
    sets = ", ".join(f"{count:,} of {name}" for name, count in known.sets.items())
    say(f"searched for {len(known):,} problems: {sets}")
    for record in records[:SHOWN]:
        problem = record["problem"]
        what = f"{problem}, overlap {record['overlap']:.0%}" if problem else "a twin"
        say(f"  {record['file']} {record['place']}: {what}")
    if len(records) > SHOWN:
        say(f"  … and {len(records) - SHOWN:,} more")
    for file in files:
        if file.is_own:
            copied = ", copied unchanged" if out else ""
            say(f"{file.name}: one of --problems, not searched{copied}")
            continue
        unit = {"problems": "problems", "records": "documents", "text": "document"}[file.kind]
        twins = f", {file.twins:,} are twins with other numbers" if file.kind == "problems" else ""
        found = f"{len(file.dropped):,} of {file.total:,} {unit} hold an evaluation problem"
        say(f"{file.name}: {found}{twins}")
    if out:
        say(f"clean copies: {out}")


def _check_out(out: Path | None, paths: Sequence[Path]) -> None:
    if out is None:
        return
    if out.exists():
        raise ConfigError(f"--out {out} already exists; it would be replaced. Give a new folder")
    for path in paths:
        if path.is_dir() and out.resolve().is_relative_to(path.resolve()):
            raise ConfigError(
                f"--out {out} is inside {path}, the folder to search; give a folder outside it"
            )


def _find_files(paths: Sequence[Path], own: set[Path]) -> list[FileMatches]:
    files = [file for path in paths for file in _files_of(path)]
    for file in files:
        file.is_own = file.path.resolve() in own
    names = Counter(file.name for file in files)
    if doubled := {name for name, count in names.items() if count > 1}:
        raise DataError(
            f"two files are called {min(doubled)}, so their copies would have the same name; give "
            "them one at a time"
        )
    if not files:
        raise DataError(
            f"{', '.join(map(str, paths))}: no text, records or known problem set found. Give "
            "files or folders that have some."
        )
    return files


def _files_of(path: Path) -> Iterator[FileMatches]:
    if not path.exists():
        raise DataError(f"{path} does not exist. Check the path.")
    if path.is_file():
        kind = _kind(path)
        if kind is None:
            raise DataError(
                f"{path} is not text, records of text or a known problem set. Give another file."
            )
        yield FileMatches(path, Path(path.name), kind)
        return

    def skip(place: Path, reason: str) -> None:
        say(f"ignored and not copied: {place} ({reason})")

    for file in sorted(walk(path, skip)):
        if is_no_file(file, skip):
            continue
        name, kind = file.relative_to(path), _kind(file)
        if kind is None:
            skip(file, "not text, records of text or readable problems")
        elif name == Path(LIST):
            skip(file, "a list of what was left out before")
        else:
            yield FileMatches(file, name, kind)


def _kind(path: Path) -> str | None:
    kind = kind_of(path)
    if isinstance(kind, ProblemFile):
        return "problems" if kind.is_loadable else None
    return kind


def _search(file: FileMatches, known: KnownProblems, drop_twins: bool) -> None:
    for place, (text, matches) in enumerate(_matches(file, known)):
        file.total += 1
        match = next((match for match in matches if not match.other_numbers), None)
        is_twin = False
        if match is None and file.kind == "problems":
            is_twin = known.has_twin(Problem.question(text))
        file.twins += is_twin
        if match is not None:
            file.dropped[place] = {"reason": "overlap", **known.record(match)}
        elif is_twin and drop_twins:
            empty = dict.fromkeys(("problem", "overlap", "problem_text"))
            file.dropped[place] = {"reason": "twin", **empty}


def _matches(file: FileMatches, known: KnownProblems) -> Iterator[tuple[str, Any]]:
    if file.kind == "problems":
        found = recognise(file.path)
        assert found is not None, "it was recognised before"
        problems = load_problems(found.set_name, file.path, found.split or "train")
        texts = [problem.text for problem in problems]
        yield from zip(texts, known.index.find_each(texts), strict=True)
        return
    for text in [read_text(file.path)] if file.kind == "text" else _texts(file.path):
        yield text, known.index.find(text)


def _texts(path: Path) -> Iterator[str]:
    try:
        for number, record in read_records(path, fields=("text",)):
            if not has_text(record):
                raise DataError(
                    f'{path} line {number} has no "text"; expected records {{"text": …}}. Correct '
                    "or remove the line."
                )
            yield record["text"] or ""
    except EmptyFileError:
        return


def _copy(file: FileMatches, path: Path) -> None:
    """Write what is left of a file; no file if nothing is left, since empty files look damaged."""
    if file.total and len(file.dropped) == file.total:
        return
    if file.kind == "text" or file.is_own or not file.total:
        path.write_bytes(file.path.read_bytes())
        return
    if is_parquet(file.path):
        _copy_parquet(file, path)
        return
    start = b"".join(to_utf8([first_bytes(file.path, 1 << 10)]))
    if file.kind == "records" or start.lstrip().startswith(b"{"):  # lines are copied as they are
        lines = split_lines(to_utf8(decompressed(file.path)))
        records = (line for line in lines if line and not line.isspace())
        chunks = (line + b"\n" for line in _kept(file, records))
    else:
        chunks = iter([_json_bytes(list(_kept(file, _rows(file.path))))])
    _write(path, chunks, compression_of(file.path))


def _rows(path: Path) -> list[Any]:
    """Read a JSON list of problems."""
    try:
        return json.loads(b"".join(to_utf8(decompressed(path))))
    except ValueError as error:  # an integer of more digits than Python reads
        first = str(error).partition(";")[0]
        raise DataError(
            f"{path} cannot be copied ({first}). Shorten the number, or write it as a string."
        ) from None


def _kept(file: FileMatches, records: Iterable[Any]) -> Iterator[Any]:
    return (record for place, record in enumerate(records) if place not in file.dropped)


def _write(path: Path, chunks: Iterable[bytes], compression: str) -> None:
    """Write and compress chunks, the same bytes every time."""
    with open(path, "wb") as file:
        target: Any = file
        if compression == "zst":
            target = zstandard.ZstdCompressor().stream_writer(file, closefd=False)
        elif compression == "gz":
            target = gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0)
        writer = io.BufferedWriter(target) if target is not file else file
        for chunk in chunks:
            writer.write(chunk)
        if writer is not file:
            writer.close()


def _json_bytes(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can hold
        return json.dumps(value).encode()


def _copy_parquet(file: FileMatches, path: Path) -> None:
    import pyarrow.parquet  # heavy, and most folders have no Parquet

    table = pyarrow.parquet.read_table(file.path)
    pyarrow.parquet.write_table(table.take(list(_kept(file, range(table.num_rows)))), path)
