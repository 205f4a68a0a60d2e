"""Planning: measure this machine, try small models, and give the run the size, batch and learning rate that its budget is best spent on."""

import time
from dataclasses import asdict, replace
from typing import Any

from corpus.base.config import to_plain
from corpus.base.console import quiet, say, warn
from corpus.base.errors import ConfigError
from corpus.base.files import write_json
from corpus.base.run_folder import RunFolder
from corpus.base.units import Budget, format_count, format_duration
from corpus.data.batch import Batch
from corpus.data.prepared import Prepared
from corpus.finetune.examples import select_examples
from corpus.model.config import ModelConfig
from corpus.plan.law import OFTEN, Law, Point
from corpus.plan.measure import Machine, Speed, measure
from corpus.plan.planner import Candidate, best, candidates, small_run_seconds, small_runs
from corpus.plan.shapes import family
from corpus.plan.steps import hidden_parameters, learning_rate, micro_batch_rows, rows_per_batch, size_factor
from corpus.plan.trial import SmallRun, pretrain_once
from corpus.recipes.config import RunConfig
from corpus.runtime.config import RuntimeConfig
from corpus.runtime.ranks import ALONE, Ranks
from corpus.stages.begin import planned_config
from corpus.stages.feeds import Feeds
from corpus.stages.problems import training_problems
from corpus.train.split import STEP_OVERHEAD, saving_seconds

MEASURE_SECONDS = 60.0
"""After so long no further size is compiled to be timed."""

HELDOUT_TOKENS = 32_768
"""Of each source, that a small run is scored on."""

FORMAT = 1


class Planner:
    """Plans one run."""

    def __init__(self, config: RunConfig, folder: RunFolder) -> None:
        """Raises `ConfigError` where there is nothing to plan: no clock, or no pre-training."""
        if not config.parsed_budget.is_clock:
            raise ConfigError(f"a plan says what a time buys, and the budget is {config.budget}; give a time, such as --budget 3h")
        if config.train.finetune_share == 1:
            raise ConfigError("a plan is for pre-training, and train.finetune_share 1.0 leaves it no time; give a smaller share")
        self._config, self._folder, self._prepared = config, folder, Prepared.open(folder.prepared)
        selection = select_examples(
            training_problems(folder),
            self._prepared.tokenizer,
            max_length=config.model.context_length,
            checked_only=config.finetune.checked_only,
        )
        self._feeds = Feeds(config, self._prepared, selection.examples)
        self._finetune_tokens = self._feeds.finetune_batches * config.batch_tokens

    def plan(self) -> tuple[RunConfig, dict[str, Any]]:
        """Return the planned config, and everything that led to it, JSON-ready."""
        began, config = time.monotonic(), self._config
        base = config.model.with_vocabulary(self._prepared.tokenizer.vocab_size)
        say("plan       how fast does this machine train models of several sizes?")
        machine = measure(
            family(base),
            budget=config.parsed_budget,
            train=config.train,
            runtime=config.runtime,
            sample=self._sample,
            training_seconds=(1 - config.train.finetune_share) * config.parsed_budget.amount,
            enough_seconds=MEASURE_SECONDS,
        )
        seconds = lambda speed: self._pretrain_seconds(speed, machine)  # noqa: E731
        runs = self._small_runs(machine)
        law = Law([Point(parameters=run.shape.num_parameters, tokens=run.tokens, loss=run.loss) for run in runs])
        sources = {name: len(tokens) for name, tokens in self._feeds.pretrain_sources.items()}
        options = candidates(
            machine, law, seconds=seconds, optimizer=config.train.optimizer, phases=self._feeds.phases, sources=sources
        )
        chosen = best(options)
        planned = apply(config, chosen)
        self._say(options, chosen, machine)
        record = {
            "format": FORMAT,
            "asked": to_plain(config),
            "config": to_plain(planned),
            "seconds": round(time.monotonic() - began, 1),
            "machine": {
                "device": machine.runtime.device.type,
                "precision": machine.runtime.precision,
                "num_threads": machine.runtime.num_threads,
                "compiled": machine.compiled,
                "trial_seconds": round(machine.trial_seconds, 1),
            },
            "law": {name: float(f"{value:.4g}") for name, value in law.constants.items()},
            "runs": [run.row() for run in runs],
            "candidates": [_row(option) for option in options],
            "chosen": options.index(chosen),
        }
        return planned, record

    def _sample(self, shape: ModelConfig, rows: int) -> Batch:
        config = replace(self._config, train=replace(self._config.train, rows_per_batch=rows, micro_batch_rows=0))
        return Feeds(config, self._prepared, ()).text_sample()

    def _pretrain_seconds(self, speed: Speed, machine: Machine) -> float:
        """How long pre-training has: fine-tuning's share goes off, or less where its epochs take less."""
        config = self._config
        total = config.parsed_budget.amount - machine.trial_seconds
        wanted, needed = config.train.finetune_share * total, STEP_OVERHEAD * self._finetune_tokens / speed.tokens_per_second
        finetune = max(min(wanted, needed), saving_seconds(speed.shape)) if wanted else saving_seconds(speed.shape)
        return max(total - finetune, 1.0)

    def _small_runs(self, machine: Machine) -> list[SmallRun]:
        """Pre-train small models on few tokens, each with the batch and rate that a plan would give it."""
        config, found = self._config, []
        runtime = RuntimeConfig(
            device=machine.runtime.device.type,  # pyright: ignore[reportArgumentType]
            precision=machine.runtime.precision,  # pyright: ignore[reportArgumentType]
            num_threads=machine.runtime.num_threads,
            compile="off",
        )
        for shape, tokens in small_runs(machine.speeds, small_run_seconds(config.parsed_budget)):
            rows = rows_per_batch(shape, tokens)
            train = replace(
                config.train,
                rows_per_batch=rows,
                micro_batch_rows=micro_batch_rows(config.train.micro_batch_rows, rows),
                schedule=replace(config.train.schedule, learning_rate=learning_rate(shape, tokens, config.train.optimizer)),
            )
            with quiet():
                run = pretrain_once(
                    self._prepared,
                    shape,
                    budget=Budget(kind="tokens", amount=max(tokens, rows * shape.context_length)),
                    train=train,
                    curriculum=replace(config.curriculum, anneal=0.0),
                    runtime=runtime,
                    seed=config.seed,
                    heldout_tokens=HELDOUT_TOKENS,
                )
            say(
                f"small run  {_name(shape)}: held-out loss {run.loss:.3f} after {format_count(run.tokens)} tokens, {run.seconds:.0f}s"
            )
            found.append(run)
        return found

    def _say(self, options: list[Candidate], chosen: Candidate, machine: Machine) -> None:
        """Print the table of sizes and what follows from it."""
        how = f"{machine.runtime.precision}, {machine.runtime.num_threads} threads, {'compiled' if machine.compiled else 'eager'}"
        say(
            f"plan for {self._config.parsed_budget} on {machine.runtime.device.type} ({how}); loss: held out, at the end of pre-training, 95 %"
        )
        say("   layers x dim  parameters  tokens/s  pre-training   tokens  tokens/parameter  predicted loss")
        for option in options:
            shape, prediction = option.shape, option.prediction
            say(
                f" {'>' if option is chosen else ' '} {shape.num_layers:>5} x {shape.dim:<5}"
                f"  {format_count(shape.num_parameters):>10}  {format_count(option.tokens_per_second):>7}{' ' if option.measured else '~'}"
                f"  {format_duration(option.seconds):>12}  {format_count(option.tokens):>7}  {option.tokens / shape.num_parameters:>16.2f}"
                f"  {prediction.loss:.3f} ({prediction.low:.3f} to {prediction.high:.3f})"
            )
        if not all(option.measured for option in options):
            say("   ~ timed eager, with the compiler's gain of the nearest size that was compiled")
        if chosen is options[-1] and len(options) > 1:
            say("   the largest size that was looked at is the best one; a still larger one might be better yet")
        often = {name: epochs for name, epochs in chosen.epochs.items() if epochs > OFTEN}
        if often:
            warn(
                "text would be read too often to be worth as much as new text (more than "
                f"{OFTEN:g} times): "
                + ", ".join(f"{name} {epochs:.1f} times" for name, epochs in often.items())
                + ". Prepare more of it."
            )
        say(
            f"planned    {_name(chosen.shape)}, {chosen.rows} rows of {chosen.shape.context_length} tokens a batch, learning rate {chosen.learning_rate:g}"
        )


