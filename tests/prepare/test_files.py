"""Text in files: plain text, SlimPajama's seven sets, and every fault named by file, line and
value."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from corpus.base.errors import DataError
from corpus.base.files import storage_error
from corpus.prepare.digests import digest_of
from corpus.prepare.document import Document
from corpus.prepare.sources.files import (
    SET_NAMES,
    PlainFiles,
    RecordFiles,
    read_text,
    source_name,
)


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
    before = files.inputs(digest_of)
    (tmp_path / "b.txt").write_text("second, changed")
    assert [name for name, mark in files.inputs(digest_of).items() if before[name] != mark] == [
        "b.txt"
    ]


def test_other_encodings_are_named(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_bytes("first line\ncafé".encode("latin1"))
    with pytest.raises(DataError, match=r"old\.txt line 2 is not UTF-8 \(byte 0xe9\).*iconv"):
        read_text(tmp_path / "old.txt")
    with pytest.raises(DataError, match=r"gone\.txt cannot be read: No such file"):
        read_text(tmp_path / "gone.txt")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("caf\u00e9\r\nnext".encode(encoding))
    assert read_text(tmp_path / "a.txt") == "caf\u00e9\r\nnext"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("caf\u00e9 is".encode("latin-1"), r"line 1 is not UTF-8 \(byte 0xe9\).*iconv -f latin1"),
        ("words".encode("utf-16-le"), r"line 1 has NUL characters.*iconv -f utf-16le -t utf-8"),
        ("words".encode("utf-16-be"), r"line 1 has NUL characters.*iconv -f utf-16be -t utf-8"),
        ("caf\u00e9".encode("utf-16-le"), r"has NUL characters.*iconv -f utf-16le -t utf-8"),
        ("w\n".encode("utf-16").decode("latin-1").encode(), r"NUL characters.*iconv -f utf-16le"),
        (b"one\ntwo\0", r"line 2 has a NUL character, so it is not plain text\. Remove it"),
        (b"\x00\xff\x00\x01\x00", r"a\.txt line 1 has"),
        ("words".encode("utf-16") + b"x", r"begins like utf-16-le but is not valid"),
    ],
)
def test_other_encodings_are_named_with_the_conversion_that_is_right(
    tmp_path: Path, data: bytes, message: str
) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(DataError, match=message):
        read_text(tmp_path / "a.txt")


def test_too_many_open_files_keep_their_own_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(OSError, match="Too many open files") as caught:
        read_text(tmp_path / "a.txt")
    assert "ulimit -n" in str(storage_error(caught.value))


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


RECORD_META = {"redpajama_set_name": "RedPajamaC4"}


def record(name: str, text: str = "some text") -> dict[str, Any]:
    return {"text": text, "meta": {"redpajama_set_name": name}}


def files(tmp_path: Path, *records: Any, **options: Any) -> RecordFiles:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    return RecordFiles(tmp_path, {"train": [path]}, **options)


def read(inputs: RecordFiles) -> list[Document]:
    return list(inputs.documents("train", lambda amount: None))


def test_all_seven_sets_are_known(tmp_path: Path) -> None:
    assert [document.source for document in read(files(tmp_path, *map(record, SET_NAMES)))] == [
        "commoncrawl",
        "c4",
        "github",
        "book",
        "arxiv",
        "wikipedia",
        "stackexchange",
    ]


def test_another_set_name_is_an_error_unless_it_is_mapped(tmp_path: Path) -> None:
    records = (record("RedPajamaC4"), record("RedPajamaArxiv"))
    with pytest.raises(
        DataError,
        match=r"a\.jsonl line 2: .* 'RedPajamaArxiv'; .*Did you mean 'RedPajamaArXiv'.*prepare.set_names",
    ):
        read(files(tmp_path, *records))
    mapped = read(files(tmp_path, *records, set_names={"RedPajamaArxiv": "arxiv"}))
    assert [document.source for document in mapped] == ["c4", "arxiv"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"meta": {"redpajama_set_name": "RedPajamaC4"}},
            r'line 2 has no "text" \(its keys: \'meta\'\)',
        ),
        (
            {"text": 7, "meta": {"redpajama_set_name": "RedPajamaC4"}},
            r'line 2: "text" is 7; expected a string',
        ),
        ({"text": ["a" * 500], "meta": {}}, r'line 2: "text" is \[.{76}…; expected a string'),
        ({"text": "a"}, "line 2: meta is None; expected"),
        (
            {"text": "a", "meta": {"set": "RedPajamaC4"}},
            r"line 2: meta is {'set': 'RedPajamaC4'}; expected",
        ),
        ("just a string", "line 2 is 'just a string'; expected an object"),
        ({}, r'line 2 has no "text" \(its keys: none\)'),
    ],
)
def test_a_wrong_record_is_named(tmp_path: Path, wrong: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(files(tmp_path, record("RedPajamaC4"), wrong))
    assert str(tmp_path / "a.jsonl") in str(caught.value)
    assert "Correct or remove the line" in str(caught.value)


@pytest.mark.parametrize("meta", [RECORD_META, json.dumps(RECORD_META)])
def test_a_set_name_is_read_from_an_object_and_from_its_json(tmp_path: Path, meta: Any) -> None:
    assert read(files(tmp_path, {"text": "a", "meta": meta})) == [Document("c4", "a")]


def test_a_set_of_the_pile_is_a_source_where_it_is_mapped(tmp_path: Path) -> None:
    records = [{"text": name, "meta": {"pile_set_name": name}} for name in ("Pile-CC", "FreeLaw")]
    found = read(files(tmp_path, *records, source="pile", set_names={"Pile-CC": "web"}))
    assert found == [Document("web", "Pile-CC"), Document("pile", "FreeLaw")]


def test_set_names_that_are_not_used_are_counted(tmp_path: Path) -> None:
    found = files(tmp_path, {"text": "a"}, record("RedPajamaC4"), source="notes")
    assert read(found) == [Document("notes", "a"), Document("notes", "some text")]
    assert found.notes() == [
        "1 records with a redpajama_set_name were read as source 'notes', because the first record "
        "of their file has none"
    ]


def test_records_of_text_alone_take_the_given_source(tmp_path: Path) -> None:
    assert read(files(tmp_path, {"text": "a"}, {"text": "b"}, source="notes")) == [
        Document("notes", "a"),
        Document("notes", "b"),
    ]
