"""Tensors in safetensors files: hashed while they are written, and read by rows.

The format is a length (8 bytes, little-endian), a JSON header, and the tensors' bytes
(https://github.com/huggingface/safetensors). Writing it here hashes the bytes on their way to the
disk; a second reading would take as long as the writing.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from corpus.base.files import storage_errors
from corpus.runtime.parallelize import like, local_rows, sharded_like

KINDS = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""The format's name of each type of number."""

ALIGNMENT = 8
"""The header's length is a multiple of this, so that the tensors are aligned in the file."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write tensors to a new file, flush it to disk, and return its SHA-256 in hexadecimal.

    Only one tensor at a time is copied to the CPU.
    """
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header, place = {}, 0
    for name in order:
        tensor = tensors[name]
        end = place + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": KINDS[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [place, end],
        }
        place = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    digest = hashlib.sha256()
    with storage_errors(path), open(path, "wb") as file:
        for data in (len(text).to_bytes(8, "little"), text, *(_bytes(tensors[n]) for n in order)):
            digest.update(data)
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _bytes(tensor: Tensor) -> memoryview:
    flat = tensor.detach().contiguous().cpu().reshape(-1)
    return flat.view(torch.uint8).numpy().data if flat.numel() else memoryview(b"")


class StoredTensors(Mapping[str, Tensor]):
    """The tensors of safetensors files, read on access; one in several files is concatenated."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._places: dict[str, list[tuple[Path, torch.Size]]] = {}
        for path in files:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118
                    shape = torch.Size(file.get_slice(name).get_shape())
                    self._places.setdefault(name, []).append((path, shape))

    def __getitem__(self, name: str) -> Tensor:
        parts = []
        for path, _ in self._places[name]:
            with safe_open(path, framework="pt") as file:
                parts.append(file.get_tensor(name))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def shape(self, name: str) -> torch.Size:
        """Return the shape of the whole tensor; nothing is read."""
        (_, first), *others = self._places[name]
        if not others:
            return first
        return torch.Size([first[0] + sum(shape[0] for _, shape in others), *first[1:]])

    def rows(self, name: str, start: int, end: int) -> Tensor:
        """Return rows of a tensor with dimensions; other rows are not read."""
        parts, begin = [], 0
        for path, shape in self._places[name]:
            first, last = max(start - begin, 0), min(end - begin, shape[0])
            if first < last:
                with safe_open(path, framework="pt") as file:
                    parts.append(file.get_slice(name)[first:last])
            begin += shape[0]
        return torch.cat(parts) if parts else self._empty(name)

    def _empty(self, name: str) -> Tensor:
        path, _ = self._places[name][0]
        with safe_open(path, framework="pt") as file:
            return file.get_slice(name)[0:0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def shape_of(tensors: Mapping[str, Tensor], name: str) -> torch.Size:
    """Return the shape of one of the tensors, without reading it where it is stored."""
    return tensors.shape(name) if isinstance(tensors, StoredTensors) else tensors[name].shape


def like_stored(tensors: Mapping[str, Tensor], name: str, other: Tensor) -> Tensor:
    """Return one of the tensors on the device of `other`, sharded as that is.

    Of a stored one, only the rows are read that this rank keeps.
    """
    rows = local_rows(other)
    if rows is None or not isinstance(tensors, StoredTensors):
        return like(tensors[name].to(other.device), other)
    return sharded_like(tensors.rows(name, *rows).to(other.device), other)
