"""What is measured of a trained run: losses of held-out documents, retention, problems solved."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from corpus.base.errors import ArtifactError
from corpus.base.files import atomic_path
from corpus.config.run import RunConfig
from corpus.data.curriculum import Mixture
from corpus.data.prepared import Prepared
from corpus.evaluate.evaluate import evaluate_run
from corpus.evaluate.request import Request
from corpus.evaluate.text import document_losses, score_completions, sequence_losses
from corpus.model.transformer import Transformer
from corpus.run.folder import RunFolder
from corpus.run.weights import load_weights
from corpus.runtime.runtime import Runtime
from corpus.study.sequences import Sequences
from corpus.text.tokenizer import EOS, PAD
from corpus.train.data import TrainingData

LOSSES = "losses.npz"
"""The file in a run with what `write_losses` writes."""

RETENTION = 512
"""Training sequences whose loss is measured at the end: the same ones in all runs of a seed."""


@dataclass(frozen=True, kw_only=True)
class TextLosses:
    """Held-out losses of one model."""

    sums: dict[str, np.ndarray]
    """By source: [documents] summed loss in nats."""
    counts: dict[str, np.ndarray]
    """By source: [documents] predicted tokens."""

    @property
    def by_source(self) -> dict[str, float]:
        """Mean loss of a token, in nats."""
        return {name: float(self.sums[name].sum() / self.counts[name].sum()) for name in self.sums}

    def mean(self, weights: Mixture) -> float:
        """The endpoint: the mean over sources by their weights."""
        losses = self.by_source
        total = sum(weights[name] for name in losses)
        return sum(weights[name] * loss for name, loss in losses.items()) / total


def measure_text(model: Transformer, runtime: Runtime, prepared: Prepared) -> TextLosses:
    """Measure the loss of each held-out document."""
    eos = prepared.tokenizer.token_id(EOS)
    found = {
        name: document_losses(model, runtime, shard.tokens, eos_id=eos)
        for name, shard in prepared.validation.items()
    }
    return TextLosses(
        sums={name: sums for name, (sums, _) in found.items()},
        counts={name: counts for name, (_, counts) in found.items()},
    )


def measure_retention(
    model: Transformer, runtime: Runtime, sequences: Sequences, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of the order at which training sequences were read, and their loss now.

    Both are [sequences measured] float64, the loss in nats per token. The sequences depend on the
    seed alone, so the losses of two orders can be compared one by one. Models forget what they read
    early (arXiv:2509.25380).
    """
    number = min(RETENTION, len(order))
    chosen = ((np.arange(number) + 0.5) * len(order) / number).astype(np.int64)
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    rows = np.stack([sequences.tokens(int(index)) for index in chosen])
    eos = sequences.prepared.tokenizer.token_id(EOS)
    read = (places[chosen] + 0.5) / len(order)
    return read, sequence_losses(model, runtime, rows, eos_id=eos)


def measure_problems(config: RunConfig, folder: RunFolder, runtime: Runtime) -> dict[str, float]:
    """Score a fine-tuned run, and return its columns: accuracies, baselines and program losses."""
    scores, columns = evaluate_run(Request(folder=folder, text=False)), dict[str, float]()
    for name, score in scores["problems"].items():
        fields = {
            "accuracy": "accuracy",
            "accuracy_unseen": "accuracy_unseen",
            "accuracy_value": "accuracy_value",
            "nearest": "baseline_nearest",
            "majority": "baseline_majority",
            "num_problems": "num_problems",
        }
        for column, field in fields.items():
            if score.get(field) is not None:
                columns[f"{column}_{name}"] = score[field]
    model, tokenizer = load_weights(folder, runtime)
    for name, examples in TrainingData(config, folder).heldout_examples.items():
        pad = tokenizer.token_id(PAD)
        columns[f"program_loss_{name}"], _ = score_completions(model, runtime, examples, pad_id=pad)
    return columns


def write_losses(path: Path, losses: dict[str, TextLosses], **arrays: np.ndarray) -> None:
    """Write the losses of each document, by phase and source, and further arrays."""
    for phase, found in losses.items():
        for name in found.sums:
            arrays[f"{phase}/{name}/sums"] = found.sums[name]
            arrays[f"{phase}/{name}/counts"] = found.counts[name]
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_losses(path: Path, phase: str) -> TextLosses:
    """Return the losses that `write_losses` wrote of a phase. Raises `ArtifactError`."""
    with _opened(path) as arrays:
        names = [key.split("/")[1] for key in arrays if key.startswith(f"{phase}/")]
        names = list(dict.fromkeys(names))
        return TextLosses(
            sums={name: arrays[f"{phase}/{name}/sums"] for name in names},
            counts={name: arrays[f"{phase}/{name}/counts"] for name in names},
        )


def read_retention(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return what `measure_retention` found. Raises `ArtifactError`."""
    with _opened(path) as arrays:
        return arrays["retention_read"], arrays["retention_loss"]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open arrays; a missing or damaged file is an `ArtifactError`."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            yield arrays
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise ArtifactError(
            f"{path} cannot be read ({error}). Delete row.json beside it, and the run is measured "
            "again when the study goes on."
        ) from None
