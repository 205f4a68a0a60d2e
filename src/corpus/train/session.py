"""A training session: the machine, the clock and the choices of one run, and a phase run with them.

Choices that depend on a trial (precision, threads, the compiler, how long fine-tuning needs for its epochs) are made once, recorded
in the run's manifest, and reused by every later session of the run.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from corpus.base.console import say, warn
from corpus.base.errors import ConfigError, CorpusError
from corpus.base.units import Budget, format_duration
from corpus.config.runtime import RuntimeConfig
from corpus.config.train import OptimizerConfig, ScheduleConfig, TrainConfig
from corpus.data.batch import Batch
from corpus.model.transformer import Transformer
from corpus.run.folder import RunFolder
from corpus.runtime.parallelize import is_sharded, shard
from corpus.runtime.ranks import ALONE, Ranks
from corpus.runtime.runtime import Runtime, environment, resolve
from corpus.train.budget import Clock, ClockPace, Pace
from corpus.train.choices import Choices
from corpus.train.loop import Feed, Phase, PhaseTrainer, Turn, Validate
from corpus.train.lr import learning_rate
from corpus.train.metrics import Metrics
from corpus.train.optimizer import build_optimizer
from corpus.train.split import STEP_OVERHEAD, Split, saving_seconds, split_steps
from corpus.train.step import (
    OutOfMemory,
    TrainStep,
    Trunk,
    compiled_trunk,
    eager_trunk,
    fewer_rows,
    own_rows,
    pass_seconds,
    split_rows,
)
from corpus.train.trials import Trials


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
            warn(
                "runtime.parallel is fsdp and there is one rank, which has nobody to share the weights with"
            )
        self.folder, self.budget, self._batch_tokens, self._resume_hint = (
            folder,
            budget,
            batch_tokens,
            resume_hint,
        )
        self.clock, self.metrics = (
            Clock(folder.clock, writes=folder.writes),
            Metrics(folder.path, writes=folder.writes),
        )
        self._choices = Choices(folder, ranks)
        self._trunk: Trunk | None = None
        threads = runtime.num_threads or self._choices.get("num_threads", 0)
        self.clock.start()
        try:
            resolved = resolve(
                replace(runtime, num_threads=threads),
                precision=self._choices.get("precision"),
                repeatable=not budget.is_clock,
                ranks=ranks,
            )
        except CorpusError:
            self.clock.stop()
            raise
        self._trials = Trials(
            folder,
            self._choices,
            budget=budget,
            batch_tokens=batch_tokens,
            asked=runtime,
            runtime=resolved,
            clock=self.clock,
        )
        self.config = (
            replace(config, checkpoint_seconds=min(config.checkpoint_seconds, budget.amount / 8))
            if budget.is_clock
            else config
        )
        self._choices.record(precision=self.runtime.precision, num_threads=self.runtime.num_threads)
        folder.update_manifest(environment=environment(self.runtime), budget=str(budget))

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *error: object) -> None:
        self.clock.stop()
        self.metrics.close()
        self.folder.update_manifest(clock_seconds=round(self.clock.seconds, 3))

    @property
    def runtime(self) -> Runtime:
        """The machine as it is used; trials may change it before the first step."""
        return self._trials.runtime

    def trunk(self, model: Transformer, sample: Callable[[], Batch]) -> Trunk:
        """Return the forward pass, compiled where that is found to work and pay; decided once in a run, tried once in a session.

        `sample` gives a batch of the shape that training uses; it is asked for only where there is something to try.
        """
        while self._trunk is None:
            try:
                choice = self._trials.decide(model, self._part_of(sample))
                self._trunk = self._build_trunk(model, compiled=choice.compiled)
            except OutOfMemory as error:
                self._halve(error)
        return self._trunk

    def forget_trunk(self) -> None:
        """Have the forward pass compiled anew, where it is compiled: the model has other layers than before."""
        self._trunk = None

    def _divide(self, model: Transformer) -> None:
        """Divide the weights among the ranks where that is asked for; before anything is computed, for a whole model may not fit."""
        if self._parallel == "fsdp" and not self.ranks.is_alone and not is_sharded(model):
            shard(model, self.runtime)

    def _build_trunk(self, model: Transformer, *, compiled: bool) -> Trunk:
        if not compiled:
            return eager_trunk(model)
        if not is_sharded(model):
            return compiled_trunk(model)
        for (
            block
        ) in model.blocks:  # between the blocks weights come and go, which is not for a compiler
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

    def _halve(self, error: OutOfMemory) -> None:
        """Compute fewer rows at a time. Raises `error` where it is one already."""
        rows = fewer_rows(self.micro_batch_rows or self.rows_per_rank)
        if not rows:
            raise error
        self._use_fewer_rows(rows)

    def _use_fewer_rows(self, rows: int) -> None:
        parts = self.rows_per_rank // rows
        warn(
            f"out of memory: from now on {rows} rows are computed at a time, {parts} times a step; the batch stays the same"
        )
        self._choices.record(micro_batch_rows=rows)

    def _part_of(self, sample: Callable[[], Batch]) -> Callable[[], Batch]:
        """What training computes at a time, of the batches that `sample` gives."""
        return lambda: split_rows(own_rows(sample(), self.ranks), self.micro_batch_rows)[0]

    def split(
        self, *, finetune_batches: int, model: Transformer, sample: Callable[[], Batch]
    ) -> Split:
        """Divide the budget between the phases.

        Fine-tuning gets its share, or the time that `finetune_batches` (its cap on epochs) take where that is less; pre-training gets
        the rest. Where there is no pre-training, training ends when the epochs are done.
        """
        share = self.config.finetune_share
        if not self.budget.is_clock:
            return split_steps(
                self.budget,
                batch_tokens=self._batch_tokens,
                share=share,
                finetune_batches=finetune_batches,
            )
        if "finetune_seconds" not in self._choices:
            seconds = self._finetune_seconds(share, finetune_batches, model, sample)
            self._choices.record(finetune_seconds=round(seconds, 3))
        reserve = saving_seconds(model.config)
        change = self.budget.amount - max(self._choices["finetune_seconds"], reserve)

        def last() -> float:
            is_all = share == 1
            return (
                self._begun("finetune") + self._choices["finetune_seconds"] if is_all else math.inf
            )

        return Split(
            pretrain=lambda: ClockPace(clock=self.clock, start=self._begun("pretrain"), end=change),
            finetune=lambda: ClockPace(
                clock=self.clock,
                start=self._begun("finetune"),
                end=min(self.budget.amount - reserve, last()),
            ),
        )

    def _finetune_seconds(
        self, share: float, batches: int, model: Transformer, sample: Callable[[], Batch]
    ) -> float:
        if share == 0:
            return 0.0
        self._divide(model)
        seconds = self._pass_seconds(model, sample)
        wanted = max(
            0.0, share * (self.budget.amount - self.clock.seconds)
        )  # what the trials took, they took from both phases
        parts = len(split_rows(own_rows(sample(), self.ranks), self.micro_batch_rows))
        needed = batches * STEP_OVERHEAD * parts * seconds
        if needed >= wanted:
            return wanted
        rest = "training ends then" if share == 1 else "pre-training gets the rest"
        say(
            f"fine-tuning needs about {format_duration(needed)} for its epochs, less than its share of {format_duration(wanted)}; {rest}"
        )
        return needed

    def _pass_seconds(self, model: Transformer, sample: Callable[[], Batch]) -> float:
        """Seconds of a pass over what is computed at a time, which is less from here on where that was too much."""
        while True:
            trunk = self.trunk(model, sample)
            timed = lambda: pass_seconds(model, trunk, self.runtime, self._part_of(sample)())  # noqa: B023, E731
            if is_sharded(model):  # a pass of all ranks together
                return timed()
            try:
                return self._choices.together(timed)
            except OutOfMemory as error:
                self._halve(error)

    def _begun(self, phase: str) -> float:
        """The training clock's time at which the phase first began, in whichever session."""
        name = f"{phase}_began_seconds"
        if name not in self._choices:
            self._choices.record(**{name: round(self.clock.seconds, 3)})
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
        optimizer: OptimizerConfig | None = None,
        turn: Turn | None = None,
    ) -> int:
        """Train one phase to its end and return its tokens. Goes on from its newest checkpoint where there is one.

        `optimizer` takes the place of the config's; `turn` is done once in the middle.
        """
        self._divide(model)
        if f"{name}_began_seconds" not in self._choices:
            self.trunk(model, sample)  # before the phase begins: a trial is no part of its schedule
        step = TrainStep(
            model,
            build_optimizer(model, optimizer or self.config.optimizer),
            self.runtime,
            trunk=eager_trunk(model),
            clip_norm=self.config.optimizer.clip_norm,
            micro_batch_rows=self.micro_batch_rows,
            on_smaller=self._use_fewer_rows,
        )
        phase = Phase(
            name=name,
            feed=feed,
            pace=pace(),
            learning_rate=lambda progress: learning_rate(schedule, progress),
            validate=validate,
            turn=turn,
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
        if not self.ranks.numbers(trainer.is_over)[
            0
        ]:  # where nothing is left to do, nothing is compiled
            step.trunk = self.trunk(model, sample)
            step.micro_batch_rows = self.micro_batch_rows
        trainer.train()
        self.folder.update_manifest(
            tokens={name: trainer.position.tokens}, steps={name: trainer.position.step}
        )
        return trainer.position.tokens
