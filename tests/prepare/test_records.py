"""Files of records: every container gives the same records, and every kind of damage is named with
its fix."""

import gzip
import json
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
import zstandard

from corpus.base.errors import DataError
from corpus.prepare.sources.records import (
    EmptyFileError,
    holds_records,
    is_record_file,
    read_records,
    split_lines,
)

RECORDS = [
    {
        "text": f"document {number}, line one\nline two\u2028still line two",
        "meta": {"redpajama_set_name": "RedPajamaC4"},
    }
    for number in range(500)
]
LINES = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in RECORDS).encode()


def write(path: Path, data: bytes) -> Path:
    if path.name.endswith(".zst"):
        data = zstandard.ZstdCompressor().compress(data)
    elif path.name.endswith(".gz"):
        data = gzip.compress(data)
    path.write_bytes(data)
    return path


@pytest.fixture(params=[".jsonl", ".jsonl.zst", ".jsonl.gz"])
def ending(request: pytest.FixtureRequest) -> str:
    return request.param


def test_every_container_gives_the_same_records(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"a{ending}", LINES)
    told: list[int] = []
    assert list(read_records(path, told.append)) == list(enumerate(RECORDS, start=1))
    assert sum(told) == path.stat().st_size


def test_parquet_gives_the_same_records(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pa.Table.from_pylist(RECORDS), path, row_group_size=70)
    told: list[int] = []
    assert list(read_records(path, told.append)) == list(enumerate(RECORDS, start=1))
    assert sum(told) == path.stat().st_size


def test_zst_of_several_frames_without_a_last_newline_and_with_blank_lines(tmp_path: Path) -> None:
    frames = [b'{"a": 1}\n\n{"a"', b': 2}\n  \n{"a": 3}']
    (tmp_path / "a.jsonl.zst").write_bytes(
        b"".join(map(zstandard.ZstdCompressor().compress, frames))
    )
    assert list(read_records(tmp_path / "a.jsonl.zst")) == [
        (1, {"a": 1}),
        (3, {"a": 2}),
        (5, {"a": 3}),
    ]


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
@pytest.mark.parametrize("ending", [".jsonl.zst", ".jsonl.gz", ".parquet"])
def test_a_truncated_file_is_named(tmp_path: Path, ending: str, share: float) -> None:
    path = tmp_path / f"a{ending}"
    if ending == ".parquet":
        pyarrow.parquet.write_table(pa.Table.from_pylist(RECORDS), path)
    else:
        write(path, LINES)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(
        DataError,
        match=rf"a{ending} is (truncated or damaged|not a complete Parquet file).*fetch the file again",
    ):
        list(read_records(path))


def test_a_last_line_cut_off_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", LINES[:-30])
    with pytest.raises(
        DataError,
        match=r"a\.jsonl line 500 is not JSON .*Every line must be one complete JSON object",
    ):
        list(read_records(path))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"text": "a"', r"line 3 is not JSON \(.*\): '\{\"text\": \"a\"'"),
        (
            b'{"text": "' + b"x" * 500 + b'"]',
            r"line 3 is not JSON .*xx … xx.*correct or remove the line",
        ),
        (b"text", "line 3 is not JSON"),
        (
            b'{"text": "caf\xe9"}',
            r"line 3 is not UTF-8 \(byte 13 is 0xe9\).*Save the file as UTF-8",
        ),
        (b"[" * 100_000, "line 3 is not JSON"),
    ],
)
def test_a_malformed_line_is_named_with_its_value(
    tmp_path: Path, ending: str, line: bytes, message: str
) -> None:
    path = write(tmp_path / f"a{ending}", b"{}\n{}\n" + line + b"\n{}\n")
    with pytest.raises(DataError, match=message) as caught:
        list(read_records(path))
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 600


def test_empty_and_missing_files_are_named(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"a{ending}").touch()
    with pytest.raises(DataError, match=rf"a{ending} is empty \(0 bytes\)"):
        list(read_records(tmp_path / f"a{ending}"))
    write(tmp_path / f"b{ending}", b"\n \n")
    with pytest.raises(DataError, match=rf"b{ending} holds no records"):
        list(read_records(tmp_path / f"b{ending}"))
    with pytest.raises(DataError, match=rf"c{ending} does not exist"):
        list(read_records(tmp_path / f"c{ending}"))


@pytest.mark.parametrize("ending", [".jsonl.zst", ".jsonl.gz", ".parquet"])
def test_another_format_under_a_familiar_name_is_refused(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"a{ending}").write_bytes(LINES)
    with pytest.raises(
        DataError, match=rf"a{ending} is (truncated or damaged|not a complete Parquet file)"
    ):
        list(read_records(tmp_path / f"a{ending}"))


def test_every_name_of_json_lines_is_one_of_records(tmp_path: Path) -> None:
    for name in ("a.ndjson", "a.ndjson.gz", "a.NDJSON.zst"):
        path = write(tmp_path / name, LINES)
        assert is_record_file(path)
        assert list(read_records(path)) == list(enumerate(RECORDS, start=1))


