"""The choices that need a trial: threads, precision, compiler. Each is tried on the model itself, with batches as large as training computes.

Under a budget of steps or tokens nothing is timed, so that the same command gives the same bits.
"""

from collections.abc import Callable
from dataclasses import asdict, replace

import torch

from corpus.base.console import say, warn
from corpus.base.units import Budget
from corpus.config.runtime import RuntimeConfig
from corpus.data.batch import Batch
from corpus.model.low_precision import compute_in
from corpus.model.transformer import Transformer
from corpus.run.folder import RunFolder
from corpus.runtime.parallelize import is_sharded
from corpus.runtime.runtime import Runtime, allow_tf32
from corpus.train.budget import Clock
from corpus.train.choices import Choices
from corpus.train.precision import fastest, table, try_precisions
from corpus.train.step import CompileChoice, choose_compile
from corpus.train.threads import try_threads

WORTH_TRYING_SECONDS = 120.0
"""A clock budget from which trying precisions and numbers of threads is paid back."""

WORTH_COMPILING_SECONDS = 600.0
"""A clock budget on a CPU from which compiling is paid back. The first time on a machine it takes a good minute, more where others work on it, and training
is then 1.2 to 1.35 times as fast; once the compiler's cache is warm it takes some ten seconds."""

WORTH_COMPILING_STEPS = 500
"""A budget in steps from which any of that is."""

COMPILING = "compiling  the forward and backward pass, which takes seconds or, the first time on a machine, a minute or two"
"""Said before it, as nothing moves meanwhile."""

TRIAL_SHARE = 0.01
"""Share of a clock after which no further round of trying numbers of threads begins."""

PRECISION_SHARE = 0.03
"""Share of a clock after which no further precision is tried."""

COMPILE_PAYS = 4.0
"""How many times as long as compiling takes must be left of a clock for a later session to compile again."""

Sample = Callable[[], Batch]
"""Returns what this rank computes at a time; asked for only where there is something to try."""


