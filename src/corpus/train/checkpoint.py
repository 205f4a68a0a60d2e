"""Checkpoints: weights, optimizer and state, complete or absent, nothing pickled.

A checkpoint is a folder `PHASE-STEP` with `model.safetensors`, `optimizer.safetensors`,
`average.safetensors` where weights are averaged, and `state.json`, which holds the digests of the
others. It is written to a temporary folder and renamed, so a crash leaves older ones as they were.

Where ranks hold parts of the weights, each writes its own, `model-00001-of-00004.safetensors`: rows
of every tensor, in the order of the ranks. Reading concatenates the parts, so any number of ranks
can resume from it.
"""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from corpus.base.console import warn
from corpus.base.errors import ArtifactError
from corpus.base.files import atomic_folder, digest_file, read_json, restore_retired, write_json
from corpus.runtime.parallelize import like, local_part
from corpus.runtime.ranks import ALONE, Ranks

KEPT = 2
PARTS = ("model", "optimizer", "average")
"""Groups of tensors in a checkpoint; each is one file, or one per rank."""

_NAME = re.compile(r"(pretrain|finetune)-(\d{9})")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Everything a phase needs to resume exactly."""

    model: Mapping[str, torch.Tensor]
    optimizer: Mapping[str, torch.Tensor]
    average: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """The mean of the weights so far, where there is one."""
    state: dict[str, Any]


def save_checkpoint(
    folder: Path,
    checkpoint: Checkpoint,
    *,
    phase: str,
    step: int,
    ranks: Ranks = ALONE,
    sharded: bool = False,
) -> Path:
    """Write `folder/PHASE-STEP` atomically, then delete all but the phase's newest two.

    All ranks call this. The first one writes; where the tensors are `sharded`, the others write
    their parts beside it.
    """
    path = folder / f"{phase}-{step:09d}"
    if ranks.is_main:
        with atomic_folder(path) as temporary:
            ranks.from_main(str(temporary))
            _save_parts(temporary, checkpoint, ranks if sharded else ALONE)
            ranks.wait()
            digests = {
                file.name: digest_file(file) for file in sorted(temporary.glob("*.safetensors"))
            }
            write_json(
                temporary / "state.json",
                {**checkpoint.state, "phase": phase, "step": step, "digests": digests},
            )
        for old in list_checkpoints(folder, phase)[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)
    else:
        temporary = Path(ranks.from_main(""))
        if sharded:
            _save_parts(temporary, checkpoint, ranks)
        ranks.wait()
    ranks.wait()
    return path


def _save_parts(folder: Path, checkpoint: Checkpoint, ranks: Ranks) -> None:
    """Write this rank's part of every tensor; the first rank writes those that are not divided."""
    ending = "" if ranks.is_alone else f"-{ranks.rank + 1:05d}-of-{ranks.world_size:05d}"
    for name in PARTS:
        tensors = getattr(checkpoint, name)
        own = {
            key: local_part(tensor)
            for key, tensor in tensors.items()
            if ranks.is_main or local_part(tensor) is not tensor
        }
        if tensors or name != "average":
            _save_tensors(folder / f"{name}{ending}.safetensors", own)


def list_checkpoints(folder: Path, phase: str) -> list[Path]:
    """Return the phase's complete checkpoints, oldest first."""
    if not folder.exists():
        return []
    matches = [(match, path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    return [
        path
        for match, path in sorted(matches, key=lambda pair: int(pair[0][2]))
        if match[1] == phase
    ]


def load_newest(folder: Path, phase: str, *, ranks: Ranks = ALONE) -> Checkpoint | None:
    """Return the phase's newest intact checkpoint, or None if there is no checkpoint.

    A damaged checkpoint is skipped with a warning. Raises `ArtifactError` if every one is
    damaged. The first rank chooses for all.
    """
    if ranks.is_main:
        newest = _newest(folder, phase)
        ranks.from_main(newest.name if newest else "")
    else:
        name = ranks.from_main("")
        newest = folder / name if name else None
    return load_checkpoint(newest) if newest else None


def _newest(folder: Path, phase: str) -> Path | None:
    restore_retired(folder)
    for leftover in folder.glob(".*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)
    found = list_checkpoints(folder, phase)
    for path in reversed(found):
        try:
            load_checkpoint(path)
            return path
        except ArtifactError as error:
            warn(f"{error} Going back to the one before.")
    if found:
        raise ArtifactError(
            f"every {phase} checkpoint in {folder} is damaged; delete that folder to train this "
            "phase again"
        )
    return None


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and check its digests. Raises `ArtifactError` naming the damaged file."""
    state = read_json(path / "state.json", fix="The checkpoint cannot be read without it.")
    if not isinstance(state, dict) or not isinstance(state.get("digests"), dict):
        raise ArtifactError(f"checkpoint file {path / 'state.json'} is damaged: it has no digests.")
    for name, digest in state["digests"].items():
        if not (path / name).is_file() or digest_file(path / name) != digest:
            raise ArtifactError(
                f"checkpoint file {path / name} is missing or was changed after it was written."
            )
    tensors = {
        part: StoredTensors(
            [
                path / name
                for name in sorted(state["digests"])
                if name.removesuffix(".safetensors").split("-")[0] == part
            ]
        )
        for part in PARTS
    }
    return Checkpoint(**tensors, state=state)


def trained_tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return the trained weights by name: all of them, or the adapters beside frozen ones."""
    return {
        name: parameter.detach()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


@torch.no_grad()
def load_trained(model: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Load what `trained_tensors` returned.

    Raises `ArtifactError` if other weights were trained.
    """
    trained = {
        name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad
    }
    others = {*trained.keys() ^ tensors.keys()} or {
        name for name in trained if tensors[name].shape != trained[name].shape
    }
    if others:
        raise ArtifactError(
            f"the checkpoint holds other weights than this run trains ({min(others)} differs); set "
            "finetune.method and finetune.adapter in its config.json back to what they were"
        )
    for name, parameter in trained.items():
        parameter.copy_(like(tensors[name].to(parameter.device), parameter))


class StoredTensors(Mapping[str, torch.Tensor]):
    """The tensors of safetensors files, read on access; one in several files is concatenated."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._places: dict[str, list[Path]] = {}
        for path in files:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118
                    self._places.setdefault(name, []).append(path)

    def __getitem__(self, name: str) -> torch.Tensor:
        parts = []
        for path in self._places[name]:
            with safe_open(path, framework="pt") as file:
                parts.append(file.get_tensor(name))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _save_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    save_file({name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}, path)
