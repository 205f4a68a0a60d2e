"""The machine's ceiling: the rate of the matrix products a model is made of, one after another with
nothing between, and of copying."""

import argparse
import json
import statistics
import time

import torch
from contest import Turn

from corpus.config.model import ModelConfig
from corpus.model.flops import linear_flops, linear_products, training_flops

SHAPE = ModelConfig(
    vocab_size=4096, dim=256, num_layers=4, num_heads=4, num_kv_heads=2, context_length=256
)
"""The shape that the targets are stated for."""

TOKENS = 16 * 256


class Products:
    """Every matrix product of a training step at its own shape: forward, gradient of the input,
    gradient of the weight."""

    def __init__(
        self,
        config: ModelConfig,
        tokens: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        self._groups, self._device = [], device
        for product in linear_products(config):
            x, w = (
                _random(tokens, product.inputs, dtype, device),
                _random(product.outputs, product.inputs, dtype, device),
            )
            g = _random(tokens, product.outputs, dtype, device)
            outputs = torch.empty_like(g), torch.empty_like(x), torch.empty_like(w)
            self._groups.append((product, x, w, g, outputs))
        self.flops = 3 * linear_flops(config) * tokens

    def seconds(self) -> float:
        """Return the seconds of all products of a step; each shape is timed twice, in place, and
        counted as often as it occurs."""
        return sum(self.seconds_by_shape().values())

    def seconds_by_shape(self) -> dict[str, float]:
        """The same, shape by shape."""
        spent = {}
        for product, x, w, g, (y, dx, dw) in self._groups:
            synchronize(self._device)
            start = time.perf_counter()
            for _ in range(2):
                torch.mm(x, w.t(), out=y)
                torch.mm(g, w, out=dx)
                torch.mm(g.t(), x, out=dw)
            synchronize(self._device)
            spent[product.name] = product.count * (time.perf_counter() - start) / 2
        return spent

    def rate_by_shape(self, tokens: int) -> dict[str, float]:
        """Operations per second, shape by shape."""
        spent = self.seconds_by_shape()
        return {
            p.name: 6 * p.inputs * p.outputs * p.count * tokens / spent[p.name]
            for p, *_ in self._groups
        }


def products_in_turn(turn: Turn, *, threads: int, config: ModelConfig, tokens: int) -> None:
    """The ceiling as a competitor: a step of nothing but matrix products."""
    products = Products(config, tokens)
    while True:
        turn.notes = {"seconds": turn.steps * products.seconds()}
        turn()


def copy_rate(megabytes: int, *, device: str = "cpu", repeats: int = 20) -> float:
    """Return the bytes per second of copying so much memory, read and written counted."""
    source = torch.ones(megabytes * 2**18, device=device)
    target, best = torch.empty_like(source), float("inf")
    for _ in range(repeats):
        synchronize(device)
        start = time.perf_counter()
        target.copy_(source)
        synchronize(device)
        best = min(best, time.perf_counter() - start)
    return 2 * megabytes * 2**20 / best


def synchronize(device: str) -> None:
    """Wait for the device."""
    if device == "cuda":
        torch.cuda.synchronize()


def _random(rows: int, columns: int, dtype: torch.dtype, device: str) -> torch.Tensor:
    return torch.randn(rows, columns, device=device).to(dtype)


def main() -> None:
    """Print the ceiling for each number of threads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    print(
        f"model: {training_flops(SHAPE) / 1e6:.1f}M operations a token, of them {3 * linear_flops(SHAPE) / 1e6:.1f}M in matrix products"
    )
    best: dict[int, float] = {}
    for threads in (1, 2) if torch.get_num_threads() > 1 else (1,):
        torch.set_num_threads(threads)
        products = Products(SHAPE, TOKENS)
        products.seconds()
        rates = [products.rate_by_shape(TOKENS) for _ in range(repeats)]
        for name in rates[0]:
            print(
                f"{threads} thread(s)  {name:11s} {statistics.median(rate[name] for rate in rates) / 1e9:7.0f} GFLOP/s"
            )
        best[threads] = products.flops / statistics.median(
            products.seconds() for _ in range(repeats)
        )
        print(f"{threads} thread(s)  a whole step {best[threads] / 1e9:6.0f} GFLOP/s")
        for megabytes in (1, 16, 256):
            print(
                f"{threads} thread(s)  copying {megabytes} MB {copy_rate(megabytes) / 1e9:.1f} GB/s"
            )
    result = {
        "name": "ceiling",
        "ratio": round(max(best.values()) / best[1], 3),
        "gflops": {str(threads): round(rate / 1e9, 1) for threads, rate in best.items()},
        "torch": torch.__version__,
        "repeats": repeats,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
