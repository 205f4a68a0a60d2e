"""Tensors in files: the bytes that others read, and only the rows that are asked for."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from corpus.base.files import digest_file
from corpus.train import tensor_files as module
from corpus.train.tensor_files import KINDS, StoredTensors, write_tensors


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_library_reads_what_was_written_and_the_digest_is_that_of_the_file(
    tmp_path: Path, kind: torch.dtype
) -> None:
    tensors = {
        "odd": torch.arange(3).to(torch.int8),
        "é": torch.arange(12).reshape(3, 4).to(kind).T,
        "scalar": torch.tensor(1).to(kind),
        "empty": torch.empty(0, 4, dtype=kind),
    }
    digest = write_tensors(tmp_path / "a.safetensors", tensors)
    assert digest == digest_file(tmp_path / "a.safetensors")
    read = load_file(tmp_path / "a.safetensors")
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(0, 5), min_size=1, max_size=6),
    start=st.integers(0, 30),
    length=st.integers(0, 30),
)
def test_rows_come_from_the_files_that_hold_them_alone(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], start: int, length: int
) -> None:
    """A resume of many ranks once read every part on each of them."""
    folder, whole = tmp_path_factory.mktemp("parts"), torch.arange(4.0 * sum(sizes)).reshape(-1, 4)
    files = [folder / f"{number}.safetensors" for number in range(len(sizes))]
    for path, part in zip(files, whole.split(sizes), strict=True):
        write_tensors(path, {"w": part})
    stored, opened = StoredTensors(files), []
    end = min(start + length, len(whole))
    with pytest.MonkeyPatch.context() as patch:
        real = module.safe_open

        def note(path: Path, **given: Any) -> Any:
            opened.append(path)
            return real(path, **given)

        patch.setattr(module, "safe_open", note)
        rows = stored.rows("w", min(start, len(whole)), end)
    assert stored.shape("w") == whole.shape
    assert torch.equal(rows, whole[start:end])
    assert torch.equal(stored["w"], whole)
    begins = [sum(sizes[:number]) for number in range(len(sizes))]
    needed = [
        path
        for path, begin, size in zip(files, begins, sizes, strict=True)
        if max(begin, start) < min(begin + size, end)
    ]
    assert opened == (needed or files[:1])