class Trials:
    """Decides how a run computes."""

    def __init__(
        self,
        folder: RunFolder,
        choices: Choices,
        *,
        budget: Budget,
        batch_tokens: int,
        asked: RuntimeConfig,
        runtime: Runtime,
        clock: Clock,
    ) -> None:
        """`asked` is the config, `runtime` what it was resolved to; the trials may replace it."""
        self._folder, self._choices, self._budget, self._batch_tokens = (
            folder,
            choices,
            budget,
            batch_tokens,
        )
        self._asked, self._clock = asked, clock
        self.runtime = runtime

    def decide(self, model: Transformer, sample: Sample) -> CompileChoice:
        """Try what was not tried yet and return whether the forward pass is compiled; the same on all ranks.

        Raises `OutOfMemory`, on all ranks, where a batch of `sample` is too large for one of them.
        """
        if is_sharded(model):
            choice = self._untried()
        else:
            try:
                self._threads(model, sample)
                self._precision(model, sample)
                choice = self._compile(model, sample)
            finally:
                model.zero_grad(set_to_none=True)
        if (
            choice.compiled != self._choices.get("compiled")
            or "compile_reason" not in self._choices
        ):
            warn(choice.reason) if choice.failed else say(choice.reason)
            self._choices.record(compiled=choice.compiled, compile_reason=choice.reason)
        return choice

    @property
    def is_short(self) -> bool:
        """Whether the budget is too short for trials to pay."""
        return self._is_below(WORTH_TRYING_SECONDS)

    def _is_below(self, seconds: float) -> bool:
        """Whether a clock has fewer seconds, or a budget in steps or tokens fewer than `WORTH_COMPILING_STEPS`."""
        if self._budget.is_clock:
            return self._budget.amount < seconds
        steps = self._budget.amount / (self._batch_tokens if self._budget.kind == "tokens" else 1)
        return steps < WORTH_COMPILING_STEPS

    def _untried(self) -> CompileChoice:
        """Where weights are divided among ranks, a pass is a matter of all of them, and what is fastest is not tried."""
        setting = self._asked.compile
        compiled = setting == "on" or (setting == "auto" and self.runtime.device.type == "cuda")
        how = "compiled block by block" if compiled else "eager"
        return CompileChoice(
            compiled=compiled,
            reason=f"training runs {how} (weights divided among ranks: nothing is tried)",
        )

    def _threads(self, model: Transformer, sample: Sample) -> None:
        """Under a clock on a CPU, take the number of threads that is fastest now: beside other work fewer can be more."""
        if (
            not self._budget.is_clock
            or self.is_short
            or self._asked.num_threads
            or self.runtime.device.type != "cpu"
        ):
            return
        if "threads_tried" in self._choices:
            return
        began, longest = self._clock.seconds, TRIAL_SHARE * self._budget.amount
        enough = lambda: self._clock.seconds - began > longest  # noqa: E731
        seconds = self._choices.together(
            lambda: try_threads(model, self.runtime, sample(), enough=enough)
        )
        tried = {str(threads): round(value, 4) for threads, value in seconds.items()}
        self._choices.record(
            num_threads=min(seconds, key=lambda threads: seconds[threads]), threads_tried=tried
        )
        chosen = self._choices["num_threads"]
        torch.set_num_threads(chosen)
        self.runtime = replace(self.runtime, num_threads=chosen)
        passes = ", ".join(f"{threads}: {value:.2f} s a pass" for threads, value in seconds.items())
        say(f"threads    {passes}; {chosen} chosen")
        self._folder.update_manifest(environment={"num_threads": chosen})

    def _precision(self, model: Transformer, sample: Sample) -> None:
        """Under a clock that is long enough, try what the device has on the model itself, and keep the table."""
        may_choose = self._asked.precision == "auto" and self._budget.is_clock and not self.is_short
        if may_choose and not self._choices.has_begun and "precisions_tried" not in self._choices:
            compiled = self.runtime.device.type == "cuda" and self._asked.compile != "off"
            began, longest = self._clock.seconds, PRECISION_SHARE * self._budget.amount
            enough = lambda: self._clock.seconds - began > longest  # noqa: E731
            trials = self._choices.together(
                lambda: try_precisions(
                    model, self.runtime, sample(), compiled=compiled, enough=enough
                )
            )
            for line in table(trials):
                say(f"precision  {line}")
            self._choices.record(
                precision=fastest(trials), precisions_tried=[trial.row() for trial in trials]
            )
            self.runtime = replace(self.runtime, precision=self._choices["precision"])
            allow_tf32(self.runtime)
            self._folder.update_manifest(environment={"precision": self.runtime.precision})
        compute_in(model, self.runtime.precision)

    def _compile(self, model: Transformer, sample: Sample) -> CompileChoice:
        """The first rank says whether there is something to try; all try it, and what it found counts for all."""
        decided = self._choices.get("compiled")
        known = self._without_trial(decided)
        known = self.runtime.ranks.from_main(asdict(known) if known else None)
        if known:
            return CompileChoice(**known)
        timed = decided is None and self._budget.is_clock and self._asked.compile == "auto"
        say(COMPILING)
        began = self._clock.seconds
        choice = self._choices.together(
            lambda: choose_compile(model, self.runtime, sample(), timed=timed)
        )
        self._choices.record(compile_seconds=round(self._clock.seconds - began, 3))
        return CompileChoice(**self.runtime.ranks.from_main(asdict(choice)))

    def _without_trial(self, decided: bool | None) -> CompileChoice | None:
        """Return the choice where it is plain without a trial."""
        if decided is False:
            return CompileChoice(compiled=False, reason=self._choices["compile_reason"])
        if decided is None:
            if self._asked.compile == "off":
                return CompileChoice(
                    compiled=False, reason="training runs eager (runtime.compile is off)"
                )
            if (
                self._asked.compile == "auto"
                and self.runtime.device.type == "cpu"
                and self._is_below(WORTH_COMPILING_SECONDS)
            ):
                why = (
                    "the budget is too short to pay for compiling; runtime.compile on overrides it"
                )
                return CompileChoice(compiled=False, reason=f"training runs eager ({why})")
        needed = COMPILE_PAYS * self._choices.get("compile_seconds", 0.0)
        if self._budget.is_clock and self._budget.amount - self._clock.seconds < needed:
            why = "the time that is left is too short to compile again, training goes on eager"
            return CompileChoice(compiled=False, reason=why)
        return None
