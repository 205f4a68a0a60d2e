"""An adapter as a folder for peft: `PeftModel.from_pretrained(exported_model, FOLDER)`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from corpus.base.files import atomic_folder, digest_file, write_json
from corpus.base.manifest import Manifest, make_key, write_manifest
from corpus.config.finetune import FinetuneConfig
from corpus.export.huggingface import huggingface_name
from corpus.finetune.adapters import TABLES, lora_config

KIND = "adapter"
CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"

PREFIX = "base_model.model."
"""What peft puts before the names of modules in the wrapped model."""


def export_adapter(
    tensors: Mapping[str, Tensor],
    settings: FinetuneConfig,
    *,
    symbols: Sequence[int],
    output: Path,
    weights: Path,
    tied: bool,
) -> Path:
    """Write adapter_config.json, adapter_model.safetensors and a manifest to `output`.

    Args:
        tensors: what `finetune.adapters.adapter_tensors` returns.
        settings: how they were trained.
        symbols: ids of the program symbols, whose embeddings are trained if the settings say so.
        output: the folder; an earlier adapter there is replaced.
        weights: the file of the frozen weights, whose digest goes into the manifest.
        tied: whether the embedding is the head too.
    """
    with atomic_folder(output) as folder:
        (folder / WEIGHTS_FILE).write_bytes(
            save({peft_name(name): tensor for name, tensor in tensors.items()}, {"format": "pt"})
        )
        write_json(folder / CONFIG_FILE, _peft_config(settings, symbols, tied=tied))
        config = {"method": settings.method}
        inputs = {"weights": digest_file(weights)}
        write_manifest(
            folder,
            Manifest(kind=KIND, key=make_key(KIND, config, inputs), config=config, inputs=inputs),
        )
    return output


def peft_name(name: str) -> str:
    """Return peft's name of an adapter's tensor, such as `….q_proj.lora_A.weight`."""
    for mark in (".lora_", ".token_adapter."):
        place, found, rest = name.partition(mark)
        if found:
            module = huggingface_name(f"{place}.weight").removesuffix(".weight")
            return PREFIX + module + found + rest
    raise KeyError(f"{name} is no tensor of an adapter")


def _peft_config(settings: FinetuneConfig, symbols: Sequence[int], *, tied: bool) -> dict[str, Any]:
    """Return adapter_config.json as peft writes it, with Llama's names."""
    layers = [
        _last(f"blocks.0.{'attention' if name in ATTENTION else 'feed_forward'}.{name}")
        for name in settings.adapter.layers
    ]
    config = lora_config(
        settings.adapter,
        symbols,
        tables=[_last(name) for name in (TABLES[:1] if tied else TABLES)],
        target_modules=layers,
        task_type="CAUSAL_LM",
        inference_mode=True,
    )
    plain = {
        name: sorted(value) if isinstance(value, set) else value
        for name, value in config.to_dict().items()
    }
    return json.loads(json.dumps(plain))


ATTENTION = ("query", "key", "value", "output")


def _last(module: str) -> str:
    return huggingface_name(f"{module}.weight").split(".")[-2]
