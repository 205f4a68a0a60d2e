"""How a run computes, decided by trial: threads, precision, compiler and micro-batch size.

Each is tried on the model itself, with micro-batches as training computes them. A choice is made
once in a run, recorded in its manifest, and reused by every later session. Under a budget of steps
or tokens nothing is timed, so that the same command gives the same bits.
"""

from collections.abc import Callable
from dataclasses import asdict, replace

import torch

from corpus.base.console import say, warn
from corpus.base.units import Budget
from corpus.config.runtime import RuntimeConfig
from corpus.config.train import TrainConfig
from corpus.data.batch import Batch
from corpus.model.low_precision import compute_in
from corpus.model.transformer import Transformer
from corpus.run.folder import RunFolder
from corpus.runtime.cores import usable_cores
from corpus.runtime.parallelize import is_sharded
from corpus.runtime.ranks import Ranks
from corpus.runtime.runtime import allow_tf32, resolve
from corpus.runtime.threads import WORTH_TRYING_SECONDS, ThreadSource, warn_if_busy
from corpus.train.choices import Choices
from corpus.train.precision import EIGHT_BITS, fastest, review, table, try_precisions
from corpus.train.schedule import Clock
from corpus.train.step import (
    Backbone,
    CompiledBackbone,
    OutOfMemory,
    eager_backbone,
    own_part,
    pass_seconds,
    smaller_micro_batch,
)
from corpus.train.trials import CompileChoice, try_compile, try_threads

WORTH_COMPILING_SECONDS = 600.0
"""The smallest clock budget for which compiling pays on a CPU. It takes a minute or more the first
time on a machine, some ten seconds once the compiler's cache is warm, and training is then 1.2 to
1.35 times as fast.
"""

WORTH_COMPILING_STEPS = 500
"""The smallest budget in steps for which trials or compiling pay."""

COMPILE_PAYS = 4.0
"""A later session compiles again if its clock has this many times the compile time left."""

TRIAL_SHARE = 0.01
"""Once thread trials have taken this share of the clock, no further round begins."""

PRECISION_SHARE = 0.03
"""Once precision trials have taken this share of the clock, no further one begins."""

COMPILING = (
    "compiling  the forward and backward pass: seconds, or a minute or two the first time on a "
    "machine"
)
"""Printed before compiling, which shows no progress."""

Sample = Callable[[], Batch]
"""Returns a batch as training uses it; called only where there is something to try."""


