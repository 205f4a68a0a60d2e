"""Planning: measure this machine, try small models, and choose size, batch and learning rate."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from corpus.base.console import quiet, say, warn
from corpus.base.errors import Interrupted
from corpus.base.files import write_json
from corpus.base.plain import to_plain
from corpus.base.seeds import derive
from corpus.base.units import Budget, format_count, format_duration
from corpus.config.model import ModelConfig
from corpus.config.run import RunConfig
from corpus.config.runtime import RuntimeConfig
from corpus.data.batch import Batch
from corpus.data.curriculum import plan_phases
from corpus.data.loader import TextLoader
from corpus.data.prepared import Prepared
from corpus.plan.law import OFTEN, Law, Point
from corpus.plan.measure import Machine, Speed, measure
from corpus.plan.planner import (
    FEWEST_TOKENS,
    SizeCandidate,
    best,
    candidates,
    small_run_seconds,
    small_runs,
    worth_of,
)
from corpus.plan.sizes import (
    LARGEST_RATE,
    best_batch_size,
    best_learning_rate,
    family,
    fitting_micro_batch,
    hidden_parameters,
    largest_micro_batch,
    size_factor,
)
from corpus.plan.small_run import SmallRun, pretrain_once
from corpus.run.begin import PLAN_FORMAT, planned_config, read_plan
from corpus.run.folder import RunFolder
from corpus.runtime.cores import usable_cores
from corpus.runtime.runtime import environment, resolve
from corpus.text.tokenizer import EOS
from corpus.train.data import TrainingData
from corpus.train.schedule import STEP_OVERHEAD, saving_seconds

MEASURE_SECONDS = 60.0
"""After this time no further size is compiled to be timed."""

HELDOUT_TOKENS = 32_768
"""Tokens of each source that a small run is scored on."""


class Planner:
    """Plans one run."""

    def __init__(self, config: RunConfig, folder: RunFolder) -> None:
        """The budget must be a time, and leave pre-training a share."""
        self._config, self._data = config, TrainingData(config, folder)
        self._prepared = self._data.prepared
        self._plain = replace(config.curriculum, anneal=0.0)
        self._finetune_tokens = self._data.finetune_batches * config.batch_tokens

    def plan(self) -> tuple[RunConfig, dict[str, Any]]:
        """Return the planned config, and a record of everything that led to it."""
        began, config = time.monotonic(), self._config
        base = config.model.with_vocabulary(self._data.tokenizer.vocab_size)
        say("plan       timing training steps of models of several sizes")
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
        sources = {name: len(tokens) for name, tokens in self._data.pretrain_sources.items()}
        options = candidates(
            machine,
            law,
            seconds=seconds,
            optimizer=config.train.optimizer,
            phases=self._data.phases,
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
            "runs": [run.record() for run in runs],
            "candidates": [_record(option) for option in options],
            "chosen": options.index(chosen),
        }
        return planned, record

    def _law(self, runs: Sequence[SmallRun]) -> Law:
        """Return the law of the small runs; text that they repeat counts as it will in the run."""
        sources = {name: len(tokens) for name, tokens in self._prepared.train.tokens.items()}
        phases = plan_phases(self._plain, list(sources))
        points = [
            Point(
                parameters=run.shape.num_parameters,
                tokens=worth_of(run.tokens, phases, sources),
                loss=run.loss,
            )
            for run in runs
        ]
        return Law(points)

    def _sample(self, shape: ModelConfig, batch_size: int) -> Batch:
        sources = dict(self._prepared.train.tokens)
        return TextLoader(
            sources,
            plan_phases(self._plain, list(sources)),
            context_length=shape.context_length,
            batch_size=batch_size,
            eos_id=self._prepared.tokenizer.token_id(EOS),
            seed=derive(self._config.seed, "trial"),
        ).batch(0.0)

    def _pretrain_seconds(self, speed: Speed, machine: Machine) -> float:
        """Return the time of pre-training: all but fine-tuning's share, or what its epochs need."""
        config = self._config
        total = config.parsed_budget.amount - machine.trial_seconds
        wanted = config.train.finetune_share * total
        needed = STEP_OVERHEAD * self._finetune_tokens / speed.tokens_per_second
        finetune = max(min(wanted, needed), saving_seconds(speed.shape))
        return max(total - finetune, 1.0)

    def _small_runs(self, machine: Machine) -> list[SmallRun]:
        """Pre-train small models on few tokens, each with the batch and rate of a plan."""
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
                "the small runs are too short on this machine to fit the scaling law well; the "
                "losses below are a rough guess"
            )
        for shape, tokens in wanted:
            size = best_batch_size(shape, tokens)
            largest = largest_micro_batch(config.train.micro_batch_sequences, shape, runtime.device)
            rate = best_learning_rate(shape, tokens, config.train.optimizer)
            train = replace(
                config.train,
                sequences_per_batch=size,
                micro_batch_sequences=fitting_micro_batch(largest, size),
                schedule=replace(config.train.schedule, learning_rate=rate),
            )
            amount = int(max(tokens, size * shape.context_length))
            with quiet():
                run = pretrain_once(
                    self._prepared,
                    shape,
                    budget=Budget(kind="tokens", amount=amount),
                    train=train,
                    curriculum=self._plain,
                    runtime=runtime,
                    seed=config.seed,
                    heldout_tokens=HELDOUT_TOKENS,
                    num_added=len(self._data.tokenizer.added_ids),
                )
            say(
                f"small run  {_name(shape)}: held-out loss {run.loss:.3f} after "
                f"{format_count(run.tokens)} tokens, {run.seconds:.0f}s"
            )
            found.append(run)
        return found


