"""One GPU in under eight minutes: its ceiling, tokens a second of two shapes, and 8-bit products
over bf16 (`ratio`, above 1 is good).

Shape A has about 110M parameters, shape B about 1B. Everything runs as Corpus trains: its step,
loss, optimizer and compiled forward pass, rows packed with documents that do not see each other.
Losses are compared after the same steps on the same learnable stream. `--toy` runs it all at a size
for any machine, to see that it works.
"""

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from ceiling import Products, copy_rate, synchronize

from corpus.config.model import ModelConfig
from corpus.config.train import OptimizerConfig
from corpus.data.batch import Batch
from corpus.model.flops import training_flops
from corpus.model.low_precision import compute_in
from corpus.model.weights import build_model
from corpus.runtime.runtime import Runtime
from corpus.train.optimizer import build_optimizer
from corpus.train.step import CompiledBackbone, TrainStep, eager_backbone

LEARNING_RATE = 3e-4


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A model, and how much of it runs at a time."""

    name: str
    config: ModelConfig
    rows: int
    micro_rows: int
    steps: int


def shapes(*, toy: bool) -> tuple[Shape, Shape]:
    """Return shapes A and B."""
    if toy:
        small = ModelConfig(
            vocab_size=512, dim=64, num_layers=2, num_heads=2, num_kv_heads=1, context_length=32
        )
        return (
            Shape(name="A", config=small, rows=4, micro_rows=2, steps=3),
            Shape(name="B", config=small, rows=4, micro_rows=4, steps=3),
        )
    a = ModelConfig(
        vocab_size=32_768, dim=768, num_layers=12, num_heads=12, num_kv_heads=4, context_length=1024
    )
    b = ModelConfig(
        vocab_size=32_768,
        dim=2048,
        num_layers=20,
        num_heads=16,
        num_kv_heads=8,
        context_length=2048,
    )
    return (
        Shape(name="A", config=a, rows=128, micro_rows=64, steps=20),
        Shape(name="B", config=b, rows=16, micro_rows=8, steps=20),
    )


def stream(config: ModelConfig, rows: int) -> Iterator[Batch]:
    """Yield batches of a language that can be learned: four of five tokens follow from the one
    before. Documents have 500 tokens."""
    generator = torch.Generator().manual_seed(0)
    follows = torch.randperm(config.vocab_size, generator=generator)
    shape = (rows, config.context_length + 1)
    while True:
        tokens = torch.randint(0, config.vocab_size, shape, generator=generator)
        bound = torch.rand(shape, generator=generator) < 0.8
        for place in range(1, shape[1]):
            tokens[:, place] = torch.where(
                bound[:, place], follows[tokens[:, place - 1]], tokens[:, place]
            )
        documents = (torch.rand(rows, shape[1] - 1, generator=generator) < 1 / 500).cumsum(1)
        yield Batch(
            tokens=tokens[:, :-1].contiguous(),
            targets=tokens[:, 1:].contiguous(),
            documents=documents,
            num_tokens=rows * config.context_length,
        )


def run(
    shape: Shape,
    batches: list[Batch],
    *,
    device: str,
    precision: str,
    optimizer: str = "adamw",
    compiled: bool,
) -> dict[str, Any]:
    """Train on `batches`, the first two not timed, and return what came of it."""
    runtime = Runtime(
        device=torch.device(device), precision=precision, num_threads=torch.get_num_threads()
    )
    model = compute_in(build_model(shape.config, seed=0, device=device), precision)
    backbone = CompiledBackbone(model) if compiled else eager_backbone(model)
    step = TrainStep(
        model,
        build_optimizer(model, OptimizerConfig(name=optimizer)),  # pyright: ignore[reportArgumentType]
        runtime,
        backbone=backbone,
        clip_norm=1.0,
        micro_batch=shape.micro_rows,
    )
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds, loss, began = [], float("nan"), time.perf_counter()
    for batch in batches:
        synchronize(device)
        start = time.perf_counter()
        loss = step(batch, LEARNING_RATE).loss
        synchronize(device)
        seconds.append(time.perf_counter() - start)
    tokens = shape.rows * shape.config.context_length / statistics.median(seconds[2:])
    return {
        "tokens_per_second": tokens,
        "flops": tokens * training_flops(shape.config),
        "loss": loss,
        "memory_gb": torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else None,
        "first_step_seconds": seconds[0],
        "seconds": time.perf_counter() - began,
    }


def main() -> None:
    """Print one table, a line as soon as it is known; a part that fails is a line too."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--toy", action="store_true", help="a size for any machine")
    parser.add_argument("--eager", action="store_true", help="without torch.compile")
    parser.add_argument(
        "--limit", type=float, default=440, help="seconds after which no further part begins"
    )
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not options.toy:
        raise SystemExit("this benchmark needs a CUDA GPU; --toy runs it at a size for any machine")
    torch.backends.cuda.matmul.allow_tf32 = True
    began = time.perf_counter()
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    result: dict[str, Any] = {
        "name": "gpu",
        "device": name,
        "torch": torch.__version__,
        "toy": options.toy,
        "ratio": None,
    }
    print(f"{name}, torch {torch.__version__}")
    megabytes = 16 if options.toy else 2048
    result["copy_gb_per_second"] = round(copy_rate(megabytes, device=device) / 1e9, 1)
    print(f"copying {megabytes} MB: {result['copy_gb_per_second']:,.0f} GB/s")
    a, b = shapes(toy=options.toy)
    for shape in (a, b):
        result[f"{shape.name}_ceiling_tflops"] = ceiling = ceiling_of(shape, device)
        print(
            f"shape {shape.name}: {shape.config.num_parameters / 1e6:,.0f}M parameters, its matrix products alone run at {ceiling:,.1f} TFLOP/s in bf16"
        )
    print(
        f"{'':22s} {'tokens/s':>10s} {'TFLOP/s':>9s} {'of ceiling':>10s} {'loss':>8s} {'memory':>8s} {'first step':>10s}"
    )
    low = "bf16"
    parts = [
        (a, low, "adamw"),
        (b, low, "adamw"),
        (b, "fp8", "adamw"),
        (b, "int8", "adamw"),
        (a, low, "muon"),
        (a, "fp8", "adamw"),
    ]
    for shape, precision, optimizer in parts:
        label = f"{shape.name} {precision} {optimizer}"
        if time.perf_counter() - began > options.limit:
            print(f"{label:22s} not run: the time is over")
            continue
        batches = made(shape)
        settings = {
            "device": device,
            "precision": precision,
            "optimizer": optimizer,
            "compiled": not options.eager,
        }
        line = guarded(partial(run, shape, batches, **settings))
        result[label] = line
        print(described(label, line, result[f"{shape.name}_ceiling_tflops"]), flush=True)
        gc.collect()
        torch._dynamo.reset()
        if device == "cuda":
            torch.cuda.empty_cache()
    base = result["B bf16 adamw"]
    for precision in ("fp8", "int8"):
        other = result.get(f"B {precision} adamw", {})
        if "loss" in base and "loss" in other:
            ratio, error = (
                other["tokens_per_second"] / base["tokens_per_second"],
                other["loss"] - base["loss"],
            )
            result[f"B_{precision}_over_bf16"], result[f"B_{precision}_loss_error"] = (
                round(ratio, 3),
                round(error, 4),
            )
            print(
                f"B: {precision} is {ratio:.2f} times as fast as bf16, its loss after {b.steps} steps {error:+.4f}"
            )
            result["ratio"] = max(result["ratio"] or 0.0, round(ratio, 3))
    result["seconds"] = round(time.perf_counter() - began, 1)
    print(json.dumps(result))


