"""Identity of inputs: by content; a digest is computed once for a size and time of change."""

import os
import shutil
from pathlib import Path

import pytest

from corpus.base.errors import DataError
from corpus.prepare import digests
from corpus.prepare.digests import ContentDigests, digest_of


def test_files_of_equal_content_are_one_wherever_they_are(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("some text")
    shutil.copy(first, second)
    os.utime(second, (1, 1))
    found = ContentDigests(tmp_path / "inputs.json")
    assert found(first) == found(second) == digest_of(first)
    second.write_text("other txt")
    assert found(first) != found(second)


def test_a_digest_is_computed_once_for_a_size_and_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, computed = tmp_path / "a.txt", []
    path.write_text("some text")
    monkeypatch.setattr(digests, "digest_of", lambda each: computed.append(each) or "digest")
    for _ in range(2):
        found = ContentDigests(tmp_path / "inputs.json")
        assert found(path) == "digest"
        found.save()
    assert len(computed) == 1
    os.utime(path, (1, 1))
    ContentDigests(tmp_path / "inputs.json")(path)
    assert len(computed) == 2


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"/a.txt": 3}'])
def test_a_damaged_list_of_digests_is_made_again(tmp_path: Path, content: str) -> None:
    (tmp_path / "inputs.json").write_text(content)
    (tmp_path / "a.txt").write_text("some text")
    found = ContentDigests(tmp_path / "inputs.json")
    assert found(tmp_path / "a.txt") == digest_of(tmp_path / "a.txt")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.txt cannot be read: No such file"):
        digest_of(tmp_path / "gone.txt")
    with pytest.raises(DataError, match=r"gone\.txt cannot be read: No such file"):
        ContentDigests(tmp_path / "inputs.json")(tmp_path / "gone.txt")
