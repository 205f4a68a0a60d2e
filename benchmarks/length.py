"""What happens past the trained length: held-out loss by position in longer rows, unscaled and
under each scaling of the positions.

    python benchmarks/length.py --run RUN [--contexts 256 512 1024] [--factors 2 4]

A row is a piece of one held-out document, so that nothing in it is hidden from what follows; every
source gives up to --rows, spread over its text. `windows` is what a model does that never reads
past its trained length: each token is predicted from the last half to whole of that length. After ±
is 95 % of the mean over rows; differences are of the same tokens, row by row. The ratio is the loss
past the trained length under the best scaling over that without any (below 1 is good).
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from corpus.base.errors import CorpusError, DataError
from corpus.config.rope import Reach, RopeScaling
from corpus.config.runtime import RuntimeConfig
from corpus.data.prepared import Prepared
from corpus.model.transformer import Transformer
from corpus.run.folder import RunFolder
from corpus.run.weights import load_weights
from corpus.runtime.runtime import resolve

TYPES = ("linear", "ntk", "yarn", "llama3")
ROWS = 8
"""Rows read at a time."""


def long_rows(prepared: Prepared, length: int, most: int) -> tuple[np.ndarray, dict[str, int]]:
    """Return rows of length + 1 tokens, each within one held-out document, and how many each source
    gave (at most `most`)."""
    rows, counts = [], {}
    for source, shard in prepared.validation.items():
        documents = (
            np.asarray(shard.document(index), dtype=np.int64)
            for index in range(shard.num_documents)
        )
        pieces = [
            each[at : at + length + 1]
            for each in documents
            for at in range(0, len(each) - length, length)
        ]
        pieces = [
            pieces[index]
            for index in np.linspace(0, len(pieces) - 1, min(most, len(pieces))).astype(int)
        ]
        rows += pieces
        counts[source] = len(pieces)
    if len(rows) < 2:
        raise DataError(
            f"fewer than two held-out documents have {length} tokens; give shorter --contexts, or prepare more held-out text"
        )
    return np.stack(rows), counts


def losses(model: Transformer, rows: np.ndarray) -> np.ndarray:
    """Return the loss of each token after the first, in nats: [rows length]."""
    found = []
    with torch.inference_mode():
        for first in range(0, len(rows), ROWS):
            tokens = torch.from_numpy(rows[first : first + ROWS])
            logits = model(tokens[:, :-1])[..., : model.config.vocab_size].float()
            found.append(
                F.cross_entropy(logits.transpose(1, 2), tokens[:, 1:], reduction="none").numpy()
            )
    return np.concatenate(found)


def losses_in_windows(model: Transformer, rows: np.ndarray, window: int) -> np.ndarray:
    """Return the same where nothing is read past `window` tokens: windows overlap by half, and each
    gives its later half."""
    length, half = rows.shape[1] - 1, window // 2
    found = [losses(model, rows[:, : min(window, length) + 1])]
    for end in range(window + half, length + half, half):
        end = min(end, length)
        found.append(
            losses(model, rows[:, end - window : end + 1])[
                :, -(end - sum(part.shape[1] for part in found)) :
            ]
        )
    return np.concatenate(found, axis=1)


def settings(trained: int, contexts: Sequence[int], factors: Sequence[float]) -> dict[str, Reach]:
    """Return what is compared, by name."""
    found = {"none": Reach(context_length=contexts[-1])}
    for kind in TYPES:
        for factor in factors:
            scaling = RopeScaling(
                rope_type=kind, factor=factor, original_max_position_embeddings=trained
            )
            found[f"{kind} {factor:g}"] = Reach(context_length=contexts[-1], rope_scaling=scaling)
    return found


def mean(values: np.ndarray) -> tuple[float, float]:
    """Return the mean over rows of each row's mean, and 95 % of it to each side."""
    each = values.mean(axis=1)
    return float(each.mean()), 1.96 * float(each.std(ddof=1)) / math.sqrt(len(each))


def measure(options: argparse.Namespace) -> None:
    """Print the table and the JSON line."""
    folder, runtime = (
        RunFolder(options.run),
        resolve(replace(RuntimeConfig(), device="cpu", precision="fp32")),
    )
    trained = load_weights(folder, runtime, name=options.weights)[0].config.context_length
    contexts = sorted({trained, *options.contexts})
    if contexts[-1] == trained:
        raise DataError(
            f"the run was trained in rows of {trained} tokens; give --contexts beyond that"
        )
    rows, counts = long_rows(Prepared.open(folder.prepared), contexts[-1], options.rows)
    by_name: dict[str, np.ndarray] = {}
    for name, reach in settings(trained, contexts, options.factors).items():
        model = load_weights(folder, runtime, name=options.weights, reach=reach)[0]
        if name == "none":
            by_name["windows"] = losses_in_windows(model, rows, trained)
        by_name[name] = losses(model, rows)
    parts = list(zip([0, *contexts[:-1]], contexts))
    print(
        f"{len(rows)} rows of {contexts[-1]} tokens ({', '.join(f'{source} {count}' for source, count in counts.items())}), trained at {trained}"
    )
    print(
        "| scaling | "
        + " | ".join(f"{first}–{last}" for first, last in parts)
        + f" | past {trained}, less none |"
    )
    print("| --- |" + " ---: |" * (len(parts) + 1))
    past = {}
    for name in ("none", "windows", *(each for each in by_name if each not in ("none", "windows"))):
        cells = [
            "{:.3f} ± {:.3f}".format(*mean(by_name[name][:, first:last])) for first, last in parts
        ]
        past[name] = mean(by_name[name][:, trained:])[0]
        less = mean((by_name[name] - by_name["none"])[:, trained:])
        print(
            f"| {name} | "
            + " | ".join(cells)
            + " | "
            + ("" if name == "none" else "{:+.3f} ± {:.3f}".format(*less))
            + " |"
        )
    best = min((name for name in past if name not in ("none", "windows")), key=past.__getitem__)
    print(
        json.dumps(
            {
                "name": "length",
                "ratio": round(past[best] / past["none"], 4),
                "best": best,
                "loss_past_trained": past,
                "rows": len(rows),
            }
        )
    )


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--weights", default="pretrained", choices=("pretrained", "final"))
    parser.add_argument(
        "--contexts",
        type=int,
        nargs="+",
        default=[512, 1024],
        help="lengths at which positions are divided",
    )
    parser.add_argument("--factors", type=float, nargs="+", default=[2, 4])
    parser.add_argument("--rows", type=int, default=16, help="most rows of a source")
    options = parser.parse_args()
    try:
        measure(options)
    except CorpusError as error:
        parser.exit(2, f"{type(error).__name__}: {error}\n")


if __name__ == "__main__":
    main()
