"""Checkpoints: weights, optimizer and state, complete or absent, nothing pickled.

A checkpoint is a folder `PHASE-STEP` with `model.safetensors`, `optimizer.safetensors`,
`average.safetensors` where weights are averaged, and `state.json`, which holds the digests of the
others. It is written to a temporary folder and renamed, so a crash leaves older ones as they were.

Where ranks hold parts of the weights, each writes its own, `model-00001-of-00004.safetensors`: rows
of every tensor, in the order of the ranks. A rank hashes and flushes what it writes. Any number of
ranks can resume: each checks its share of the files and reads the rows that it needs.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from corpus.base.console import warn
from corpus.base.errors import ArtifactError, ConfigError
from corpus.base.files import atomic_folder, digest_file, read_json, restore_retired, write_json
from corpus.base.plain import short
from corpus.runtime.parallelize import local_part
from corpus.runtime.ranks import ALONE, Ranks
from corpus.train.tensor_files import StoredTensors, like_stored, shape_of, write_tensors

KEPT = 2
PARTS = ("model", "optimizer", "average")
"""Groups of tensors in a checkpoint; each is one file, or one per rank."""

_STATE = {"digests": dict, "metrics_bytes": int, "scaler": dict, "position": dict, "cursor": dict}
"""Types in a state."""

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
            own = _save_parts(temporary, checkpoint, ranks if sharded else ALONE)
            digests = {name: digest for part in ranks.gather(own) for name, digest in part.items()}
            write_json(
                temporary / "state.json",
                {**checkpoint.state, "phase": phase, "step": step, "digests": digests},
            )
        for old in list_checkpoints(folder, phase)[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)
    else:
        temporary = Path(ranks.from_main(""))
        ranks.gather(_save_parts(temporary, checkpoint, ranks) if sharded else {})
    ranks.wait()
    return path


def _save_parts(folder: Path, checkpoint: Checkpoint, ranks: Ranks) -> dict[str, str]:
    """Write this rank's part of every tensor; the first rank writes those that are not divided.

    Returns the SHA-256 of each file by its name.
    """
    ending = "" if ranks.is_alone else f"-{ranks.rank + 1:05d}-of-{ranks.world_size:05d}"
    digests = {}
    for name in PARTS:
        tensors = getattr(checkpoint, name)
        own = {
            key: local_part(tensor)
            for key, tensor in tensors.items()
            if ranks.is_main or local_part(tensor) is not tensor
        }
        if tensors or name != "average":
            file = f"{name}{ending}.safetensors"
            digests[file] = write_tensors(folder / file, own)
    return digests


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
        restore_retired(folder)
        for leftover in folder.glob(".*.tmp"):
            shutil.rmtree(leftover, ignore_errors=True)
    found = ranks.from_main([path.name for path in list_checkpoints(folder, phase)])
    for name in reversed(found):
        damage = _damage(folder / name, ranks)
        if not damage:
            return _read(folder / name)
        warn(f"{damage} Going back to the one before.")
    if found:
        raise ArtifactError(
            f"every {phase} checkpoint in {folder} is damaged; delete that folder to train this "
            "phase again"
        )
    return None


def _damage(path: Path, ranks: Ranks) -> str:
    """Return what is damaged in a checkpoint, or "" if it is whole.

    Each rank checks its share of the files, and all get the same answer.
    """
    try:
        digests, own = _state(path)["digests"], ""
        for name in sorted(digests)[ranks.rank :: ranks.world_size]:
            if not (path / name).is_file() or digest_file(path / name) != digests[name]:
                own = (
                    f"checkpoint file {path / name} is missing or was changed after it was written."
                )
                break
    except ArtifactError as error:
        own = str(error)
    return next((damage for damage in ranks.gather(own) if damage), "")


def _state(path: Path) -> dict[str, Any]:
    state = read_json(path / "state.json", fix="The checkpoint cannot be read without it.")
    if not isinstance(state, dict) or "digests" not in state:
        raise ArtifactError(f"checkpoint file {path / 'state.json'} is damaged: it has no digests.")
    for name, kind in _STATE.items():
        if name in state and type(state[name]) is not kind:
            raise ArtifactError(
                f"checkpoint file {path / 'state.json'} is damaged: {name} is {short(state[name])}."
            )
    return state


@contextmanager
def state_errors(folder: Path, phase: str) -> Iterator[None]:
    """Name the checkpoint where its state cannot be resumed from."""
    try:
        yield
    except (ConfigError, KeyError) as error:
        path = list_checkpoints(folder, phase)[-1]
        raise ArtifactError(
            f"{path / 'state.json'} is damaged: {error}. Delete {path} to resume from the "
            "checkpoint before it."
        ) from None


def _read(path: Path) -> Checkpoint:
    """Open a checkpoint whose files were checked; tensors are read on access."""
    state = _state(path)
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
        name for name in trained if shape_of(tensors, name) != trained[name].shape
    }
    if others:
        raise ArtifactError(
            f"the checkpoint holds other weights than this run trains ({min(others)} differs); set "
            "finetune.method and finetune.adapter in its config.json back to what they were"
        )
    for name, parameter in trained.items():
        parameter.copy_(like_stored(tensors, name, parameter))
