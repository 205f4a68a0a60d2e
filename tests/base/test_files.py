"""Files are whole or not there: after an error, on a full disk, and when the process is killed in
the middle of writing."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.base import files
from corpus.base.errors import ArtifactError, StorageError
from corpus.base.files import (
    atomic_folder,
    atomic_path,
    digest_file,
    digest_json,
    read_json,
    require_writable,
    restore_retired,
    storage_error,
    storage_errors,
    write_json,
    write_text,
)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole(tmp_path: Path) -> None:
    write_text(tmp_path / "deep" / "a.txt", "one\r\ntwo\n")
    assert (tmp_path / "deep" / "a.txt").read_bytes() == b"one\r\ntwo\n"
    assert _names(tmp_path / "deep") == ["a.txt"]


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(ValueError, match="stop"), atomic_path(path) as temporary:
        temporary.write_text("half of the n")
        raise ValueError("stop")
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["a.txt"]


def test_an_error_leaves_the_old_folder(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "x") as temporary:
        write_text(temporary / "a", "old")
    with pytest.raises(ValueError, match="stop"), atomic_folder(tmp_path / "x") as temporary:
        write_text(temporary / "b", "new")
        raise ValueError("stop")
    assert _names(tmp_path) == ["x"]
    assert _names(tmp_path / "x") == ["a"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with atomic_folder(tmp_path / "x") as temporary:
            write_text(temporary / "deep" / name, name)
    assert _names(tmp_path) == ["x"]
    assert _names(tmp_path / "x" / "deep") == ["b"]


def test_a_failing_rename_brings_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with atomic_folder(tmp_path / "x") as temporary:
        write_text(temporary / "a", "old")
    replace = os.replace

    def fail_to_swap_in(source: Path, target: Path) -> None:
        if Path(target) == tmp_path / "x" and ".old." not in str(source):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", fail_to_swap_in)
    with pytest.raises(StorageError, match="is full"), atomic_folder(tmp_path / "x") as temporary:
        write_text(temporary / "a", "new")
    assert (tmp_path / "x" / "a").read_text() == "old"
    assert _names(tmp_path) == ["x"]


def test_a_file_of_the_users_is_not_replaced_by_a_folder(tmp_path: Path) -> None:
    write_text(tmp_path / "x", "precious")
    with (
        pytest.raises(StorageError, match="cannot write"),
        atomic_folder(tmp_path / "x") as temporary,
    ):
        write_text(temporary / "a", "new")
    assert (tmp_path / "x").read_text() == "precious"


_WRITE_FOREVER = """
import sys, time
from pathlib import Path
from corpus.base.files import atomic_folder, write_text
with atomic_folder(Path(sys.argv[1]) / "step-2") as temporary:
    (temporary / "weights").write_bytes(b"half")
    print("writing", flush=True)
    time.sleep(60)
"""


def test_a_kill_in_the_middle_of_writing_leaves_nothing_that_counts(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WRITE_FOREVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        write_text(tmp_path / "while-it-lives", "")
        assert len(_names(tmp_path)) == 2
        process.kill()
    assert not (tmp_path / "step-2").exists()
    write_text(tmp_path / "note", "the next write clears away what the dead process left")
    assert _names(tmp_path) == ["note", "while-it-lives"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError(errno.EFBIG, "File too large"),
        OSError("100000 requested and 30720 written"),  # numpy.save
        RuntimeError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        ),  # safetensors
    ],
)
def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"step": 1})
    with (
        pytest.raises(StorageError, match=r"the disk holding .*a\.json is full.*free some space"),
        atomic_path(path) as temporary,
    ):
        temporary.write_bytes(b"{")
        raise error
    assert read_json(path) == {"step": 1}
    assert _names(tmp_path) == ["a.json"]


def test_a_disk_that_fills_up_at_the_last_flush(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path / "a", "old")

    def fail(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(StorageError, match="is full"):
        write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old"


def test_a_place_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "")
    with pytest.raises(StorageError, match=r"cannot write .*Choose another folder"):
        write_text(tmp_path / "file" / "a.txt", "")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="cannot write"):
        write_text(tmp_path / "folder", "")
    with pytest.raises(StorageError, match="cannot write"):
        write_text(tmp_path / ("n" * 300), "")


def test_an_input_that_cannot_be_read_is_not_called_an_output(tmp_path: Path) -> None:
    denied = PermissionError(
        errno.EACCES, "Permission denied", str(tmp_path / "inputs" / "text.jsonl")
    )
    with pytest.raises(PermissionError), storage_errors(tmp_path / "out" / "shard.bin"):
        raise denied
    denied = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "out"))
    with (
        pytest.raises(StorageError, match="cannot write"),
        storage_errors(tmp_path / "out" / "shard.bin"),
    ):
        raise denied


def test_too_many_open_files_are_told_with_the_way_out() -> None:
    told = storage_error(OSError(errno.EMFILE, "Too many open files", "x.train.text"))
    assert told is not None
    assert "ulimit -n 4096" in str(told)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(json_values)
def test_any_json_value_survives_a_file(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "value.json"
    write_json(path, value)
    assert read_json(path) == value


def test_half_an_emoji_survives_a_file(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"text": "\ud83d"})
    assert read_json(tmp_path / "a.json") == {"text": "\ud83d"}


def test_json_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"a\.json is missing"):
        read_json(tmp_path / "a.json")
    for damaged in (b"", b"{", b"\xff\xfe", b"[" * 100_000):
        (tmp_path / "a.json").write_bytes(damaged)
        with pytest.raises(ArtifactError, match=r"a\.json is damaged"):
            read_json(tmp_path / "a.json")
    with pytest.raises(ArtifactError, match="is a file, not a folder"):
        read_json(tmp_path / "a.json" / "b.json")
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_json(tmp_path)


def test_digests(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert (
        digest_file(tmp_path / "a")
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert digest_json({"a": 1, "b": [1, 2]}) == digest_json(json.loads('{"b": [1, 2], "a": 1}'))
    assert digest_json({"a": 1}) != digest_json({"a": 2})


def test_an_output_that_cannot_be_written_is_known_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file" / "scores.json", tmp_path):
        with pytest.raises(StorageError, match="Choose another folder"):
            require_writable(path)
    require_writable(tmp_path / "new" / "scores.json")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_folder_left_aside_by_a_crash_gets_its_name_back(tmp_path: Path) -> None:
    """Killed between the two renames: the old folder is whole and must not be lost."""
    (tmp_path / ".step-1.old.abcd-1.tmp").mkdir()
    (tmp_path / ".step-2.old.abcd-1.tmp").mkdir()
    (tmp_path / "step-2").mkdir()
    restore_retired(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".step-2.old.abcd-1.tmp",
        "step-1",
        "step-2",
    ]
