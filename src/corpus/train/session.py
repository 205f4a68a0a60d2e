"""A training session: the machine, the clock and the budget of a run, and its phases."""

import math
from collections.abc import Callable
from dataclasses import replace

from corpus.base.console import say, warn
from corpus.base.errors import ConfigError, CorpusError
from corpus.base.units import Budget, format_duration
from corpus.config.runtime import RuntimeConfig
from corpus.config.train import OptimizerConfig, ScheduleConfig, TrainConfig
from corpus.data.batch import Batch
from corpus.data.loader import Loader
from corpus.model.transformer import Transformer
from corpus.run.folder import RunFolder
from corpus.runtime.parallelize import is_sharded, shard
from corpus.runtime.ranks import ALONE, Ranks
from corpus.runtime.runtime import Runtime, environment
from corpus.train.autotune import Autotuner, Sample
from corpus.train.choices import Choices
from corpus.train.loop import PhaseTrainer
from corpus.train.metrics import Metrics
from corpus.train.optimizer import build_optimizer
from corpus.train.phase import Callback, Review, TrainingPhase, Validate
from corpus.train.schedule import (
    STEP_OVERHEAD,
    BudgetSplit,
    Clock,
    ClockPace,
    Pace,
    saving_seconds,
    split_steps,
)
from corpus.train.step import TrainStep, eager_backbone

WORTH_REPLANNING = 0.01
"""Share of the budget by which fine-tuning's time must change for a new plan."""

REVIEW_AT = (0.25, 0.5, 0.75)
"""Progress of a phase at which 8-bit products are judged again, beside the end of warm-up."""

WORTH_TELLING_SECONDS = 5.0
"""The shortest suspension of the machine that is worth a line."""


