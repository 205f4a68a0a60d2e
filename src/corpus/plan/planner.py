"""What a budget buys: the size whose loss is predicted to be lowest.

A larger model learns more from a token and reads fewer of them in the same time. The scaling law,
fitted to small runs, says what either is worth; the measured speeds say how many tokens each size
reads.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from corpus.base.units import Budget
from corpus.config.model import ModelConfig
from corpus.config.train import OptimizerConfig
from corpus.data.curriculum import CurriculumPhase
from corpus.plan.law import Law, Prediction, worth
from corpus.plan.measure import Machine, Speed
from corpus.plan.sizes import best_batch_size, best_learning_rate, fitting_micro_batch

DUTY = 0.95
"""Share of pre-training's time for steps; the rest is for validation, checkpoints and the log."""

SMALL_RUN_SECONDS, SMALL_RUN_SHARE, LARGEST_SHARE = 60.0, 0.02, 0.25
"""Time of all small runs: a share of the budget, at least so many seconds, and never more than the
last share of it."""

SIZES, FEWEST_TOKENS = 3, 150_000
"""Of the small runs: below so many tokens a loss still falls from its start, which the law does not
describe."""


@dataclass(frozen=True, kw_only=True)
class SizeCandidate:
    """One size under the budget."""

    shape: ModelConfig
    batch_size: int
    micro_batch: int
    """0 is the whole batch."""
    learning_rate: float
    tokens_per_second: float
    measured: bool
    seconds: float
    """Of pre-training."""
    tokens: float
    """Read in pre-training, repeats included."""
    epochs: dict[str, float]
    """How often each source is read."""
    prediction: Prediction


def small_runs(speeds: Sequence[Speed], seconds: float) -> list[tuple[ModelConfig, float]]:
    """Return shapes and tokens of the runs that the law is fitted to, in about `seconds` together.

    Three neighbouring sizes get an equal part of the time each; they are the largest that read
    enough tokens in it. The two smaller ones also run with a third of the tokens. So the runs
    differ in size and in tokens, and outnumber the constants that are fitted. They run eager.
    """
    part = seconds / (SIZES + (SIZES - 1) / 3)
    reached = [speed.eager_tokens_per_second * part for speed in speeds]
    ends = [
        end
        for end in range(SIZES - 1, len(speeds))
        if reached[end] >= FEWEST_TOKENS <= reached[end - 1] / 3
    ]
    first = ends[-1] - SIZES + 1 if ends else 0
    runs = [(speed.shape, tokens) for speed, tokens in zip(speeds, reached)][first : first + SIZES]
    return [*runs, *((shape, tokens / 3) for shape, tokens in runs[: max(1, len(runs) - 1)])]


def candidates(
    machine: Machine,
    law: Law,
    *,
    seconds: Callable[[Speed], float],
    optimizer: OptimizerConfig,
    phases: Sequence[CurriculumPhase],
    sources: Mapping[str, int],
) -> list[SizeCandidate]:
    """Return every measured size with the tokens it would read and the loss it would reach.

    Args:
        machine: the speeds.
        law: the losses.
        seconds: time of pre-training at a speed; fine-tuning takes its epochs first.
        optimizer: the one that the rates are for.
        phases: the curriculum.
        sources: tokens of each source.
    """
    found = []
    for speed in machine.speeds:
        tokens = DUTY * seconds(speed) * speed.tokens_per_second
        size = best_batch_size(speed.shape, tokens)
        found.append(
            SizeCandidate(
                shape=speed.shape,
                batch_size=size,
                micro_batch=fitting_micro_batch(speed.largest_micro_batch, size),
                learning_rate=best_learning_rate(speed.shape, tokens, optimizer),
                tokens_per_second=speed.tokens_per_second,
                measured=speed.measured,
                seconds=seconds(speed),
                tokens=tokens,
                epochs=epochs_of(tokens, phases, sources),
                prediction=law.predict(
                    speed.shape.num_parameters, worth_of(tokens, phases, sources)
                ),
            )
        )
    return found


def best(options: Sequence[SizeCandidate]) -> SizeCandidate:
    """Return the candidate with the lowest predicted loss."""
    return min(options, key=lambda option: option.prediction.loss)


def epochs_of(
    tokens: float, phases: Sequence[CurriculumPhase], sources: Mapping[str, int]
) -> dict[str, float]:
    """Return how often each source is read in this many tokens of the curriculum."""
    shares: dict[str, float] = {}
    for phase in phases:
        for name, share in phase.mixture.items():
            shares[name] = shares.get(name, 0.0) + share * (phase.end - phase.start)
    return {
        name: tokens * share / sources[name] for name, share in shares.items() if name in sources
    }


def worth_of(tokens: float, phases: Sequence[CurriculumPhase], sources: Mapping[str, int]) -> float:
    """Return how many new tokens are worth as much as these, of which some are repeats."""
    epochs = epochs_of(tokens, phases, sources)
    return sum(
        worth(epochs[name] * count, count) for name, count in sources.items() if epochs.get(name)
    )


def small_run_seconds(budget: Budget) -> float:
    """Return the time of all small runs together."""
    wanted = max(SMALL_RUN_SECONDS, SMALL_RUN_SHARE * budget.amount)
    return min(wanted, LARGEST_SHARE * budget.amount)
