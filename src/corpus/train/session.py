"""A training session: the machine, the clock and the choices of one run, and a phase run with them.

Choices that depend on a trial (precision, threads, the compiler, how long fine-tuning needs for its epochs) are made once, recorded
in the run's manifest, and reused by every later session of the run.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import torch

from corpus.base.console import say, warn
from corpus.base.errors import ConfigError, CorpusError
from corpus.base.run_folder import RunFolder
from corpus.base.units import Budget, format_duration
from corpus.data.batch import Batch
from corpus.model.reduced import compute_in
from corpus.model.transformer import Transformer
from corpus.runtime.config import RuntimeConfig
from corpus.runtime.parallelize import is_sharded, shard
from corpus.runtime.ranks import ALONE, Ranks
from corpus.runtime.runtime import Runtime, allow_tf32, environment, resolve
from corpus.train.budget import Clock, ClockPace, Pace
from corpus.train.config import ScheduleConfig, TrainConfig
from corpus.train.loop import Feed, Phase, PhaseTrainer, Validate
from corpus.train.lr import learning_rate
from corpus.train.metrics import Metrics
from corpus.train.optimizer import build_optimizer
from corpus.train.precision import fastest, table, try_precisions
from corpus.train.split import STEP_OVERHEAD, Split, saving_seconds, split_steps
from corpus.train.step import (
    CompileChoice,
    OutOfMemory,
    TrainStep,
    Trunk,
    choose_compile,
    compiled_trunk,
    eager_trunk,
    fewer_rows,
    own_rows,
    pass_seconds,
    split_rows,
)
from corpus.train.threads import try_threads

WORTH_COMPILING_SECONDS = 120.0
"""A clock budget on a CPU from which compiling, ten to thirty seconds, is paid back."""

WORTH_COMPILING_STEPS = 500
"""The same in steps."""

TRIAL_SHARE = 0.01
"""Share of a clock after which no further round of trying numbers of threads begins."""

PRECISION_SHARE = 0.03
"""Share of a clock after which no further precision is tried."""

COMPILE_PAYS = 4.0
"""How many times as long as compiling takes must be left of a clock for a later session to compile again."""


class Session:
    """Runs phases of one run under its budget."""

    def __init__(
        self,
        folder: RunFolder,
        *,
        budget: Budget,
        batch_tokens: int,
        config: TrainConfig,
        runtime: RuntimeConfig,
        resume_hint: str,
        ranks: Ranks = ALONE,
    ) -> None:
        """Raises `ConfigError` where the rows of a batch cannot be divided among the ranks."""
        if config.rows_per_batch % ranks.world_size:
            raise ConfigError(
                f"train.rows_per_batch is {config.rows_per_batch} and there are {ranks.world_size} ranks; the second must divide the first. "
                "Start another number of ranks, or begin a new run with other rows"
            )
        self.ranks, self._parallel = ranks, runtime.parallel
        if runtime.parallel == "fsdp" and ranks.is_alone:
            warn("runtime.parallel is fsdp and there is one rank, which has nobody to share the weights with")
        self.folder, self.budget, self._batch_tokens, self._resume_hint = folder, budget, batch_tokens, resume_hint
        self.clock, self.metrics = Clock(folder.clock, writes=folder.writes), Metrics(folder.path, writes=folder.writes)
        self._choices: dict[str, Any] = ranks.from_main(folder.read_manifest()["choices"])
        self._compile_setting = runtime.compile
        self._may_choose_precision = runtime.precision == "auto" and budget.is_clock
        self._trunk: Trunk | None = None
        asked_threads = runtime.num_threads
        if "num_threads" in self._choices and not runtime.num_threads:
            runtime = replace(runtime, num_threads=self._choices["num_threads"])
        self.clock.start()
        try:
            self.runtime: Runtime = resolve(
                runtime, precision=self._choices.get("precision"), repeatable=not budget.is_clock, ranks=ranks
            )
        except CorpusError:
            self.clock.stop()
            raise
        self._may_choose_threads = (
            budget.is_clock and not self._is_short and not asked_threads and self.runtime.device.type == "cpu"
        )
        self.config = (
            replace(config, checkpoint_seconds=min(config.checkpoint_seconds, budget.amount / 8)) if budget.is_clock else config
        )
        self._record(precision=self.runtime.precision, num_threads=self.runtime.num_threads)
        folder.update_manifest(environment=environment(self.runtime), budget=str(budget))

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *error: object) -> None:
        self.clock.stop()
        self.metrics.close()
        self.folder.update_manifest(clock_seconds=round(self.clock.seconds, 3))

    def _record(self, **choices: Any) -> None:
        """Keep what was chosen; all ranks call this, and the first one's choice is everybody's."""
        choices = self.ranks.from_main(choices)
        self._choices |= choices
        self.folder.update_manifest(choices=choices)

    def trunk(self, model: Transformer, sample: Callable[[], Batch]) -> Trunk:
        """Return the forward pass, compiled where that is found to work and pay; decided once in a run, tried once in a session.

        `sample` gives a batch of the shape that training uses; it is asked for only where there is something to try.
        """
        while self._trunk is None:
            part, choice, full = (
                self._part_of(sample),
                None,
                OutOfMemory("another rank ran out of memory; its own message says more"),
            )
            try:
                self._choose_threads(model, part)
                self._choose_precision(model, part)
                choice = self._choose_compile(model, part)
            except OutOfMemory as error:
                model.zero_grad(set_to_none=True)
                full = error
            if self.ranks.any(choice is None):
                rows = fewer_rows(self.micro_batch_rows or self.rows_per_rank)
                if not rows:
                    raise full
                self._use_fewer_rows(rows)
                continue
            assert choice is not None
            choice = CompileChoice(**self.ranks.from_main(asdict(choice)))
            if choice.compiled != self._choices.get("compiled") or "compile_reason" not in self._choices:
                warn(choice.reason) if choice.failed else say(choice.reason)
                self._record(compiled=choice.compiled, compile_reason=choice.reason)
            self._trunk = self._build_trunk(model, compiled=choice.compiled)
        return self._trunk

    def _build_trunk(self, model: Transformer, *, compiled: bool) -> Trunk:
        if not compiled:
            return eager_trunk(model)
        if not is_sharded(model):
            return compiled_trunk(model)
        for block in model.blocks:  # between the blocks weights come and go, which is not for a compiler
            block.compile(dynamic=False)
        return eager_trunk(model)

    @property
    def compiled(self) -> bool:
        """Whether the forward pass is compiled; false before `trunk` was asked for."""
        return bool(self._choices.get("compiled"))

    @property
    def rows_per_rank(self) -> int:
        """Rows of a batch that each rank computes."""
        return self.config.rows_per_batch // self.ranks.world_size

    @property
    def micro_batch_rows(self) -> int:
        """Rows computed at a time: as the config says, or fewer where that was too much for the device; 0 is the whole batch."""
        return self._choices.get("micro_batch_rows", self.config.micro_batch_rows)

    def _use_fewer_rows(self, rows: int) -> None:
        parts = self.rows_per_rank // rows
        warn(f"out of memory: from now on {rows} rows are computed at a time, {parts} times a step; the batch stays the same")
        self._record(micro_batch_rows=rows)

    def _choose_precision(self, model: Transformer, sample: Callable[[], Batch]) -> None:
        """Under a clock that is long enough, try what the device has on the model itself, and keep the table."""
        begun = any(name.endswith("_began_seconds") for name in self._choices)
        if self._may_choose_precision and not begun and not self._is_short and "precisions_tried" not in self._choices:
            compiled = self.runtime.device.type == "cuda" and self._compile_setting != "off"
            start, longest = self.clock.seconds, PRECISION_SHARE * self.budget.amount
            trials = try_precisions(
                model, self.runtime, sample(), compiled=compiled, enough=lambda: self.clock.seconds - start > longest
            )
            chosen = self.ranks.from_main(fastest(trials))
            for line in table(trials):
                say(f"precision  {line}")
            self._record(precision=chosen, precisions_tried=[trial.row() for trial in trials])
            self.runtime = replace(self.runtime, precision=chosen)
            allow_tf32(self.runtime)
            self.folder.update_manifest(environment={"precision": chosen})
        compute_in(model, self.runtime.precision)

    def _part_of(self, sample: Callable[[], Batch]) -> Callable[[], Batch]:
        """What training computes at a time, of the batches that `sample` gives."""
        return lambda: split_rows(own_rows(sample(), self.ranks), self.micro_batch_rows)[0]

    def _choose_compile(self, model: Transformer, sample: Callable[[], Batch]) -> CompileChoice:
        decided = self._choices.get("compiled")
        if is_sharded(model) and decided is not None:  # what was found before the weights were divided
            return CompileChoice(compiled=decided, reason=self._choices["compile_reason"])
        if decided is False:
            return CompileChoice(compiled=False, reason=self._choices["compile_reason"])
        if decided is None:
            if self._compile_setting == "off":
                return CompileChoice(compiled=False, reason="training runs eager (runtime.compile is off)")
            if self._compile_setting == "auto" and self.runtime.device.type == "cpu" and self._is_short:
                why = "the budget is too short to pay for compiling; runtime.compile on overrides it"
                return CompileChoice(compiled=False, reason=f"training runs eager ({why})")
        needed = COMPILE_PAYS * self._choices.get("compile_seconds", 0.0)
        if self.budget.is_clock and self.budget.amount - self.clock.seconds < needed:
            return CompileChoice(
                compiled=False, reason="the time that is left is too short to compile again, training goes on eager"
            )
        timed = decided is None and self.budget.is_clock and self._compile_setting == "auto"
        began = self.clock.seconds
        choice = choose_compile(model, self.runtime, sample(), timed=timed)
        self._record(compile_seconds=round(self.clock.seconds - began, 3))
        return choice

    @property
    def _is_short(self) -> bool:
        if self.budget.is_clock:
            return self.budget.amount < WORTH_COMPILING_SECONDS
        steps = self.budget.amount / (self._batch_tokens if self.budget.kind == "tokens" else 1)
        return steps < WORTH_COMPILING_STEPS

    def _choose_threads(self, model: Transformer, sample: Callable[[], Batch]) -> None:
        """Under a clock on a CPU, take the number of threads that is fastest now: beside other work fewer can be more."""
        if not self._may_choose_threads or "threads_tried" in self._choices:
            return
        began, longest = self.clock.seconds, TRIAL_SHARE * self.budget.amount
        seconds = try_threads(model, self.runtime, sample(), enough=lambda: self.clock.seconds - began > longest)
        chosen = self.ranks.from_main(min(seconds, key=lambda threads: seconds[threads]))
        torch.set_num_threads(chosen)
        self.runtime = replace(self.runtime, num_threads=chosen)
        table = {str(threads): round(value, 4) for threads, value in seconds.items()}
        say(
            "threads    "
            + ", ".join(f"{threads}: {value:.2f} s a pass" for threads, value in seconds.items())
            + f"; {chosen} chosen"
        )
        self._record(num_threads=chosen, threads_tried=table)
        self.folder.update_manifest(environment={"num_threads": chosen})

    def split(self, *, finetune_batches: int, model: Transformer, sample: Callable[[], Batch]) -> Split:
        """Divide the budget between the phases.

        Fine-tuning gets its share, or the time that `finetune_batches` (its cap on epochs) take where that is less; pre-training gets
        the rest. Where there is no pre-training, fine-tuning gets everything.
        """
        share = self.config.finetune_share
        if not self.budget.is_clock:
            return split_steps(self.budget, batch_tokens=self._batch_tokens, share=share, finetune_batches=finetune_batches)
        if "finetune_seconds" not in self._choices:
            seconds = self._finetune_seconds(share, finetune_batches, model, sample)
            self._record(finetune_seconds=round(seconds, 3))
        reserve = saving_seconds(model.config)
        change = self.budget.amount - max(self._choices["finetune_seconds"], reserve)
        return Split(
            pretrain=lambda: ClockPace(clock=self.clock, start=self._begun("pretrain"), end=change),
            finetune=lambda: ClockPace(clock=self.clock, start=self._begun("finetune"), end=self.budget.amount - reserve),
        )

    def _finetune_seconds(self, share: float, batches: int, model: Transformer, sample: Callable[[], Batch]) -> float:
        if share in (0, 1):
            return share * self.budget.amount
        trunk = self.trunk(model, sample)
        wanted = share * (self.budget.amount - self.clock.seconds)  # what the trials took, they took from both phases
        parts = len(split_rows(own_rows(sample(), self.ranks), self.micro_batch_rows))
        needed = batches * STEP_OVERHEAD * parts * pass_seconds(model, trunk, self.runtime, self._part_of(sample)())
        if needed >= wanted:
            return wanted
        say(
            f"fine-tuning needs about {format_duration(needed)} for its epochs, less than its share of {format_duration(wanted)}; pre-training gets the rest"
        )
        return needed

    def _begun(self, phase: str) -> float:
        """The training clock's time at which the phase first began, in whichever session."""
        name = f"{phase}_began_seconds"
        if name not in self._choices:
            self._record(**{name: round(self.clock.seconds, 3)})
        return self._choices[name]

    def run(
        self,
        name: str,
        model: Transformer,
        *,
        feed: Feed,
        pace: Callable[[], Pace],
        schedule: ScheduleConfig,
        validate: Validate | None,
        sample: Callable[[], Batch],
    ) -> int:
        """Train one phase to its end and return its tokens. Goes on from its newest checkpoint where there is one."""
        if f"{name}_began_seconds" not in self._choices:
            self.trunk(model, sample)  # before the phase begins: a trial is no part of its schedule
        if self._parallel == "fsdp" and not self.ranks.is_alone and not is_sharded(model):
            shard(model, self.runtime)
            self._trunk = None
        step = TrainStep(
            model,
            build_optimizer(model, self.config.optimizer),
            self.runtime,
            trunk=eager_trunk(model),
            clip_norm=self.config.optimizer.clip_norm,
            micro_batch_rows=self.micro_batch_rows,
            on_smaller=self._use_fewer_rows,
        )
        phase = Phase(
            name=name, feed=feed, pace=pace(), learning_rate=lambda progress: learning_rate(schedule, progress), validate=validate
        )
        trainer = PhaseTrainer(
            phase,
            step,
            config=self.config,
            clock=self.clock,
            metrics=self.metrics,
            folder=self.folder.checkpoints,
            resume_hint=self._resume_hint,
        )
        trainer.resume()
        if not self.ranks.numbers(trainer.is_over)[0]:  # where nothing is left to do, nothing is compiled
            step.trunk = self.trunk(model, sample)
            step.micro_batch_rows = self.micro_batch_rows
        trainer.train()
        self.folder.update_manifest(tokens={name: trainer.position.tokens}, steps={name: trainer.position.step})
        return trainer.position.tokens