class Autotuner:
    """Decides how a run computes."""

    def __init__(
        self,
        folder: RunFolder,
        choices: Choices,
        *,
        budget: Budget,
        batch_tokens: int,
        train: TrainConfig,
        asked: RuntimeConfig,
        clock: Clock,
        ranks: Ranks,
    ) -> None:
        """Resolve the machine that was `asked` for; later trials may change it."""
        self._folder, self._choices, self._budget, self._clock = folder, choices, budget, clock
        self._batch_tokens, self._train, self._asked = batch_tokens, train, asked
        self._backbone: Backbone | None = None
        machine = ranks.from_main({"cores": usable_cores(), "ranks": ranks.local_world_size})
        before = choices.get("threads_for", machine)
        self.runtime = resolve(
            asked,
            precision=choices.get("precision"),
            num_threads=choices.get("num_threads", 0) if before == machine else 0,
            repeatable=not budget.is_clock,
            ranks=ranks,
        )
        if before != machine:
            choices.record(threads_tried=None)
            self._say_other_machine(before, machine)
        choices.record(
            precision=self.runtime.precision,
            num_threads=self.runtime.num_threads,
            threads_for=machine,
        )
        # Other ranks would count as other processes.
        if self.runtime.device.type == "cpu" and ranks.is_alone and not self._tries_threads:
            warn_if_busy(self.runtime.num_threads)

    def _say_other_machine(self, before: dict[str, int], now: dict[str, int]) -> None:
        """Say that the number of threads is chosen anew: cores or ranks are not what they were."""
        was, are = (f"{each['cores']} cores, {each['ranks']} ranks" for each in (before, now))
        say(
            f"threads    chosen anew for this machine ({are}; before {was}): "
            f"{self.runtime.num_threads} a rank"
        )

    def backbone(self, model: Transformer, sample: Sample) -> Backbone:
        """Return the model up to its head, compiled where that works and pays.

        Decided once in a run and tried once in a session.
        """
        while self._backbone is None:
            try:
                compiled = self._decide(model, lambda: self._micro_batches(sample)[0])
                self._backbone = _build_backbone(model, compiled=compiled)
            except OutOfMemory as error:
                self._shrink(error)
        return self._backbone

    def forget_backbone(self) -> None:
        """Make the backbone again at its next use: the model's layers have changed."""
        self._backbone = None

    def step_seconds(self, model: Transformer, sample: Sample) -> float:
        """Return the seconds of the forward and backward passes of one step."""
        while True:
            backbone = self.backbone(model, sample)
            parts = self._micro_batches(sample)
            timed = lambda: pass_seconds(model, backbone, self.runtime, parts[0])  # noqa: B023, E731
            if is_sharded(model):  # a pass of all ranks together
                return len(parts) * timed()
            try:
                return len(parts) * self._choices.together(timed)
            except OutOfMemory as error:
                self._shrink(error)

    @property
    def compiled(self) -> bool:
        """Whether the model is compiled; False before `backbone` was called."""
        return bool(self._choices.get("compiled"))

    @property
    def micro_batch(self) -> int:
        """Sequences computed at a time: the config's, or fewer where memory ran out; 0 is all."""
        return self._choices.get("micro_batch_rows", self._train.micro_batch_sequences)

    def use_micro_batch(self, size: int) -> None:
        """Compute `size` sequences at a time from now on, as memory ran out."""
        parts = self._sequences_per_rank // size
        warn(
            f"out of memory: from now on micro-batches of {size}, {parts} per step; the batch "
            "stays the same"
        )
        self._choices.record(micro_batch_rows=size)

    @property
    def _sequences_per_rank(self) -> int:
        return self._train.sequences_per_batch // self.runtime.ranks.world_size

    def _shrink(self, error: OutOfMemory) -> None:
        """Compute fewer sequences at a time. Raises `error` if there is only one already."""
        size = smaller_micro_batch(self.micro_batch or self._sequences_per_rank)
        if not size:
            raise error
        self.use_micro_batch(size)

    def _micro_batches(self, sample: Sample) -> list[Batch]:
        return own_part(sample(), self.runtime.ranks).split(self.micro_batch)

    def _decide(self, model: Transformer, sample: Sample) -> bool:
        """Try what was not tried yet and return whether the model is compiled, on all ranks alike.

        Raises `OutOfMemory`, on all ranks, if the batch is too large for one of them.
        """
        if is_sharded(model):
            choice = self._without_trials()
        else:
            try:
                self._choose_threads(model, sample)
                self._choose_precision(model, sample)
                choice = self._choose_compile(model, sample)
            finally:
                model.zero_grad(set_to_none=True)
        known = self._choices.get("compiled")
        if choice.compiled != known or "compile_reason" not in self._choices:
            warn(choice.reason) if choice.failed else say(choice.reason)
            self._choices.record(compiled=choice.compiled, compile_reason=choice.reason)
        return choice.compiled

    def _is_shorter(self, seconds: float) -> bool:
        """Return whether a trial does not pay: the clock has fewer seconds, or too few steps."""
        if self._budget.is_clock:
            return self._budget.amount < seconds
        steps = self._budget.amount / (self._batch_tokens if self._budget.kind == "tokens" else 1)
        return steps < WORTH_COMPILING_STEPS

    def _time_limit(self, share: float) -> Callable[[], bool]:
        """Return a function that is true once this share of the clock is spent on trials."""
        began, longest = self._clock.seconds, share * self._budget.amount
        return lambda: self._clock.seconds - began > longest

    def _without_trials(self) -> CompileChoice:
        """Decide without trials if the weights are sharded: a pass would need all of them on one
        rank.
        """
        setting = self._asked.compile
        compiled = setting == "on" or (setting == "auto" and self.runtime.device.type == "cuda")
        how = "compiled block by block" if compiled else "eager"
        return CompileChoice(
            compiled=compiled,
            reason=f"training runs {how} (weights sharded over ranks: no trials)",
        )

    @property
    def _tries_threads(self) -> bool:
        """Whether a trial is still to choose the number of threads."""
        may_choose = self._budget.is_clock and not self._is_shorter(WORTH_TRYING_SECONDS)
        is_open = not self._choices.get("threads_tried") and not self.runtime.threads_from.is_given
        return may_choose and is_open and self.runtime.device.type == "cpu"

    def _choose_threads(self, model: Transformer, sample: Sample) -> None:
        """Under a clock on a CPU, take the fastest number of threads, lower on a busy one."""
        if not self._tries_threads:
            return
        enough = self._time_limit(TRIAL_SHARE)
        seconds = self._choices.together(
            lambda: try_threads(model, self.runtime, sample(), enough=enough)
        )
        tried = {str(threads): round(value, 4) for threads, value in seconds.items()}
        self._choices.record(
            num_threads=min(seconds, key=lambda threads: seconds[threads]), threads_tried=tried
        )
        chosen = self._choices["num_threads"]
        torch.set_num_threads(chosen)
        self.runtime = replace(self.runtime, num_threads=chosen, threads_from=ThreadSource.TRIAL)
        passes = ", ".join(f"{threads}: {value:.2f} s a pass" for threads, value in seconds.items())
        say(f"threads    {passes}; {chosen} chosen")
        self._folder.update_manifest(environment={"num_threads": chosen})

    def _choose_precision(self, model: Transformer, sample: Sample) -> None:
        """Under a clock, try the device's precisions on the model, and keep the table."""
        may_choose = self._budget.is_clock and not self._is_shorter(WORTH_TRYING_SECONDS)
        is_open = not self._choices.has_begun and "precisions_tried" not in self._choices
        if may_choose and is_open and self._asked.precision == "auto":
            compiled = self.runtime.device.type == "cuda" and self._asked.compile != "off"
            enough = self._time_limit(PRECISION_SHARE)
            trials = self._choices.together(
                lambda: try_precisions(
                    model, self.runtime, sample(), compiled=compiled, enough=enough
                )
            )
            for line in table(trials):
                say(f"precision  {line}")
            self._choices.record(precisions_tried=[trial.record() for trial in trials])
            self._use_precision(fastest(trials))
        compute_in(model, self.runtime.precision)

    def _use_precision(self, precision: str) -> None:
        """Compute in the first rank's `precision` from now on, in later sessions too."""
        self._choices.record(precision=precision)
        self.runtime = replace(self.runtime, precision=self._choices["precision"])
        allow_tf32(self.runtime)
        self._folder.update_manifest(environment={"precision": self.runtime.precision})

    @property
    def reviews_precision(self) -> bool:
        """Whether the precision is one that has to be judged again while the model trains."""
        return self.runtime.precision in EIGHT_BITS

    def review_precision(self, model: Transformer, batch: Batch) -> str | None:
        """Judge 8-bit products again on a batch of training, and fall back where they are off.

        Return what to say, or None where all is well. A precision that was asked for is kept. All
        ranks call it. A backbone that was built before computes as before: build it again.
        """
        part = own_part(batch, self.runtime.ranks)
        try:
            trial, finer = self._choices.together(lambda: review(model, self.runtime, part))
        except OutOfMemory:
            return f"{self.runtime.precision} could not be judged again: no memory for fp32"
        if self.runtime.ranks.from_main(trial.is_accurate):
            return None
        found = f"{trial.precision} is no longer accurate: {trial.verdict}"
        if self._asked.precision != "auto":
            return f"{found}; it is kept, since runtime.precision asks for it"
        self._use_precision(finer)
        compute_in(model, self.runtime.precision)
        self.forget_backbone()
        return f"{found}; training goes on in {self.runtime.precision}"

    def _choose_compile(self, model: Transformer, sample: Sample) -> CompileChoice:
        """The first rank decides whether to try; all ranks try, and its result counts."""
        decided, ranks = self._choices.get("compiled"), self.runtime.ranks
        known = self._known_compile(decided)
        known = ranks.from_main(asdict(known) if known else None)
        if known:
            return CompileChoice(**known)
        timed = decided is None and self._budget.is_clock and self._asked.compile == "auto"
        say(COMPILING)
        began = self._clock.seconds
        choice = self._choices.together(
            lambda: try_compile(model, self.runtime, sample(), timed=timed)
        )
        self._choices.record(compile_seconds=round(self._clock.seconds - began, 3))
        return CompileChoice(**ranks.from_main(asdict(choice)))

    def _known_compile(self, decided: bool | None) -> CompileChoice | None:
        """Return the choice where it needs no trial."""
        why, setting = "", self._asked.compile
        if decided is False:
            why = self._choices["compile_reason"]
        elif decided is None and setting == "off":
            why = "training runs eager (runtime.compile is off)"
        elif (
            decided is None
            and setting == "auto"
            and self.runtime.device.type == "cpu"
            and self._is_shorter(WORTH_COMPILING_SECONDS)
        ):
            why = (
                "training runs eager (the budget is too short to pay for compiling; "
                "runtime.compile on overrides it)"
            )
        else:
            needed = COMPILE_PAYS * self._choices.get("compile_seconds", 0.0)
            if self._budget.is_clock and self._budget.amount - self._clock.seconds < needed:
                why = "the time left is too short to compile again, training continues eager"
        return CompileChoice(compiled=False, reason=why) if why else None


def _build_backbone(model: Transformer, *, compiled: bool) -> Backbone:
    if compiled and not is_sharded(model):
        return CompiledBackbone(model)
    if compiled:  # sharded weights are gathered and freed between blocks, which cannot be compiled
        for block in model.blocks:
            block.compile(dynamic=False)
    return eager_backbone(model)
