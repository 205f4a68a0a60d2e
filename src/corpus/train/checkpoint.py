"""Checkpoints: weights, optimizer and state, whole or not there, nothing pickled.

A checkpoint is a folder `PHASE-STEP` with `model.safetensors`, `optimizer.safetensors`, `average.safetensors` where weights are being
averaged, and `state.json`, which holds the digests of the others. It is written beside its place and renamed, so a crash in the middle of writing leaves the older ones as they were.
"""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from corpus.base.console import warn
from corpus.base.errors import ArtifactError
from corpus.base.files import atomic_folder, digest_file, read_json, restore_retired, write_json

KEPT = 2
_NAME = re.compile(r"(pretrain|finetune)-(\d{9})")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Everything a phase needs to go on as if nothing had happened."""

    model: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor]
    average: dict[str, torch.Tensor] = field(default_factory=dict)
    """The mean of the weights so far, where there is one."""
    state: dict[str, Any]


def save_checkpoint(folder: Path, checkpoint: Checkpoint, *, phase: str, step: int) -> Path:
    """Write `folder/PHASE-STEP` atomically, then delete all but the newest two checkpoints of the phase."""
    path = folder / f"{phase}-{step:09d}"
    with atomic_folder(path) as temporary:
        for name in ("model", "optimizer", "average"):
            tensors = getattr(checkpoint, name)
            if tensors or name != "average":
                _save_tensors(temporary / f"{name}.safetensors", tensors)
        digests = {file.name: digest_file(file) for file in sorted(temporary.glob("*.safetensors"))}
        write_json(temporary / "state.json", {**checkpoint.state, "phase": phase, "step": step, "digests": digests})
    for old in list_checkpoints(folder, phase)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return path


def list_checkpoints(folder: Path, phase: str) -> list[Path]:
    """Return the phase's checkpoints, oldest first. Folders that were being written when a process died are not among them."""
    if not folder.exists():
        return []
    matches = [(match, path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    return [path for match, path in sorted(matches, key=lambda pair: int(pair[0][2])) if match[1] == phase]


def load_newest(folder: Path, phase: str) -> Checkpoint | None:
    """Return the phase's newest checkpoint that is whole, or None where there is none at all.

    A damaged checkpoint is passed over with a warning. Raises `ArtifactError` where every one is damaged.
    """
    restore_retired(folder)
    for leftover in folder.glob(".*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)
    found = list_checkpoints(folder, phase)
    for path in reversed(found):
        try:
            return load_checkpoint(path)
        except ArtifactError as error:
            warn(f"{error} Going back to the one before.")
    if found:
        raise ArtifactError(f"every {phase} checkpoint in {folder} is damaged; delete that folder to train this phase again")
    return None


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and check its digests. Raises `ArtifactError` naming the damaged file."""
    state = read_json(path / "state.json", fix="A checkpoint is of no use without it.")
    if not isinstance(state, dict) or not isinstance(state.get("digests"), dict):
        raise ArtifactError(f"checkpoint file {path / 'state.json'} is damaged: it names no digests.")
    for name, digest in state["digests"].items():
        if not (path / name).is_file() or digest_file(path / name) != digest:
            raise ArtifactError(f"checkpoint file {path / name} is missing or was changed after it was written.")
    tensors = {Path(name).stem: load_file(path / name) for name in state["digests"]}
    return Checkpoint(model=tensors["model"], optimizer=tensors["optimizer"], average=tensors.get("average", {}), state=state)


def _save_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    save_file({name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}, path)