@pytest.mark.parametrize(
    "name", ["docs.json", "docs.json.gz", "docs.json.zst", "part-00000", "a.gz"]
)
def test_content_tells_records_under_other_names(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, LINES)
    assert not is_record_file(path)
    assert holds_records(path)
    assert list(read_records(path)) == list(enumerate(RECORDS, start=1))


def test_parquet_under_another_name_is_told_by_content(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pa.Table.from_pylist(RECORDS), tmp_path / "part-00000")
    assert holds_records(tmp_path / "part-00000")
    assert list(read_records(tmp_path / "part-00000")) == list(enumerate(RECORDS, start=1))
    pyarrow.parquet.write_table(pa.table({"number": [1]}), tmp_path / "other")
    assert not holds_records(tmp_path / "other")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{\n  "text": "a document"\n}',
        b'{"sentence": "words"}\n',
        b'["text"]\n',
        b'"text"\n',
        b"[" * 100_000,
        b"PAR1 and no more",
        b"\x1f\x8b and no more",
        b"\xff\xfea",
        b'{"text": "caf\xe9"}\n',
    ],
)
def test_other_content_is_no_records(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.json").write_bytes(data)
    assert not holds_records(tmp_path / "a.json")


def test_a_first_record_longer_than_what_is_looked_at_is_one(tmp_path: Path) -> None:
    line = json.dumps({"text": "word " * 300_000}).encode()
    assert holds_records(write(tmp_path / "a.json.gz", line))
    assert not holds_records(write(tmp_path / "b.json", line.replace(b"text", b"data")))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, ending: str, encoding: str) -> None:
    text = "\n" + LINES.decode().replace("\n", "\r\n")
    path = write(tmp_path / f"a{ending}", text.encode(encoding))
    assert list(read_records(path)) == list(enumerate(RECORDS, start=2))


def test_utf_16_without_a_mark_or_its_end_is_named(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"a{ending}", '{"a": 1}\n{"a": 2}\n'.encode("utf-16-le"))
    with pytest.raises(DataError, match=r"line 1 is not UTF-8: .*iconv -f utf-16le"):
        list(read_records(path))
    path = write(tmp_path / f"a{ending}", '{"a": 1}\n'.encode("utf-16")[:-1])
    with pytest.raises(DataError, match=r"begins like utf-16-le but is not valid"):
        list(read_records(path))


def test_fields_that_are_not_needed_are_not_read(tmp_path: Path) -> None:
    """Dates out of range, unknown time zones and integers of 5,000 digits."""
    micros = pa.array([2**63 - 1, 0], type=pa.int64())
    columns = {
        "text": ["one", "two"],
        "meta": pa.StructArray.from_arrays(
            [pa.array(["RedPajamaC4"] * 2), micros.cast(pa.timestamp("us"))], ["name", "crawled"]
        ),
        "crawled": micros.cast(pa.timestamp("us")),
        "day": pa.array([2**31 - 1, 0], type=pa.int32()).cast(pa.date32()),
        "zone": micros.cast(pa.timestamp("us", tz="Mars/Base")),
    }
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pa.table(columns), path)
    expected = [(1, "one"), (2, "two")]
    found = list(read_records(path, fields=("text", "meta.name", "gone", "text.gone")))
    assert [(number, record["text"]) for number, record in found] == expected
    assert found[0][1]["meta"] == {"name": "RedPajamaC4"}
    with pytest.raises(DataError, match=r"a\.parquet row 1, column 'meta' cannot be read \("):
        list(read_records(path))
    lines = [f'{{"text": "{text}", "id": {"9" * 5000}}}\n' for _, text in expected]
    write(tmp_path / "a.jsonl", "".join(lines).encode())
    found = list(read_records(tmp_path / "a.jsonl", fields=("text",)))
    assert [(number, record["text"]) for number, record in found] == expected
    with pytest.raises(DataError, match=r"line 1 cannot be read \(Exceeds .* 5000 digits\)") as no:
        list(read_records(tmp_path / "a.jsonl"))
    assert len(str(no.value)) < 500


def test_a_text_that_is_no_utf_8_is_named_by_row_and_column(tmp_path: Path) -> None:
    texts = pa.array([b"fine"] * 300 + [b"caf\xe9"]).cast(pa.string(), safe=False)
    pyarrow.parquet.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet row 301, column 'text' cannot be read \("):
        list(read_records(tmp_path / "a.parquet"))


def test_a_part_without_records_has_an_error_of_its_own(tmp_path: Path) -> None:
    empty = pa.table({"text": pa.array([], type=pa.string())})
    pyarrow.parquet.write_table(empty, tmp_path / "a.parquet")
    write(tmp_path / "b.jsonl.gz", b"")
    (tmp_path / "c.jsonl").touch()
    for name in ("a.parquet", "b.jsonl.gz", "c.jsonl"):
        with pytest.raises(EmptyFileError, match=name):
            list(read_records(tmp_path / name))


def test_the_time_is_linear_in_the_size_of_a_line() -> None:
    """Joining a line anew for each of its chunks would copy 100 GB here."""
    start = time.process_time()
    chunks = [b"x" * 100] * 50_000
    assert list(map(len, split_lines(iter([*chunks, b"\nnext"])))) == [5_000_000, 4]
    assert time.process_time() - start < 5
