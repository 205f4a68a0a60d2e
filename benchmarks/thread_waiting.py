"""Tokens a second of training where waiting threads sleep, over those where they spin (the default
of OpenMP): beside a busy process above 1 is good (`ratio`), on an idle machine near 1
(`idle_ratio`).

Each side is a process of its own, since OpenMP reads its settings once. They take turns.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from corpus.runtime.threads import SHORT_SPIN, WAITING

ROWS, LEARNING_RATE = 4, 1e-3
BUSY = "while True: pass"


def work(threads: int) -> None:
    """Train recipe cpu's model: for each line of seconds on standard input, print tokens a
    second."""
    import torch
    from gpu import Shape, stream

    from corpus.config.train import OptimizerConfig
    from corpus.model.weights import build_model
    from corpus.recipes.cpu import cpu
    from corpus.runtime.runtime import Runtime
    from corpus.train.optimizer import build_optimizer
    from corpus.train.step import TrainStep, eager_backbone

    torch.set_num_threads(threads)
    shape = Shape(name="cpu", config=cpu().model, rows=ROWS, micro_rows=ROWS, steps=0)
    model = build_model(shape.config, seed=0)
    step = TrainStep(
        model,
        build_optimizer(model, OptimizerConfig(name="adamw")),
        Runtime(device=torch.device("cpu"), precision="fp32", num_threads=threads),
        backbone=eager_backbone(model),
        clip_norm=1.0,
        micro_batch=shape.micro_rows,
    )
    batch = next(stream(shape.config, shape.rows))
    for line in sys.stdin:
        step(batch, LEARNING_RATE)
        start, steps = time.perf_counter(), 0
        while time.perf_counter() - start < float(line):
            step(batch, LEARNING_RATE)
            steps += 1
        print(steps * batch.num_tokens / (time.perf_counter() - start), flush=True)


class Worker:
    """A process that trains with OpenMP settings of its own, when it is its turn."""

    def __init__(self, settings: dict[str, str], threads: int) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in WAITING}
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--worker", "--threads", str(threads)],
            env=kept | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def rate(self, seconds: float) -> float:
        """Return the tokens a second of one turn."""
        assert self._process.stdin
        assert self._process.stdout
        print(seconds, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


@contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """Keep `number` cores busy in the `with` block."""
    running = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(number)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def main() -> None:
    """Alternate spinning, sleeping and one thread, idle and beside a busy process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--spins", nargs="*", default=[], help="further GOMP_SPINCOUNTs to try")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.threads)
        return
    sides = {
        "spinning": ({}, options.threads),
        "sleeping": (SHORT_SPIN, options.threads),
        **({"one thread": ({}, 1)} if options.threads > 1 else {}),
    } | {f"spins {spins}": ({"GOMP_SPINCOUNT": spins}, options.threads) for spins in options.spins}
    found: dict[tuple[str, int], list[float]] = {}
    load = os.getloadavg()[0]
    workers = {name: Worker(settings, threads) for name, (settings, threads) in sides.items()}
    try:
        for worker in workers.values():
            worker.rate(0.0)
        for _ in range(options.rounds):
            for busy in (0, 1):
                with busy_processes(busy):
                    for name, worker in workers.items():
                        found.setdefault((name, busy), []).append(worker.rate(options.seconds))
    finally:
        for worker in workers.values():
            worker.close()
    middle = {key: statistics.median(rates) for key, rates in found.items()}
    for name in sides:
        idle, busy = middle[name, 0], middle[name, 1]
        print(
            f"{name:<12} idle {idle:>8,.0f} tokens/s ({idle / middle['spinning', 0]:.2f})"
            f"   busy {busy:>8,.0f} tokens/s ({busy / middle['spinning', 1]:.2f})"
        )
    result = {
        "name": "thread_waiting",
        "ratio": round(middle["sleeping", 1] / middle["spinning", 1], 3),
        "idle_ratio": round(middle["sleeping", 0] / middle["spinning", 0], 3),
        "tokens_per_second": {
            f"{name}, {'busy' if busy else 'idle'}": [round(rate) for rate in rates]
            for (name, busy), rates in found.items()
        },
        "settings": SHORT_SPIN,
        "load_at_start": round(load, 2),
        "threads": options.threads,
        "batch": ROWS,
        "repeats": options.rounds,
        "seconds": options.seconds,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