_made: dict[str, list[Batch]] = {}


def made(shape: Shape) -> list[Batch]:
    """Return a shape's batches, the same ones each time; making them takes longer than training on
    them."""
    if shape.name not in _made:
        source = stream(shape.config, shape.rows)
        _made[shape.name] = [next(source) for _ in range(shape.steps)]
    return _made[shape.name]


def ceiling_of(shape: Shape, device: str) -> float:
    """Return TFLOP/s of the shape's own matrix products, bf16 on a GPU."""
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    products = Products(
        shape.config, shape.micro_rows * shape.config.context_length, dtype=dtype, device=device
    )
    products.seconds()
    return products.flops / min(products.seconds() for _ in range(5)) / 1e12


def guarded(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what `work` returns, or its error: the other parts are worth having all the same."""
    try:
        return work()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')[:300]}"}


def described(label: str, line: dict[str, Any], ceiling: float) -> str:
    """Return one line of the table."""
    if "error" in line:
        return f"{label:22s} failed: {line['error']}"
    memory = "" if line["memory_gb"] is None else f"{line['memory_gb']:.1f} GB"
    return (
        f"{label:22s} {line['tokens_per_second']:10,.0f} {line['flops'] / 1e12:9.1f} {line['flops'] / 1e12 / ceiling:10.0%} "
        f"{line['loss']:8.4f} {memory:>8s} {line['first_step_seconds']:8.1f} s"
    )


if __name__ == "__main__":
    main()
