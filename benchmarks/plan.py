"""Is the planned size the right one: held-out loss of the planned size over that of the better of
half and double; at most 1 is good.

The first call makes a plan and writes it to the table in `docs/experiments/plan.csv`; every call
adds runs that are missing, in the order of seeds, one row a run, so that the table can grow over
days. All of the budget goes to pre-training.

`--grid` runs small models on few tokens instead: how the loss falls with both, which
`corpus/plan/law.py` can be held against.

    corpus prepare cpu --data DATA --out RUN
    python benchmarks/plan.py --run RUN [--runs 9]
"""

import argparse
import datetime
import json
import math
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from table import EVERYTHING, Table

from corpus.base.units import Budget, parse_budget
from corpus.config.model import ModelConfig
from corpus.config.run import RunConfig
from corpus.config.runtime import RuntimeConfig
from corpus.data.prepared import Prepared
from corpus.plan.plan import Planner
from corpus.plan.sizes import DIMS, best_batch_size, best_learning_rate, shape_of
from corpus.plan.small_run import SmallRun, pretrain_once
from corpus.recipes.cpu import cpu
from corpus.run.folder import RunFolder

TABLE = Table("plan", (
    "date", "kind", "budget", "seed", "dim", "layers", "parameters", "rows", "rate", "optimizer", "tokens", "steps", "loss", "low", "high",
    "seconds", "precision", "threads", "machine", "torch",
))  # fmt: skip
SIZES = ("planned", "half", "double")
SEEDS = (0, 1, 2)
GRID_SEED = 100
GRID = [
    (dim, tokens)
    for tokens, dims in (
        (0.15e6, (64, 96, 128, 192)),
        (0.5e6, (64, 96, 128, 192, 256)),
        (1.5e6, (64, 96, 128, 192, 256)),
    )
    for dim in dims
]


def recipe(options: argparse.Namespace) -> RunConfig:
    """Return the recipe cpu with all of its budget for pre-training, as the options want it
    computed."""
    base = cpu()
    runtime = RuntimeConfig(
        compile=options.compile, num_threads=options.threads, precision=options.precision
    )
    train = replace(
        base.train,
        finetune_share=0.0,
        optimizer=replace(base.train.optimizer, name=options.optimizer),
    )
    return replace(base, budget=options.budget, train=train, runtime=runtime)


def train(
    config: RunConfig,
    prepared: Prepared,
    shape: ModelConfig,
    rows: int,
    rate: float,
    budget: Budget,
    seed: int,
) -> SmallRun:
    """Pre-train once."""
    settings = replace(
        config.train,
        sequences_per_batch=rows,
        schedule=replace(config.train.schedule, learning_rate=rate),
    )
    return pretrain_once(
        prepared,
        shape,
        budget=budget,
        train=settings,
        curriculum=config.curriculum,
        runtime=config.runtime,
        seed=seed,
        heldout_tokens=EVERYTHING,
    )


def row(
    kind: str,
    shape: ModelConfig,
    budget: Budget,
    rows: int,
    rate: float,
    config: RunConfig,
    **more: Any,
) -> dict[str, Any]:
    """Return a line of the table; `more` is what was found."""
    return {
        "date": datetime.date.today().isoformat(),
        "kind": kind,
        "budget": str(budget),
        "dim": shape.dim,
        "layers": shape.num_layers,
        "parameters": shape.num_parameters,
        "rows": rows,
        "rate": rate,
        "optimizer": config.train.optimizer.name,
        "torch": torch.__version__,
        **more,
    }


def found(run: SmallRun, seed: int) -> dict[str, Any]:
    """Return what a run found, as columns."""
    numbers = {
        "seed": seed,
        "tokens": run.tokens,
        "steps": run.steps,
        "loss": round(run.loss, 4),
        "seconds": round(run.seconds, 1),
    }
    return {**numbers, "precision": run.precision, "threads": run.threads, "machine": run.machine}


def lines(*kinds: str, budget: Budget | None = None) -> list[dict[str, str]]:
    """Return lines of the table, oldest first."""
    return [
        line
        for line in TABLE.rows()
        if line["kind"] in kinds and (budget is None or line["budget"] == str(budget))
    ]


def grid(config: RunConfig, folder: RunFolder, runs: int) -> None:
    """Run what is missing of the grid."""
    prepared = Prepared.open(folder.prepared)
    done = {(line["budget"], line["dim"]) for line in lines("grid")}
    for dim, tokens in GRID:
        budget, shape = Budget(kind="tokens", amount=tokens), shape_of(config.model, dim)
        if (str(budget), str(dim)) in done or runs < 1:
            continue
        rows, rate = (
            best_batch_size(shape, tokens),
            best_learning_rate(shape, tokens, config.train.optimizer),
        )
        run = train(config, prepared, shape, rows, rate, budget, GRID_SEED)
        TABLE.add(row("grid", shape, budget, rows, rate, config, **found(run, GRID_SEED)))
        runs -= 1


