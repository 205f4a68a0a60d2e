"""Planning: measure this machine, try small models, and give the run the size, batch and learning rate that its budget is best spent on."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from corpus.base.console import quiet, say, warn
from corpus.base.errors import Interrupted
from corpus.base.files import write_json
from corpus.base.plain import to_plain
from corpus.base.units import Budget, format_count, format_duration
from corpus.config.model import ModelConfig
from corpus.config.run import RunConfig
from corpus.config.runtime import RuntimeConfig
from corpus.data.batch import Batch
from corpus.data.curriculum import plan_phases
from corpus.data.prepared import Prepared
from corpus.finetune.examples import select_examples
from corpus.finetune.normal_form import in_normal_form, normal_forms
from corpus.plan.law import OFTEN, Law, Point
from corpus.plan.measure import Machine, Speed, measure
from corpus.plan.planner import (
    FEWEST_TOKENS,
    Candidate,
    best,
    candidates,
    small_run_seconds,
    small_runs,
    worth_of,
)
from corpus.plan.shapes import family
from corpus.plan.small_run import SmallRun, pretrain_once
from corpus.plan.steps import (
    LARGEST_RATE,
    hidden_parameters,
    learning_rate,
    micro_batch_rows,
    most_rows,
    rows_per_batch,
    size_factor,
)
from corpus.run.begin import PLAN_FORMAT, planned_config, read_plan
from corpus.run.folder import RunFolder
from corpus.run.problems import training_problems
from corpus.runtime.runtime import environment, resolve, usable_cores
from corpus.train.feeds import Feeds
from corpus.train.split import STEP_OVERHEAD, saving_seconds

MEASURE_SECONDS = 60.0
"""After so long no further size is compiled to be timed."""

HELDOUT_TOKENS = 32_768
"""Of each source, that a small run is scored on."""


class Planner:
    """Plans one run."""

    def __init__(self, config: RunConfig, folder: RunFolder) -> None:
        """The budget is a clock's, and leaves pre-training a share."""
        self._config, self._folder, self._prepared = config, folder, Prepared.open(folder.prepared)
        problems = training_problems(folder)
        selection = select_examples(
            in_normal_form(problems, normal_forms(problems))
            if config.finetune.normal_form
            else problems,
            self._prepared.tokenizer,
            max_length=config.model.context_length,
            checked_only=config.finetune.checked_only,
        )
        self._plain = replace(config.curriculum, anneal=0.0)
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
        law = self._law(runs)
        sources = {name: len(tokens) for name, tokens in self._feeds.pretrain_sources.items()}
        options = candidates(
            machine,
            law,
            seconds=seconds,
            optimizer=config.train.optimizer,
            phases=self._feeds.phases,
            sources=sources,
        )
        chosen = best(options)
        planned = apply(config, chosen)
        record = {
            "format": PLAN_FORMAT,
            "basis": basis_of(self._prepared),
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

    def _law(self, runs: Sequence[SmallRun]) -> Law:
        """Return the law that the small runs follow; what they read again counts for as little as it will in the run."""
        sources = {name: len(tokens) for name, tokens in self._prepared.train.tokens.items()}
        phases = plan_phases(self._plain, list(sources))
        return Law(
            [
                Point(
                    parameters=run.shape.num_parameters,
                    tokens=worth_of(run.tokens, phases, sources),
                    loss=run.loss,
                )
                for run in runs
            ]
        )

    def _sample(self, shape: ModelConfig, rows: int) -> Batch:
        train = replace(self._config.train, rows_per_batch=rows, micro_batch_rows=0)
        return Feeds(
            replace(self._config, train=train, curriculum=self._plain), self._prepared, ()
        ).text_sample()

    def _pretrain_seconds(self, speed: Speed, machine: Machine) -> float:
        """How long pre-training has: fine-tuning's share goes off, or less where its epochs take less."""
        config = self._config
        total = config.parsed_budget.amount - machine.trial_seconds
        wanted, needed = (
            config.train.finetune_share * total,
            STEP_OVERHEAD * self._finetune_tokens / speed.tokens_per_second,
        )
        finetune = (
            max(min(wanted, needed), saving_seconds(speed.shape))
            if wanted
            else saving_seconds(speed.shape)
        )
        return max(total - finetune, 1.0)

    def _small_runs(self, machine: Machine) -> list[SmallRun]:
        """Pre-train small models on few tokens, each with the batch and rate that a plan would give it."""
        config, found = self._config, []
        runtime = RuntimeConfig(
            device=machine.runtime.device.type,  # pyright: ignore[reportArgumentType]
            precision=machine.runtime.precision,  # pyright: ignore[reportArgumentType]
            num_threads=machine.runtime.num_threads,
            compile="off",
            checkpoint_activations=config.runtime.checkpoint_activations,
        )
        wanted = small_runs(machine.speeds, small_run_seconds(config.parsed_budget))
        if wanted[0][1] < FEWEST_TOKENS:
            warn(
                "the small runs are too short to leave their beginnings behind on this machine; take the losses below as a rough guess"
            )
        for shape, tokens in wanted:
            rows = rows_per_batch(shape, tokens)
            most = most_rows(config.train.micro_batch_rows, shape, runtime.device)
            train = replace(
                config.train,
                rows_per_batch=rows,
                micro_batch_rows=micro_batch_rows(most, rows),
                schedule=replace(
                    config.train.schedule,
                    learning_rate=learning_rate(shape, tokens, config.train.optimizer),
                ),
            )
            with quiet():
                run = pretrain_once(
                    self._prepared,
                    shape,
                    budget=Budget(
                        kind="tokens", amount=int(max(tokens, rows * shape.context_length))
                    ),
                    train=train,
                    curriculum=self._plain,
                    runtime=runtime,
                    seed=config.seed,
                    heldout_tokens=HELDOUT_TOKENS,
                )
            say(
                f"small run  {_name(shape)}: held-out loss {run.loss:.3f} after {format_count(run.tokens)} tokens, {run.seconds:.0f}s"
            )
            found.append(run)
        return found


def apply(config: RunConfig, chosen: Candidate) -> RunConfig:
    """Return a config with the planned size, batch and rates. Fine-tuning's rate moves with the size as pre-training's does."""
    shape = replace(chosen.shape, vocab_size=config.model.vocab_size)
    by_size = size_factor(shape, hidden_parameters(config.model), config.train.optimizer)
    finetune_rate = float(
        f"{min(config.finetune.schedule.learning_rate * by_size, LARGEST_RATE):.2g}"
    )
    return replace(
        config,
        model=shape,
        train=replace(
            config.train,
            rows_per_batch=chosen.rows,
            micro_batch_rows=chosen.micro_rows,
            schedule=replace(config.train.schedule, learning_rate=chosen.learning_rate),
        ),
        finetune=replace(
            config.finetune, schedule=replace(config.finetune.schedule, learning_rate=finetune_rate)
        ),
    )


def plan_run(config: RunConfig, folder: RunFolder, *, command: str, alone: bool = True) -> None:
    """Plan a prepared run, write `plan.json`, and make the planned config the run's own.

    A plan that is there is kept where it was made from the same settings, the same text and on the same machine; with several ranks (not `alone`)
    wherever it was made. Once training has begun, the config is the planned one already.
    """
    if folder.has_trained:
        return
    planned, record, prepared = (
        planned_config(config, folder),
        read_plan(folder),
        Prepared.open(folder.prepared),
    )
    if planned is None or record is None or (alone and record["basis"] != basis_of(prepared)):
        try:
            planned, record = Planner(config, folder).plan()
        except Interrupted:
            why = "stopped while planning; nothing is kept of a plan that is not finished. Plan anew with:"
            raise Interrupted(f"{why}\n  {command}") from None
        write_json(folder.plan, record)
    else:
        say(f"the plan is made already; to plan anew, delete {folder.plan}")
    write_json(folder.config, to_plain(planned))
    for line in table(record):
        say(line)
    often = {
        name: epochs
        for name, epochs in record["candidates"][record["chosen"]]["epochs"].items()
        if epochs > OFTEN
    }
    if often:
        warn(
            f"text would be read more than {OFTEN:g} times, too often to be worth as much as new text: "
            + ", ".join(f"{name} {epochs:.1f} times" for name, epochs in often.items())
            + ". Prepare more of it, or give a smaller budget."
        )


def basis_of(prepared: Prepared) -> dict[str, Any]:
    """Return what a plan rests on beside its settings: the text, and the machine."""
    machine = environment(resolve(RuntimeConfig(precision="fp32")))
    return {
        "text": prepared.train.manifest.key,
        **{name: machine[name] for name in ("device", "device_name", "torch")},
        "cores": usable_cores(),
    }


def table(record: dict[str, Any]) -> list[str]:
    """Return a plan as lines of text."""
    machine, options = record["machine"], record["candidates"]
    chosen, threads = options[record["chosen"]], machine["num_threads"]
    how = f"{machine['precision']}, {threads} thread{'s' if threads > 1 else ''}, {'compiled' if machine['compiled'] else 'eager'}"
    lines = [
        f"plan for {record['config']['budget']} on {machine['device']} ({how}); loss: held out, at the end of pre-training, 95 %",
        "   layers x dim  parameters  tokens/s  pre-training   tokens  tokens/parameter  predicted loss",
    ]
    for option in options:
        loss = option["loss"]
        lines.append(
            f" {'>' if option is chosen else ' '} {option['num_layers']:>5} x {option['dim']:<5}"
            f"  {format_count(option['num_parameters']):>10}  {format_count(option['tokens_per_second']):>7}{' ' if option['measured'] else '~'}"
            f"  {format_duration(option['pretrain_seconds']):>12}  {format_count(option['tokens']):>7}"
            f"  {option['tokens'] / option['num_parameters']:>16.2f}  {loss['loss']:.3f} ({loss['low']:.3f} to {loss['high']:.3f})"
        )
    if not all(option["measured"] for option in options):
        lines.append(
            "   ~ timed eager, with the compiler's gain of the nearest size that was compiled"
        )
    if chosen is options[-1] and len(options) > 1:
        lines.append(
            "   the largest size that was looked at is the best one; a still larger one might be better yet"
        )
    rate, rows = chosen["learning_rate"], chosen["rows_per_batch"]
    name = f"{chosen['num_layers']} layers of dim {chosen['dim']} ({format_count(chosen['num_parameters'])} parameters)"
    return [
        *lines,
        f"planned    {name}, {rows} rows of {record['config']['model']['context_length']} tokens a batch, learning rate {rate:g}",
    ]


def _name(shape: ModelConfig) -> str:
    return f"{shape.num_layers} layers of dim {shape.dim} ({format_count(shape.num_parameters)} parameters)"


def _row(option: Candidate) -> dict[str, Any]:
    """Return a candidate as it is recorded."""
    return {
        **{
            name: getattr(option.shape, name)
            for name in ("dim", "num_layers", "num_heads", "num_kv_heads", "num_parameters")
        },
        "rows_per_batch": option.rows,
        "learning_rate": option.learning_rate,
        "tokens_per_second": round(option.tokens_per_second, 1),
        "measured": option.measured,
        "pretrain_seconds": round(option.seconds, 1),
        "tokens": round(option.tokens),
        "epochs": {name: round(value, 3) for name, value in option.epochs.items()},
        "loss": {name: round(value, 4) for name, value in asdict(option.prediction).items()},
    }
