"""Pre-training tokens a second: Corpus over Hugging Face Trainer and over litgpt's model in a plain
loop; above 1 is good.

Needs `pip install -r benchmarks/requirements.txt`, best in an environment of its own.
"""

import argparse
import json
import os
import statistics

import torch
from ceiling import products_in_turn
from contest import Competitor, fastest, hold, ratios, spread
from trainers import corpus, litgpt, trainer

from corpus.config.model import ModelConfig
from corpus.model.flops import linear_flops, training_flops


def main() -> None:
    """Let everybody find the best thread count and micro-batch, then take turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--vocabulary", type=int, default=4096)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=4, help="optimizer steps in a turn")
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument(
        "--no-search", action="store_true", help="every core and whole batches for everybody"
    )
    parser.add_argument(
        "--without", nargs="*", default=[], help="peers that are left out: trainer, litgpt"
    )
    options = parser.parse_args()
    config = ModelConfig(
        vocab_size=options.vocabulary,
        dim=options.dim,
        num_layers=options.layers,
        num_heads=max(options.dim // 64, 1),
        num_kv_heads=max(options.dim // 128, 1),
        context_length=options.length,
    )
    peers = {
        "corpus": (corpus, {}),
        "trainer": (trainer, {}),
        "trainer, compiled": (trainer, {"compiled": True}),
        "litgpt": (litgpt, {}),
        "litgpt, compiled": (litgpt, {"compiled": True}),
    }
    chosen = {
        name: peer for name, peer in peers.items() if name.split(",")[0] not in options.without
    }
    cores = len(os.sched_getaffinity(0))
    threads = [cores] if options.no_search else sorted({1, cores})
    parts = [0] if options.no_search else [0, options.rows // 2]
    competitors = {}
    for name, (run, extra) in chosen.items():
        candidates = [
            Competitor(
                name=name,
                run=run,
                threads=t,
                settings={"config": config, "rows": options.rows, "micro_rows": m, **extra},
            )
            for t in threads
            for m in parts
        ]
        best = (
            fastest(candidates, steps=2, warmup=options.warmup)
            if len(candidates) > 1
            else candidates[0]
        )
        competitors[name] = best
        print(
            f"{name:18s} runs with {best.threads} thread(s), {best.settings['micro_rows'] or options.rows} rows at a time",
            flush=True,
        )
    tokens = options.rows * options.length
    ceiling = Competitor(
        name="ceiling",
        run=products_in_turn,
        threads=cores,
        settings={"config": config, "tokens": tokens},
    )
    hold(
        [*competitors.values(), ceiling],
        steps=options.steps,
        warmup=options.warmup,
        rounds=options.rounds,
    )
    print_table(config, competitors, ceiling, tokens=tokens * options.steps)
    ours = competitors["corpus"]
    against = {
        name: statistics.median(ratios(ours, peer))
        for name, peer in competitors.items()
        if peer is not ours
    }
    share = statistics.median(share_of_ceiling(config, ours, ceiling))
    result = {
        "name": "train_throughput",
        "ratio": round(against.get("trainer", 0.0), 3),
        "ratios": {name: round(value, 3) for name, value in against.items()},
        "share_of_ceiling": round(share, 3),
        "tokens_per_second": {
            name: round(tokens * options.steps / c.median) for name, c in competitors.items()
        },
        "memory_mb": {name: round(c.memory_mb) for name, c in competitors.items()},
        "threads": {name: c.threads for name, c in competitors.items()},
        "batch": [options.rows, options.length],
        "rounds": options.rounds,
        "torch": torch.__version__,
    }
    print(json.dumps(result))


def share_of_ceiling(
    config: ModelConfig, competitor: Competitor, ceiling: Competitor
) -> list[float]:
    """Return, round by round, the operations per second of a competitor over the rate of the bare
    products."""
    count = training_flops(config) / (3 * linear_flops(config))
    return [count * bare / whole for bare, whole in zip(ceiling.seconds, competitor.seconds)]


def print_table(
    config: ModelConfig, competitors: dict[str, Competitor], ceiling: Competitor, *, tokens: int
) -> None:
    """One line a competitor: medians with quartiles."""
    print(
        f"\n{'':18s} {'tokens/s':>22s} {'corpus is … x as fast':>22s} {'share of ceiling':>20s} {'memory':>8s}"
    )
    for name, one in competitors.items():
        rate = [tokens / seconds for seconds in one.seconds]
        low, middle, high = statistics.quantiles(rate, n=4) if len(rate) > 1 else rate * 3
        faster = spread(ratios(competitors["corpus"], one))
        share = spread(share_of_ceiling(config, one, ceiling))
        print(
            f"{name:18s} {f'{middle:,.0f} ({low:,.0f}-{high:,.0f})':>22s} {faster:>22s} {share:>20s} {one.memory_mb:5.0f} MB"
        )
    flops = 3 * linear_flops(config) * tokens
    print(
        f"ceiling: {flops / ceiling.median / 1e9:,.0f} GFLOP/s in the model's own matrix products, {ceiling.threads} threads"
    )


if __name__ == "__main__":
    main()
