"""Files of records: every container gives the same records, and every kind of damage is named with
its fix."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
import zstandard

from corpus.base.errors import DataError
from corpus.prepare.sources.records import read_records

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
