"""The weights of a model: drawn from a seed, written to a file, and read from one.

A weight file is one safetensors file in fp32, with a tied embedding stored once. Its metadata names
the tokenizer the weights were trained with, so that they are never read with another one.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from corpus.base.errors import ArtifactError
from corpus.base.files import atomic_path
from corpus.config.model import ModelConfig
from corpus.model.transformer import Transformer

STANDARD_DEVIATION = 0.02
"""Of every matrix, the embedding included. Reference: Radford et al. 2019 (GPT-2), sec. 2.3."""

TOKENIZER = "tokenizer"
"""Name of the metadata entry that holds the tokenizer's digest."""


def build_model(
    config: ModelConfig, *, seed: int, device: torch.device | str = "cpu"
) -> Transformer:
    """Return a new model on `device` with weights drawn from `seed`."""
    return init_weights(empty_model(config, device), seed)


def empty_model(config: ModelConfig, device: torch.device | str) -> Transformer:
    """Return a model whose weights are not initialised: the caller must fill them."""
    with torch.device("meta"):
        model = Transformer(config)
    return model.to_empty(device=device)


@torch.no_grad()
def init_weights(model: Transformer, seed: int) -> Transformer:
    """Draw all weights from `seed`, in the order of their names: norms are 1, matrices normal.

    The two projections of a block that add to the residual stream are scaled down by
    √(2 · num_layers), so that the stream's variance does not grow with depth. Numbers are drawn on
    the CPU by an own generator, so that every device starts from the same weights.
    """
    generator = torch.Generator().manual_seed(seed)
    scale = 1 / math.sqrt(2 * model.config.num_layers)
    for name, parameter in sorted(model.named_parameters()):
        if parameter.ndim == 1:
            parameter.fill_(1.0)
            continue
        is_residual = name.endswith(("attention.output.weight", "feed_forward.down.weight"))
        drawn = torch.randn(parameter.shape, generator=generator) * STANDARD_DEVIATION
        parameter.copy_(drawn * scale if is_residual else drawn)
    return model


def save_model(path: Path, model: Transformer, metadata: Mapping[str, str]) -> None:
    """Write the model's weights to `path` atomically, as fp32.

    `metadata` should hold the tokenizer's digest under `TOKENIZER`; `check_tokenizer` refuses a
    file without it.
    """
    write_model(path, whole_tensors(model), metadata)


def whole_tensors(model: Transformer, *, keep: bool = True) -> dict[str, Tensor]:
    """Return the weights by name, fp32 on the CPU.

    Where ranks hold parts of them, all ranks must call this; those without `keep` get none.
    """
    tensors = {}
    for name, tensor in model.state_dict().items():
        whole = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
        if keep:
            tensors[name] = whole.detach().float().cpu().contiguous()
    return tensors


def write_model(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write what `whole_tensors` returned; see `save_model`."""
    with atomic_path(path) as temporary:
        save_file(dict(tensors), temporary, {"format": "pt", **metadata})
        _sort_header(temporary)


def _sort_header(path: Path) -> None:
    """Sort the names in the header of a safetensors file.

    The library writes metadata in an order that differs between processes, and equal weights
    should be equal files.
    """
    with open(path, "r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.dumps(
            json.loads(file.read(size)), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()
        file.seek(8)
        file.write(header.ljust(size))


def load_model(
    path: Path, config: ModelConfig, *, device: torch.device | str = "cpu"
) -> Transformer:
    """Return the model whose weights `path` holds, in fp32 on `device`.

    Raises `ArtifactError` if the file is missing or damaged, or does not fit `config`.
    """
    model = empty_model(config, device)
    model.load_state_dict(read_weights(model, path))
    return model


def read_weights(model: Transformer, path: Path) -> dict[str, Tensor]:
    """Return the tensors of a weight file, checked against the model's shape.

    Raises `ArtifactError` as `load_model` does.
    """
    tensors = read_tensors(path)
    _check_fit(path, {name: tuple(tensor.shape) for name, tensor in tensors.items()}, model)
    return tensors


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, on the CPU. Raises `ArtifactError`."""
    _check_exists(path)
    try:
        return load_file(path)
    except SafetensorError as error:
        raise _damaged(path, error) from None


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a safetensors file. Raises `ArtifactError`."""
    _check_exists(path)
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise _damaged(path, error) from None


def check_tokenizer(path: Path, digest: str) -> None:
    """Raise `ArtifactError` unless the weights were trained with the tokenizer of this digest."""
    stored = read_metadata(path).get(TOKENIZER)
    if stored != digest:
        trained_with = (
            f"tokenizer {stored[:12]}…" if stored else "a tokenizer that the file does not name"
        )
        raise ArtifactError(
            f"wrong tokenizer for the weights: {path} was trained with {trained_with}, but this "
            f"one is {digest[:12]}…. Use the tokenizer.json beside the weights, in the run that "
            "trained them."
        )


def _check_exists(path: Path) -> None:
    if not Path(path).is_file():
        raise ArtifactError(f"there are no weights at {path}. Train first, or check the path.")


def _damaged(path: Path, error: Exception) -> ArtifactError:
    return ArtifactError(
        f"the weights in {path} are damaged ({error}). Delete the file and run the stage that "
        "writes it again."
    )


def _check_fit(path: Path, found: Mapping[str, tuple[int, ...]], model: Transformer) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    fix = "The weights belong to another model: use the model.json beside them."
    for problem, names in (
        ("lacks", expected.keys() - found.keys()),
        ("has an unknown tensor", found.keys() - expected.keys()),
    ):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise ArtifactError(f"{path} {problem} {min(names)}{more}. {fix}")
    for name, shape in expected.items():
        if found[name] != shape:
            raise ArtifactError(
                f"{name} in {path} is {list(found[name])}; this model's is {list(shape)}. {fix}"
            )
