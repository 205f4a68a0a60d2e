"""Files of text or problems without what holds an evaluation problem: `corpus decontaminate`, beside any run."""

import gzip
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard

from corpus.base.console import progress, say
from corpus.base.errors import ConfigError, DataError
from corpus.base.files import atomic_folder, write_lines
from corpus.prepare.sources.local import is_plain_text_file, read_text
from corpus.prepare.sources.records import is_record_file, read_records
from corpus.problems.contamination import LIST, KnownProblems
from corpus.problems.problem import Problem
from corpus.problems.registry import load_problems, recognise


@dataclass
class Cleaned:
    """What was found in one file."""

    path: Path
    name: Path
    """Where its copy goes, below the folder of copies."""
    kind: str
    """`problems`, `records` or `text`."""
    is_own: bool = False
    """Whether it holds the evaluation problems that are looked for."""
    total: int = 0
    twins: int = 0
    dropped: dict[int, dict[str, Any]] = field(default_factory=dict)
    """By place in the file, from 0: what was found there."""


def decontaminate(
    paths: Sequence[Path],
    known: KnownProblems,
    *,
    out: Path | None = None,
    drop_twins: bool = False,
    own: Iterable[Path] = (),
) -> list[Cleaned]:
    """Look for evaluation problems in files and in all files of folders; with `out`, write copies without what holds one.

    The files of the evaluation problems themselves, `own`, are not looked at, and are copied as they are.

    The copies have the names and formats of the files, and `contamination.jsonl` beside them lists what was left out. `out` appears whole or not
    at all.

    Raises:
        ConfigError: `out` exists, or lies in a folder that is read.
        DataError: a file is missing, malformed, or nothing is there to look at.
    """
    _check_out(out, paths)
    found = [each for path in paths for each in _files(path)]
    names = Counter(each.name for each in found)
    if doubled := {name for name, count in names.items() if count > 1}:
        raise DataError(
            f"two of the files are called {min(doubled)}, and their copies would be one; give them one at a time"
        )
    if not found:
        raise DataError(
            f"{', '.join(map(str, paths))}: no text, records or known problem set there. Give files or folders of them."
        )
    theirs = {path.resolve() for path in own}
    for each in found:
        each.is_own = each.path.resolve() in theirs
    with progress(
        "looking for evaluation problems", sum(each.path.stat().st_size for each in found), "bytes"
    ) as task:
        for each in found:
            _look(each, known, drop_twins)
            task.advance(each.path.stat().st_size)
    if out is not None:
        with atomic_folder(out) as folder:
            for each in found:
                (folder / each.name).parent.mkdir(parents=True, exist_ok=True)
                _copy(each, folder / each.name)
            write_lines(folder / LIST, list_of(found))
    return found


def list_of(found: Sequence[Cleaned]) -> list[dict[str, Any]]:
    """Return one record for everything that holds a problem: the file, the place in it from 0, the problem, the overlap."""
    return [
        {"file": each.name.as_posix(), "place": place, **record}
        for each in found
        for place, record in each.dropped.items()
    ]


def _check_out(out: Path | None, paths: Sequence[Path]) -> None:
    if out is None:
        return
    if out.exists():
        raise ConfigError(
            f"--out {out} exists and would be replaced; give a folder that is not there yet"
        )
    for path in paths:
        if path.is_dir() and out.resolve().is_relative_to(path.resolve()):
            raise ConfigError(f"--out {out} lies in {path}, which is read; give a folder elsewhere")


def _files(path: Path) -> Iterator[Cleaned]:
    if not path.exists():
        raise DataError(f"{path} does not exist. Check the path.")
    if path.is_file():
        kind = _kind(path)
        if kind is None:
            raise DataError(
                f"{path} is not text, records of text or a known problem set. Give another file."
            )
        yield Cleaned(path, Path(path.name), kind)
        return
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path)
        if file.is_file() and not any(part.startswith(".") for part in name.parts):
            kind = _kind(file)
            if kind is None or name == Path(LIST):
                say(f"left alone, not copied: {file}")
            else:
                yield Cleaned(file, name, kind)