class Session:
    """Runs phases of one run under its budget. Use it as a context manager."""

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
        """Start the training clock.

        Raises `ConfigError` if the batch cannot be divided among the ranks.
        """
        if config.sequences_per_batch % ranks.world_size:
            raise ConfigError(
                f"train.sequences_per_batch {config.sequences_per_batch} cannot be divided among "
                f"{ranks.world_size} ranks; start with a number of ranks that divides it, or begin "
                "a new run with another train.sequences_per_batch"
            )
        if runtime.parallel == "fsdp" and ranks.is_alone:
            warn("runtime.parallel is fsdp, but there is only one rank, so weights are not sharded")
        self.ranks, self._is_sharding = ranks, runtime.parallel == "fsdp" and not ranks.is_alone
        self.folder, self.budget, self._batch_tokens = folder, budget, batch_tokens
        self._resume_hint = resume_hint
        self.clock = Clock(folder.clock, writes=folder.writes)
        self.metrics = Metrics(folder.path, writes=folder.writes)
        self._choices = Choices(folder, ranks)
        self.clock.start()
        try:
            self.autotuner = Autotuner(
                folder,
                self._choices,
                budget=budget,
                batch_tokens=batch_tokens,
                train=config,
                asked=runtime,
                clock=self.clock,
                ranks=ranks,
            )
        except CorpusError:
            self.clock.stop()
            raise
        if budget.is_clock:
            often = min(config.checkpoint_seconds, budget.amount / 8)
            config = replace(config, checkpoint_seconds=often)
        self.config = config
        folder.update_manifest(environment=environment(self.runtime), budget=str(budget))

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *error: object) -> None:
        self.clock.stop()
        self.metrics.close()
        if self.clock.suspended >= WORTH_TELLING_SECONDS:
            say(
                f"this machine was suspended for {format_duration(self.clock.suspended)}; the "
                "training clock does not count that"
            )
        self.folder.update_manifest(clock_seconds=round(self.clock.seconds, 3))

    @property
    def runtime(self) -> Runtime:
        """The machine as it is used; trials may change it before the first step."""
        return self.autotuner.runtime

    def split(
        self,
        *,
        finetune_batches: int,
        model: Transformer,
        sample: Sample,
        text_sample: Sample,
        method_cost: Callable[[], float] = lambda: 1.0,
    ) -> BudgetSplit:
        """Divide the budget between the phases.

        Fine-tuning gets its share, or the time that `finetune_batches` (its cap on epochs) need if
        that is less; pre-training gets the rest. Under a clock that time is estimated from
        trials, and again from the steps of pre-training while it runs.

        Args:
            finetune_batches: batches of all epochs.
            model: as it is pre-trained.
            sample: a batch of problems.
            text_sample: a batch of text.
            method_cost: returns the time of a step of fine-tuning by the method that is used, over
                that of a step which trains all weights.
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
            self._plan_finetuning(finetune_batches, model, sample, text_sample, method_cost)
        reserve = saving_seconds(model.config)

        def pretrain() -> ClockPace:
            began = self._begin("pretrain")
            start, begun = self._choices.get("pretrain_replanned", (began, 0.0))
            end = self.budget.amount - max(self._choices["finetune_seconds"], reserve)
            return ClockPace(clock=self.clock, start=start, end=end, begun=begun)

        def finetune() -> ClockPace:
            end = self.budget.amount - reserve
            return ClockPace(clock=self.clock, start=self._begin("finetune"), end=end)

        def replan(progress: float, step_seconds: float) -> ClockPace:
            self._replan_finetuning(finetune_batches, progress, step_seconds)
            return pretrain()

        return BudgetSplit(pretrain=pretrain, finetune=finetune, replan=replan)

    def _plan_finetuning(
        self,
        batches: int,
        model: Transformer,
        sample: Sample,
        text_sample: Sample,
        method_cost: Callable[[], float],
    ) -> None:
        """Record the seconds of fine-tuning, and its seconds a step over those of pre-training."""
        share = self.config.finetune_share
        if share == 0:
            self._choices.record(finetune_seconds=0.0)
            return
        self._shard(model)
        step = self.autotuner.step_seconds(model, sample) * method_cost()
        if share < 1:
            ratio = step / max(self.autotuner.step_seconds(model, text_sample), 1e-9)
            self._choices.record(finetune_step_ratio=round(ratio, 4))
        # Both phases pay for the trials.
        wanted = max(0.0, share * (self.budget.amount - self.clock.seconds))
        needed = batches * STEP_OVERHEAD * step
        self._choices.record(
            finetune_seconds=round(min(needed, wanted), 3), finetune_most_seconds=round(wanted, 3)
        )
        if self._choices["finetune_seconds"] < self._choices["finetune_most_seconds"]:
            rest = "training ends then" if share == 1 else "pre-training gets the rest"
            say(
                f"fine-tuning needs about {format_duration(needed)} for its epochs, less than its "
                f"share of {format_duration(wanted)}; {rest}"
            )

    def _replan_finetuning(self, batches: int, progress: float, step_seconds: float) -> None:
        """Record what fine-tuning needs by a measured step of pre-training, if that is news.

        Pre-training keeps half of the time it had left, so that its learning rate can fall.
        """
        before, choices = self._choices["finetune_seconds"], self._choices
        if "finetune_step_ratio" not in choices:
            return
        needed = batches * choices["finetune_step_ratio"] * step_seconds
        most = before + (self.budget.amount - before - self.clock.seconds) / 2
        most = min(most, choices["finetune_most_seconds"])
        needed = self.ranks.from_main(min(needed, most))
        if abs(needed - before) < WORTH_REPLANNING * self.budget.amount:
            return
        choices.record(
            finetune_seconds=round(needed, 3),
            pretrain_replanned=[round(self.clock.seconds, 3), progress],
        )
        say(
            f"  by the steps so far, fine-tuning needs {format_duration(needed)} for its epochs, "
            f"not {format_duration(before)}"
        )

    def _begin(self, phase: str) -> float:
        """Return the clock's time at which the phase first began, in this or an earlier session."""
        name = f"{phase}_began_seconds"
        if name not in self._choices:
            self._choices.record(**{name: round(self.clock.seconds, 3)})
        return self._choices[name]

    def _shard(self, model: Transformer) -> None:
        """Divide the weights among ranks under FSDP, before anything is computed with them."""
        if self._is_sharding and not is_sharded(model):
            shard(model, self.runtime)

    def run(
        self,
        name: str,
        model: Transformer,
        *,
        loader: Loader,
        pace: Callable[[], Pace],
        schedule: ScheduleConfig,
        validate: Validate | None,
        sample: Sample,
        optimizer: OptimizerConfig | None = None,
        callback: Callback | None = None,
        replan: Callable[[float, float], Pace] | None = None,
        until: int | None = None,
        live_from: float = math.inf,
    ) -> int:
        """Train one phase to its end, from its newest checkpoint if any, and return its tokens.

        `optimizer` takes the place of the config's; `callback` runs in the middle; `replan`
        and `live_from` are those of `TrainingPhase`; `until` is a step before which it stops.
        """
        self._shard(model)
        if f"{name}_began_seconds" not in self._choices:
            self.autotuner.backbone(model, sample)  # before the phase's part of the clock begins
        step = TrainStep(
            model,
            build_optimizer(model, optimizer or self.config.optimizer),
            self.runtime,
            backbone=eager_backbone(model),
            clip_norm=self.config.optimizer.clip_norm,
            on_smaller=self.autotuner.use_micro_batch,
        )
        trainer = PhaseTrainer(
            TrainingPhase(
                name=name,
                loader=loader,
                pace=pace(),
                schedule=schedule,
                validate=validate,
                callback=callback,
                replan=replan,
                review=self._precision_review(model, step, sample, schedule),
                live_from=live_from,
            ),
            step,
            config=self.config,
            clock=self.clock,
            metrics=self.metrics,
            folder=self.folder.checkpoints,
            resume_hint=self._resume_hint,
        )
        trainer.resume()
        if not self.ranks.numbers(trainer.is_over)[0]:  # a finished phase compiles nothing
            step.use(self.autotuner.backbone(model, sample), self.runtime)
            step.micro_batch = self.autotuner.micro_batch
        trainer.train(until=until)
        self.folder.update_manifest(
            tokens={name: trainer.position.tokens}, steps={name: trainer.position.step}
        )
        return trainer.position.tokens

    def _precision_review(
        self, model: Transformer, step: TrainStep, sample: Sample, schedule: ScheduleConfig
    ) -> Review | None:
        """Return the review of an 8-bit precision: after warm-up, and at `REVIEW_AT`.

        Sharded weights have none, as they have no trials.
        """
        if is_sharded(model):
            return None

        def run(batch: Batch) -> str | None:
            if not self.autotuner.reviews_precision:
                return None
            message = self.autotuner.review_precision(model, batch)
            if message is not None:
                step.use(self.autotuner.backbone(model, sample), self.runtime)
            return message

        marks = sorted({min(schedule.warmup, REVIEW_AT[0]), *REVIEW_AT})
        return Review(name="precision", at=tuple(marks), run=run)
