"""The text of a Python installation: sources, docstrings, comments and descriptions of packages.

Nothing is imported or run; source is only parsed. The same packages give the same text.
"""

import ast
import email
import hashlib
import os
import re
import site
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

OWN_DISTRIBUTION = "corpus_lm"
"""Corpus itself is left out."""

_OWN_FOLDER = Path(__file__).resolve().parents[2]
_NOT_LIBRARY = {
    *("test", "tests", "testing", "idle_test", "lib2to3", "__pycache__"),
    *("_vendor", "_vendored", "vendored"),
}
_LARGEST = 1_000_000
_SMALLEST = 300
_COMMENT = re.compile(r"(?:^[ \t]*#(?!!)[^\n]*\n){4,}", re.MULTILINE)
_PROSE = re.compile(r"[a-z]{2,} [a-z]{2,} [a-z]{2,} [a-z]{2,}")


@dataclass(frozen=True)
class SourceFile:
    """A Python file of an installed package."""

    path: Path
    module: str
    """Its dotted name, such as `json.decoder`."""
    size: int
    rank: int
    """64-bit hash of its name: an order that mixes all packages."""


@dataclass(frozen=True)
class Docstring:
    """A docstring and what it describes."""

    kind: Literal["module", "class", "function", "string"]
    name: str
    text: str


def library_roots() -> list[Path]:
    """Return the folders that hold the standard library and the installed packages."""
    paths = sysconfig.get_paths()
    found = [paths["stdlib"], paths["purelib"], paths["platlib"], *site.getsitepackages()]
    return [path for path in dict.fromkeys(Path(name).resolve() for name in found) if path.is_dir()]


def source_files(roots: list[Path]) -> list[SourceFile]:
    """Return every library file except tests and vendored copies, in the order of `rank`."""
    files = [
        _source_file(path, root)
        for path, root in _files(roots)
        if path.suffix == ".py" and path.is_file()
    ]
    chosen = [
        file
        for file in files
        if _SMALLEST <= file.size <= _LARGEST and not file.module.startswith("__editable__")
    ]
    return sorted(chosen, key=lambda file: (file.rank, file.module, file.size))


def _files(roots: list[Path]) -> Iterator[tuple[Path, Path]]:
    """Yield every file with its root, in order, without those of another installation below it."""
    for root in roots:
        for place, folders, names in os.walk(root):
            here = Path(place)
            skip = {
                name
                for name in folders
                if here / name in roots
                or here / name == _OWN_FOLDER
                or name.endswith((".dist-info", ".egg-info"))
            }
            folders[:] = sorted(
                set(folders) - _NOT_LIBRARY - {"site-packages", "dist-packages"} - skip
            )
            yield from ((here / name, root) for name in sorted(names))


def _source_file(path: Path, root: Path) -> SourceFile:
    module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    rank = int.from_bytes(
        hashlib.blake2b(module.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "big"
    )
    return SourceFile(path, module, path.stat().st_size, rank)


def read(path: Path) -> str | None:
    """Return a file's text, or None if it cannot be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def docstrings(source: str, module: str) -> list[Docstring]:
    """Return the docstrings of a module, in order; none if it does not parse.

    Long string arguments count too: extension modules are documented by `add_docstr(name, "…")`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's code
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = list(_walk(tree, module))
    if "add_docstr" in source or "add_newdoc" in source:
        found += _call_strings(tree, module)
    return [docstring for docstring in found if docstring.text]


def _walk(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str
) -> Iterator[Docstring]:
    text = ast.get_docstring(node) or ""
    if isinstance(node, ast.Module):
        yield Docstring("module", name, text)
    elif isinstance(node, ast.ClassDef):
        yield Docstring("class", name, text)
    else:
        arguments = ", ".join(
            argument.arg for argument in node.args.args if argument.arg not in ("self", "cls")
        )
        yield Docstring("function", f"{name}({arguments})", text)
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _walk(child, f"{name.split('(')[0]}.{child.name}")


def _call_strings(tree: ast.Module, module: str) -> Iterator[Docstring]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for argument in node.args:
                if (
                    isinstance(argument, ast.Constant)
                    and isinstance(argument.value, str)
                    and len(argument.value) > 200
                ):
                    yield Docstring("string", module, _clean(argument.value))


def _clean(text: str) -> str:
    """Remove the common indent of a docstring's lines."""
    lines = text.expandtabs().strip("\n").split("\n")
    indent = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    return "\n".join([lines[0].lstrip(), *(line[indent:].rstrip() for line in lines[1:])]).strip()


def comments(source: str) -> Iterator[str]:
    """Yield the long comments of a module that are prose, without their marks."""
    for match in _COMMENT.finditer(source):
        text = "\n".join(line.strip().lstrip("#").strip() for line in match[0].splitlines()).strip()
        if (
            len(text) > 200
            and len(_PROSE.findall(text)) >= 2
            and "opyright" not in text
            and "icense" not in text
        ):
            yield text


def descriptions(roots: list[Path]) -> Iterator[tuple[str, str]]:
    """Yield name and description of every installed package, from its METADATA."""
    paths = (path for root in roots for path in root.glob("*.dist-info/METADATA"))
    for path in sorted(paths, key=lambda path: path.parent.name):
        name = path.parent.name.split("-")[0]
        text = read(path)
        if text is None or name.lower() == OWN_DISTRIBUTION:
            continue
        message = email.message_from_string(text)
        body = message.get_payload()
        if not isinstance(body, str) or not body.strip():
            body = message.get("Description", "")
        description = body.strip()
        if len(description) > 200:
            yield name, description


def text_files(roots: list[Path]) -> Iterator[tuple[str, str]]:
    """Yield name and text of the guides in packages: `.rst`, `.md` and long `.txt`."""
    for path, _ in _files(roots):
        if (
            path.suffix not in (".rst", ".md", ".txt")
            or "icense" in path.name.lower()
            or not path.is_file()
            or path.stat().st_size > _LARGEST
        ):
            continue
        text = read(path)
        if text and len(_PROSE.findall(text)) >= 10:
            yield path.stem, text.strip()


def language_reference(roots: list[Path]) -> list[tuple[str, str]]:
    """Return title and text of the topics that `help()` shows; none if they are not installed."""
    for root in roots:
        source = read(root / "pydoc_data" / "topics.py")
        if source is None:
            continue
        for node in ast.parse(source).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
                topics = ast.literal_eval(node.value)
                return sorted((str(name), str(text).strip()) for name, text in topics.items())
    return []