def _kind(path: Path) -> str | None:
    problem = recognise(path)
    if problem is not None:
        return "problems" if problem.is_loadable else None
    return "records" if is_record_file(path) else "text" if is_plain_text_file(path) else None


def _look(each: Cleaned, known: KnownProblems, drop_twins: bool) -> None:
    if each.is_own:
        return
    for place, (text, matches) in enumerate(_searched(each, known)):
        each.total += 1
        match = next((match for match in matches if not match.other_numbers), None)
        is_twin = False
        if match is None and each.kind == "problems":
            is_twin = Problem.question(text).template in known.templates
        each.twins += is_twin
        if match is not None:
            each.dropped[place] = {"reason": "overlap", **known.record(match)}
        elif is_twin and drop_twins:
            each.dropped[place] = {
                "reason": "twin",
                "problem": None,
                "overlap": None,
                "problem_text": None,
            }


def _searched(each: Cleaned, known: KnownProblems) -> Iterator[tuple[str, Any]]:
    if each.kind == "problems":
        file = recognise(each.path)
        assert file is not None, "it was recognised before"
        texts = [
            problem.text
            for problem in load_problems(file.set_name, each.path, file.split or "train")
        ]
        yield from zip(texts, known.index.find_each(texts), strict=True)
        return
    for text in [read_text(each.path)] if each.kind == "text" else _texts(each.path):
        yield text, known.index.find(text)


def _texts(path: Path) -> Iterator[str]:
    for number, record in read_records(path):
        if not isinstance(record, dict) or not isinstance(record.get("text"), str):
            raise DataError(
                f'{path} line {number} has no "text"; expected records {{"text": …}}. Mend or remove the line.'
            )
        yield record["text"]


def _copy(each: Cleaned, path: Path) -> None:
    """Write what is left of a file; none where nothing is left, for empty files are taken for damaged ones."""
    if each.total and len(each.dropped) == each.total:
        return
    name = each.path.name.lower()
    with open(each.path, "rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    if each.kind == "text" or each.is_own:
        path.write_bytes(each.path.read_bytes())
    elif is_parquet:
        _copy_parquet(each, path)
    elif each.kind == "records":
        rows = (
            record
            for place, (_, record) in enumerate(read_records(each.path))
            if place not in each.dropped
        )
        _write_lines(path, rows, name)
    else:
        data = each.path.read_bytes().removeprefix(b"\xef\xbb\xbf")
        if data.lstrip().startswith(b"{"):
            rows = [json.loads(line) for line in data.splitlines() if line.strip()]
            _write_lines(
                path, (row for place, row in enumerate(rows) if place not in each.dropped), name
            )
        else:
            path.write_bytes(
                _plain(
                    [row for place, row in enumerate(json.loads(data)) if place not in each.dropped]
                )
            )


def _write_lines(path: Path, rows: Iterator[Any], name: str) -> None:
    """Write one JSON value a line, compressed as the name says, the same bytes every time."""
    with open(path, "wb") as file:
        target: Any = file
        if name.endswith(".zst"):
            target = zstandard.ZstdCompressor().stream_writer(file, closefd=False)
        elif name.endswith(".gz"):
            target = gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0)
        writer = io.BufferedWriter(target) if target is not file else file
        for row in rows:
            writer.write(_plain(row) + b"\n")
        if writer is not file:
            writer.close()


def _plain(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can hold
        return json.dumps(value).encode()


def _copy_parquet(each: Cleaned, path: Path) -> None:
    import pyarrow.parquet  # heavy, and most folders have no Parquet

    table = pyarrow.parquet.read_table(each.path)
    pyarrow.parquet.write_table(
        table.take([place for place in range(table.num_rows) if place not in each.dropped]), path
    )