def apply(config: RunConfig, chosen: Candidate) -> RunConfig:
    """Return a config with the planned size, batch and rates. Fine-tuning's rate moves with the size as pre-training's does."""
    shape = replace(chosen.shape, vocab_size=config.model.vocab_size)
    by_size = size_factor(shape, hidden_parameters(config.model), config.train.optimizer)
    finetune_rate = float(f"{config.finetune.schedule.learning_rate * by_size:.2g}")
    return replace(
        config,
        model=shape,
        train=replace(
            config.train,
            rows_per_batch=chosen.rows,
            micro_batch_rows=chosen.micro_rows,
            schedule=replace(config.train.schedule, learning_rate=chosen.learning_rate),
        ),
        finetune=replace(config.finetune, schedule=replace(config.finetune.schedule, learning_rate=finetune_rate)),
    )


def plan_run(config: RunConfig, folder: RunFolder, *, ranks: Ranks = ALONE) -> RunConfig:
    """Plan a prepared run, write `plan.json`, and make the planned config the run's own; a plan that is there is kept."""
    if folder.has_trained:  # then its config is the planned one
        return config
    planned = planned_config(config, folder)
    if planned is not None:
        say(f"the plan is made already: {_name(planned.model)} ({folder.plan})")
    elif not ranks.is_alone:
        raise ConfigError(
            f"a plan is made by one process: corpus plan, with the same settings and --out {folder.path}, then this again"
        )
    else:
        planned, record = Planner(config, folder).plan()
        write_json(folder.plan, record)
    write_json(folder.config, to_plain(planned))
    return planned


def _name(shape: ModelConfig) -> str:
    return f"{shape.num_layers} layers of dim {shape.dim} ({format_count(shape.num_parameters)} parameters)"


def _row(option: Candidate) -> dict[str, Any]:
    """Return a candidate as it is recorded."""
    return {
        **{name: getattr(option.shape, name) for name in ("dim", "num_layers", "num_heads", "num_kv_heads", "num_parameters")},
        "rows_per_batch": option.rows,
        "learning_rate": option.learning_rate,
        "tokens_per_second": round(option.tokens_per_second, 1),
        "measured": option.measured,
        "pretrain_seconds": round(option.seconds, 1),
        "tokens": round(option.tokens),
        "epochs": {name: round(value, 3) for name, value in option.epochs.items()},
        "loss": {name: round(value, 4) for name, value in asdict(option.prediction).items()},
    }
