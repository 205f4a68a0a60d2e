"""Which optimizer and schedule learns most, in the same tokens and in the same time: one row of a
table a call; below 1 is good.

Every variant pre-trains the same model on the same text, and its held-out loss is the mean over the
sources, all of their held-out tokens read. A call runs what is missing of the table in
`docs/experiments/optimizers.csv`, in the order of seeds, and adds a row after each run, so the
table can grow over days. Learning rates were chosen by the runs with seed 100, which are in the
table too and not in its means.

    python benchmarks/optimizers.py --prepared runs/NAME/prepared [--runs 3]
"""

import argparse
import datetime
import json
import math
import statistics
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from table import EVERYTHING, Table

from corpus.base.units import Budget, parse_budget
from corpus.config.runtime import RuntimeConfig
from corpus.config.train import OptimizerConfig, ScheduleConfig
from corpus.data.prepared import Prepared
from corpus.plan.small_run import pretrain_once
from corpus.recipes.cpu import cpu

TABLE = Table(
    "optimizers",
    (
        "date",
        "variant",
        "budget",
        "seed",
        "loss",
        "tokens",
        "steps",
        "seconds",
        "precision",
        "threads",
        "machine",
        "torch",
    ),
)
SEEDS = (0, 1, 2)
TRIAL_SEED = 100


@dataclass(frozen=True, kw_only=True)
class Variant:
    """An optimizer with its schedule."""

    name: str
    optimizer: OptimizerConfig
    schedule: ScheduleConfig
    averaging: float = 0.0


def variant(optimizer: str, decay: str, rate: float, *, averaging: float = 0.0) -> Variant:
    """Return a variant by its parts; averaging goes with a rate that does not fall."""
    floor = 1.0 if averaging else 0.0
    schedule = ScheduleConfig(learning_rate=rate, decay=decay, decay_share=0.3, floor=floor)  # pyright: ignore[reportArgumentType]
    name = f"{optimizer}-{'averaged' if averaging else decay}-{rate:g}"
    return Variant(
        name=name, optimizer=OptimizerConfig(name=optimizer), schedule=schedule, averaging=averaging
    )  # pyright: ignore[reportArgumentType]


VARIANTS = [
    variant("adamw", "cosine", 2e-3),
    variant("adamw", "stable", 2e-3),
    variant("adamw", "stable", 2e-3, averaging=0.3),
    variant("muon", "cosine", 4e-3),
    variant("muon", "stable", 4e-3),
    variant("muon", "stable", 4e-3, averaging=0.3),
]

TRIALS = [variant(name, "cosine", rate) for rate in (4e-3, 2e-3) for name in ("adamw", "muon")]
TRIALS += [variant("muon", "cosine", 8e-3), variant("adamw", "cosine", 1e-3)]


def train(
    one: Variant, budget: Budget, seed: int, prepared: Prepared, *, threads: int, precision: str
) -> dict[str, object]:
    """Pre-train once and return the row."""
    recipe = cpu()
    run = pretrain_once(
        prepared,
        recipe.model,
        budget=budget,
        train=replace(
            recipe.train, optimizer=one.optimizer, schedule=one.schedule, averaging=one.averaging
        ),
        curriculum=recipe.curriculum,
        runtime=RuntimeConfig(compile="on", num_threads=threads, precision=precision),  # pyright: ignore[reportArgumentType]
        seed=seed,
        heldout_tokens=EVERYTHING,
    )
    return {
        "date": datetime.date.today().isoformat(),
        "variant": one.name,
        "budget": str(budget),
        "seed": seed,
        "loss": round(run.loss, 4),
        "tokens": run.tokens,
        "steps": run.steps,
        "seconds": round(run.seconds, 1),
        "precision": run.precision,
        "threads": run.threads,
        "machine": run.machine,
        "torch": torch.__version__,
    }


def summary(budget: str) -> list[dict[str, object]]:
    """Return mean and standard error of each variant under a budget, best first."""
    found = []
    done = [
        row for row in TABLE.rows() if row["budget"] == budget and int(row["seed"]) != TRIAL_SEED
    ]
    for name in dict.fromkeys(row["variant"] for row in done):
        losses = [float(row["loss"]) for row in done if row["variant"] == name]
        error = statistics.stdev(losses) / math.sqrt(len(losses)) if len(losses) > 1 else None
        tokens = statistics.fmean(float(row["tokens"]) for row in done if row["variant"] == name)
        found.append(
            {
                "variant": name,
                "loss": round(statistics.fmean(losses), 4),
                "error": error,
                "runs": len(losses),
                "tokens": round(tokens),
            }
        )
    return sorted(found, key=lambda row: float(str(row["loss"])))


def main() -> None:
    """Run what is missing, at most `--runs` runs, then print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--prepared", type=Path, required=True, help="prepared data of a run of the recipe cpu"
    )
    parser.add_argument("--budget", default="5m")
    parser.add_argument("--runs", type=int, default=1, help="how many runs at most; 0 only prints")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--precision", default="auto")
    parser.add_argument(
        "--trials", action="store_true", help="the runs that choose the learning rates"
    )
    options = parser.parse_args()
    budget = parse_budget(options.budget)
    wanted = (
        [(one, TRIAL_SEED) for one in TRIALS]
        if options.trials
        else [(one, seed) for seed in SEEDS for one in VARIANTS]
    )
    done = {
        (row["variant"], int(row["seed"])) for row in TABLE.rows() if row["budget"] == str(budget)
    }
    missing = [(one, seed) for one, seed in wanted if (one.name, seed) not in done]
    if options.runs:
        prepared = Prepared.open(options.prepared)
        for one, seed in missing[: options.runs]:
            row = train(
                one, budget, seed, prepared, threads=options.threads, precision=options.precision
            )
            TABLE.add(row)
    table = summary(str(budget))
    for row in table:
        error = f" ± {row['error']:.4f}" if row["error"] is not None else ""
        print(
            f"{row['variant']:24s} {row['loss']}{error}  {row['runs']} runs, {row['tokens']:,} tokens"
        )
    if table:
        print(
            json.dumps(
                {
                    "name": "optimizers",
                    "ratio": round(float(str(table[0]["loss"])) / float(str(table[-1]["loss"])), 4),
                    "best": table[0]["variant"],
                }
            )
        )


if __name__ == "__main__":
    main()