def apply(config: RunConfig, chosen: SizeCandidate) -> RunConfig:
    """Return a config with the planned size, batch and rates.

    Fine-tuning's rate changes with the size as pre-training's does.
    """
    shape = replace(chosen.shape, vocab_size=config.model.vocab_size)
    by_size = size_factor(shape, hidden_parameters(config.model), config.train.optimizer)
    schedule = config.finetune.schedule
    rate = float(f"{min(schedule.learning_rate * by_size, LARGEST_RATE):.2g}")
    return replace(
        config,
        model=shape,
        train=replace(
            config.train,
            sequences_per_batch=chosen.batch_size,
            micro_batch_sequences=chosen.micro_batch,
            schedule=replace(config.train.schedule, learning_rate=chosen.learning_rate),
        ),
        finetune=replace(config.finetune, schedule=replace(schedule, learning_rate=rate)),
    )


def plan_run(config: RunConfig, folder: RunFolder, *, command: str, alone: bool = True) -> None:
    """Plan a prepared run, write `plan.json`, and make the planned config the run's own.

    An earlier plan is kept where it was made from the same settings and text on the same machine;
    with several ranks (not `alone`) on any machine. Once training has begun, the config is the
    planned one already.
    """
    if folder.has_trained:
        return
    planned, record = planned_config(config, folder), read_plan(folder)
    prepared = Prepared.open(folder.prepared)
    if planned is None or record is None or (alone and record["basis"] != basis_of(prepared)):
        try:
            planned, record = Planner(config, folder).plan()
        except Interrupted:
            raise Interrupted(
                "stopped while planning; an unfinished plan is not kept. Plan again with:\n  "
                f"{command}"
            ) from None
        write_json(folder.plan, record)
    else:
        say(f"there is already a plan; to plan again, delete {folder.plan}")
    write_json(folder.config, to_plain(planned))
    for line in table(record):
        say(line)
    epochs = record["candidates"][record["chosen"]]["epochs"]
    often = [f"{name} {times:.1f} times" for name, times in epochs.items() if times > OFTEN]
    if often:
        warn(
            f"text would be read more than {OFTEN:g} times; repeated text is worth less than new "
            f"text: {', '.join(often)}. Prepare more of it, or give a smaller budget."
        )


def basis_of(prepared: Prepared) -> dict[str, Any]:
    """Return what a plan depends on beside its settings: the text and the machine."""
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
    lines = [
        f"plan for {record['config']['budget']} on {machine['device']} ({machine['precision']}, "
        f"{threads} thread{'s' if threads > 1 else ''}, "
        f"{'compiled' if machine['compiled'] else 'eager'}); loss: held out, at the end of "
        "pre-training, 95 %",
        "   layers x dim  parameters  tokens/s  pre-training   tokens  tokens/parameter  "
        "predicted loss",
    ]
    for option in options:
        loss, rate = option["loss"], format_count(option["tokens_per_second"])
        lines.append(
            f" {'>' if option is chosen else ' '} {option['num_layers']:>5} x {option['dim']:<5}"
            f"  {format_count(option['num_parameters']):>10}"
            f"  {rate:>7}{' ' if option['measured'] else '~'}"
            f"  {format_duration(option['pretrain_seconds']):>12}"
            f"  {format_count(option['tokens']):>7}"
            f"  {option['tokens'] / option['num_parameters']:>16.2f}"
            f"  {loss['loss']:.3f} ({loss['low']:.3f} to {loss['high']:.3f})"
        )
    if not all(option["measured"] for option in options):
        lines.append("   ~ timed eager, times the compiler's speed-up at the nearest compiled size")
    if chosen is options[-1] and len(options) > 1:
        lines.append("   the best size is the largest one measured; a larger one might be better")
    return [
        *lines,
        f"planned    {chosen['num_layers']} layers of dim {chosen['dim']} "
        f"({format_count(chosen['num_parameters'])} parameters), "
        f"{chosen['rows_per_batch']} sequences of {record['config']['model']['context_length']} "
        f"tokens per batch, learning rate {chosen['learning_rate']:g}",
    ]


def _name(shape: ModelConfig) -> str:
    parameters = format_count(shape.num_parameters)
    return f"{shape.num_layers} layers of dim {shape.dim} ({parameters} parameters)"


def _record(option: SizeCandidate) -> dict[str, Any]:
    """Return a candidate as a plan records it."""
    names = ("dim", "num_layers", "num_heads", "num_kv_heads", "num_parameters")
    return {
        **{name: getattr(option.shape, name) for name in names},
        "rows_per_batch": option.batch_size,
        "learning_rate": option.learning_rate,
        "tokens_per_second": round(option.tokens_per_second, 1),
        "measured": option.measured,
        "pretrain_seconds": round(option.seconds, 1),
        "tokens": round(option.tokens),
        "epochs": {name: round(value, 3) for name, value in option.epochs.items()},
        "loss": {name: round(value, 4) for name, value in asdict(option.prediction).items()},
    }
