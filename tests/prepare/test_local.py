"""Plain text files: read as they are, and refused by name where they are not UTF-8."""

from pathlib import Path

import pytest

from corpus.base.errors import DataError
from corpus.prepare.sources.files import PlainFiles, read_text, source_name


def test_files_are_documents_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name, text in {"b.txt": "second", "a/z.md": "first\r\nline", "c.py": "\ufeffthird"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text.encode())
    files = PlainFiles(
        tmp_path, "notes", {"train": [tmp_path / name for name in ("c.py", "b.txt", "a/z.md")]}
    )
    told: list[int] = []
    assert [document.text for document in files.documents("train", told.append)] == [
        "first\r\nline",
        "second",
        "third",
    ]
    assert sum(told) == files.size("train")
    assert list(files.documents("validation", told.append)) == []
    before = files.inputs()
    (tmp_path / "b.txt").write_text("second, changed")
    assert [name for name, mark in files.inputs().items() if before[name] != mark] == ["b.txt"]


def test_other_encodings_are_named(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_bytes("first line\ncafé".encode("latin1"))
    with pytest.raises(DataError, match=r"old\.txt line 2 is not UTF-8 \(byte 0xe9\).*iconv"):
        read_text(tmp_path / "old.txt")
    with pytest.raises(DataError, match=r"gone\.txt cannot be read: No such file"):
        read_text(tmp_path / "gone.txt")


def test_folder_names_become_source_names() -> None:
    assert [
        source_name(name) for name in ("essays", "my texts!", ".hidden", "日本", "a.b_c-1")
    ] == [
        "essays",
        "my-texts",
        "hidden",
        "text",
        "a.b_c-1",
    ]
