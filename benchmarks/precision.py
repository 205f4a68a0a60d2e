"""What each precision costs and brings on this machine: time of a step over fp32's (below 1 is
good), and the loss after equal tokens.

For two shapes: steps of all precisions the device has, in turn, medians; then one pre-training run
each, of the same tokens in the same order. A precision is worth taking where it is faster and its
loss is within 0.01 of the reference's (`--reference`).

    corpus prepare cpu --data DATA --out RUN
    python benchmarks/precision.py --run RUN [--tokens 0]
"""

import argparse
import datetime
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

import torch
from table import EVERYTHING, Table

from corpus.base.units import Budget
from corpus.config.model import ModelConfig
from corpus.config.run import RunConfig
from corpus.config.runtime import RuntimeConfig
from corpus.data.batch import Batch
from corpus.data.curriculum import plan_phases
from corpus.data.loader import TextLoader
from corpus.data.prepared import Prepared
from corpus.model.low_precision import compute_in
from corpus.model.weights import build_model
from corpus.plan.sizes import best_batch_size, best_learning_rate, shape_of
from corpus.plan.small_run import pretrain_once
from corpus.recipes.cpu import cpu
from corpus.run.folder import RunFolder
from corpus.runtime.runtime import resolve, supported_precisions
from corpus.text.tokenizer import EOS
from corpus.train.optimizer import build_optimizer
from corpus.train.step import CompiledBackbone, TrainStep, eager_backbone

TABLE = Table(
    "precision",
    (
        "date",
        "device",
        "layers",
        "dim",
        "precision",
        "compiled",
        "step_seconds",
        "tokens",
        "loss",
        "threads",
        "torch",
    ),
)


def sample_of(prepared: Prepared, config: RunConfig, batch_size: int) -> Batch:
    """Return a batch of text."""
    sources = dict(prepared.train.tokens)
    return TextLoader(
        sources,
        plan_phases(config.curriculum, list(sources)),
        context_length=config.model.context_length,
        batch_size=batch_size,
        eos_id=prepared.tokenizer.token_id(EOS),
        seed=0,
    ).batch(0.0)


def step_seconds(
    shapes: list[ModelConfig], prepared: Prepared, options: argparse.Namespace
) -> dict[tuple[int, str], float]:
    """Return the median seconds of a step by width and precision; the precisions of a shape take
    turns."""
    config, found = cpu(), {}
    for shape in shapes:
        batch = sample_of(prepared, config, config.train.sequences_per_batch)
        steps = {}
        for precision in options.precisions:
            torch._dynamo.reset()
            runtime = resolve(RuntimeConfig(precision=precision, num_threads=options.threads))  # pyright: ignore[reportArgumentType]
            model = build_model(shape, seed=0, device=runtime.device)
            compute_in(model, precision)
            backbone = CompiledBackbone(model) if options.compile else eager_backbone(model)
            step = TrainStep(
                model,
                build_optimizer(model, config.train.optimizer),
                runtime,
                backbone=backbone,
                clip_norm=1.0,
            )
            step(batch, 1e-4)
            steps[precision] = step
        times: dict[str, list[float]] = {precision: [] for precision in steps}
        for _ in range(options.rounds):
            for precision, step in steps.items():
                start = time.perf_counter()
                step(batch, 1e-4)
                step.runtime.synchronize()
                times[precision].append(time.perf_counter() - start)
        found |= {
            (shape.dim, precision): statistics.median(values) for precision, values in times.items()
        }
    return found


def loss_of(
    shape: ModelConfig, precision: str, prepared: Prepared, options: argparse.Namespace
) -> float:
    """Return the held-out loss after the tokens."""
    recipe, tokens = cpu(), options.tokens
    train = replace(
        recipe.train,
        sequences_per_batch=best_batch_size(shape, tokens),
        schedule=replace(
            recipe.train.schedule,
            learning_rate=best_learning_rate(shape, tokens, recipe.train.optimizer),
        ),
    )
    run = pretrain_once(
        prepared,
        shape,
        budget=Budget(kind="tokens", amount=tokens),
        train=train,
        curriculum=recipe.curriculum,
        runtime=RuntimeConfig(compile="off", num_threads=options.threads, precision=precision),  # pyright: ignore[reportArgumentType]
        seed=0,
        heldout_tokens=EVERYTHING,
    )
    return run.loss


def main() -> None:
    """Time, train, add to the table and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="a prepared run of the recipe cpu")
    parser.add_argument("--dims", type=int, nargs="+", default=[128, 256])
    parser.add_argument(
        "--tokens", type=int, default=500_000, help="of each training run; 0 only times"
    )
    parser.add_argument("--precisions", nargs="+", help="all that the device has where not given")
    parser.add_argument("--reference", default="fp32")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    device = resolve(RuntimeConfig()).device
    options.precisions = options.precisions or [
        name for name, reason in supported_precisions(device) if not reason
    ]
    prepared = Prepared.open(RunFolder(options.run).prepared)
    shapes = [
        shape_of(cpu().model.with_vocabulary(prepared.tokenizer.vocab_size), dim)
        for dim in options.dims
    ]
    seconds = step_seconds(shapes, prepared, options)
    worth = []
    for shape in shapes:
        losses: dict[str, float] = {}
        for precision in options.precisions:
            if options.tokens:
                losses[precision] = loss_of(shape, precision, prepared, options)
            ratio = seconds[shape.dim, precision] / seconds[shape.dim, options.reference]
            apart = losses[precision] - losses[options.reference] if options.tokens else None
            told = f", loss {losses[precision]:.4f} ({apart:+.4f})" if apart is not None else ""
            print(
                f"{shape.num_layers} x {shape.dim:<4} {precision:5s} {1000 * seconds[shape.dim, precision]:7.0f} ms a step, {ratio:.2f}{told}"
            )
            if precision != options.reference:
                worth.append(ratio)
            TABLE.add(
                {
                    "date": datetime.date.today().isoformat(),
                    "device": device.type,
                    "layers": shape.num_layers,
                    "dim": shape.dim,
                    "precision": precision,
                    "compiled": options.compile,
                    "step_seconds": round(seconds[shape.dim, precision], 4),
                    "tokens": options.tokens,
                    "loss": round(losses[precision], 4) if options.tokens else "",
                    "threads": torch.get_num_threads(),
                    "torch": torch.__version__,
                }
            )
    print(json.dumps({"name": "precision", "ratio": round(min(worth), 3) if worth else None}))


if __name__ == "__main__":
    main()