def make_plan(config: RunConfig, folder: RunFolder) -> None:
    """Plan, and write the planned size with its half and its double."""
    _, record = Planner(config, folder).plan()
    options = record["candidates"]
    planned = options[record["chosen"]]
    sizes = {dim: shape_of(config.model, dim) for dim in DIMS}
    for kind, factor in (("planned", 1.0), ("half", 0.5), ("double", 2.0)):
        wanted = factor * planned["num_parameters"]
        shape = min(sizes.values(), key=lambda shape: abs(math.log(shape.num_parameters / wanted)))
        same = [option for option in options if option["dim"] == shape.dim]
        tokens = (
            same[0]["tokens"]
            if same
            else planned["tokens"] * planned["num_parameters"] / shape.num_parameters
        )
        rate = best_learning_rate(shape, tokens, config.train.optimizer)
        columns = {**same[0]["loss"], "tokens": tokens} if same else {"tokens": round(tokens)}
        TABLE.add(
            row(
                f"plan-{kind}",
                shape,
                config.parsed_budget,
                best_batch_size(shape, tokens),
                rate,
                config,
                **columns,
            )
        )


def check(
    config: RunConfig,
    folder: RunFolder,
    runs: int,
    *,
    seeds: list[int],
    sizes: list[str],
    anew: bool,
) -> None:
    """Run what is missing of the check; where planned `anew`, runs of the same size, batch and rate
    stay what they are."""
    budget = config.parsed_budget
    if anew or not lines("plan-planned", budget=budget):
        make_plan(config, folder)
    plans = {kind: lines(f"plan-{kind}", budget=budget)[-1] for kind in SIZES}
    done = {(kind, line["seed"]) for kind, plan in plans.items() for line in runs_of(plan, budget)}
    prepared = Prepared.open(folder.prepared)
    for seed in seeds:
        for kind in sizes:
            if (kind, str(seed)) in done or runs < 1:
                continue
            plan = plans[kind]
            shape, rows, rate = (
                shape_of(config.model, int(plan["dim"])),
                int(plan["rows"]),
                float(plan["rate"]),
            )
            run = train(config, prepared, shape, rows, rate, budget, seed)
            TABLE.add(row(kind, shape, budget, rows, rate, config, **found(run, seed)))
            runs -= 1


def runs_of(plan: dict[str, str], budget: Budget) -> list[dict[str, str]]:
    """Return the runs of a plan's size, batch and rate, whatever they were to an earlier plan."""
    same = ("dim", "rows", "rate", "optimizer")
    return [
        line
        for line in lines(*SIZES, budget=budget)
        if all(line[name] == plan[name] for name in same)
    ]


def summary(budget: Budget) -> None:
    """Print what was planned and what came."""
    means = {}
    for kind in SIZES:
        for plan in lines(f"plan-{kind}", budget=budget)[-1:]:
            losses = [float(line["loss"]) for line in runs_of(plan, budget)]
            size = f"{kind:8s} {plan['layers']} layers of dim {plan['dim']}, {int(plan['parameters']):,} parameters"
            told = (
                f"predicted {plan['loss']} ({plan['low']} to {plan['high']})"
                if plan["loss"]
                else "not predicted"
            )
            if losses:
                means[kind] = statistics.fmean(losses)
                spread = (
                    f" ± {statistics.stdev(losses) / math.sqrt(len(losses)):.4f}"
                    if len(losses) > 1
                    else ""
                )
                told += f", reached {means[kind]:.4f}{spread} in {len(losses)} runs"
            print(f"{size}: {told}")
    if len(means) == len(SIZES):
        print(
            json.dumps(
                {
                    "name": "plan",
                    "ratio": round(means["planned"] / min(means["half"], means["double"]), 4),
                }
            )
        )


def main() -> None:
    """Run what is missing, at most `--runs` runs, then print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="a prepared run of the recipe cpu")
    parser.add_argument("--grid", action="store_true", help="small models on few tokens instead")
    parser.add_argument("--budget", default="5m")
    parser.add_argument("--runs", type=int, default=1, help="how many runs at most; 0 only prints")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=SIZES)
    parser.add_argument(
        "--anew", action="store_true", help="plan again, though there is a plan for this budget"
    )
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--compile", default="auto")
    parser.add_argument("--optimizer", default="muon")
    options = parser.parse_args()
    config, folder = recipe(options), RunFolder(options.run)
    if options.grid:
        grid(config, folder, options.runs)
    else:
        if options.runs:
            check(
                config,
                folder,
                options.runs,
                seeds=options.seeds,
                sizes=options.sizes,
                anew=options.anew,
            )
        summary(parse_budget(options.budget))


if __name__ == "__main__":
    main()
