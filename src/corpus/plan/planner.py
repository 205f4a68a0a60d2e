"""What a budget buys: speeds of several sizes, a law moved by small runs, and the size whose loss is predicted to be lowest.

A larger model learns more from a token and reads fewer of them in the same time. The law says what either is worth, the measured
speeds how many tokens each size reads.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from corpus.base.units import Budget
from corpus.config.model import ModelConfig
from corpus.config.train import OptimizerConfig
from corpus.data.curriculum import Phase
from corpus.plan.law import Law, Prediction, worth
from corpus.plan.measure import Machine, Speed
from corpus.plan.steps import learning_rate, micro_batch_rows, rows_per_batch

DUTY = 0.95
"""Share of pre-training's time that goes to steps; the rest to validation, checkpoints and the log."""

SMALL_RUN_SECONDS, SMALL_RUN_SHARE, LARGEST_SHARE = 60.0, 0.02, 0.25
"""What the small runs take together: a share of the budget, at least so many seconds, but no more than the last share of it."""

SIZES, FEWEST_TOKENS = 3, 150_000
"""Of the small runs: below so many tokens a loss is still falling from where it began, which is not yet what the law describes."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One size under the budget."""

    shape: ModelConfig
    rows: int
    micro_rows: int
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
    """Return shapes and tokens of the runs that the law is moved by, in about `seconds` together, without the compiler.

    Three neighbouring sizes, an equal part of the time each, the largest that leave their beginnings behind in it; and the two smaller with
    a third of the tokens as well, so that they are apart in both directions, and more than the constants they move.
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
    phases: Sequence[Phase],
    sources: Mapping[str, int],
) -> list[Candidate]:
    """Return every measured size with what it would read and reach.

    Args:
        machine: the speeds.
        law: the losses.
        seconds: how long pre-training has at a speed; fine-tuning takes its epochs first.
        optimizer: which the rates are for.
        phases: the curriculum.
        sources: tokens of each source.
    """
    found = []
    for speed in machine.speeds:
        tokens = DUTY * seconds(speed) * speed.tokens_per_second
        rows = rows_per_batch(speed.shape, tokens)
        found.append(
            Candidate(
                shape=speed.shape,
                rows=rows,
                micro_rows=micro_batch_rows(speed.most_rows, rows),
                learning_rate=learning_rate(speed.shape, tokens, optimizer),
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


def best(options: Sequence[Candidate]) -> Candidate:
    """Return the candidate with the lowest predicted loss."""
    return min(options, key=lambda option: option.prediction.loss)


def epochs_of(
    tokens: float, phases: Sequence[Phase], sources: Mapping[str, int]
) -> dict[str, float]:
    """Return how often each source is read in so many tokens of this curriculum."""
    shares: dict[str, float] = {}
    for phase in phases:
        for name, share in phase.mixture.items():
            shares[name] = shares.get(name, 0.0) + share * (phase.end - phase.start)
    return {
        name: tokens * share / sources[name] for name, share in shares.items() if name in sources
    }


def worth_of(tokens: float, phases: Sequence[Phase], sources: Mapping[str, int]) -> float:
    """Return how many new tokens are worth as much, when each source is read as often as this curriculum reads it."""
    epochs = epochs_of(tokens, phases, sources)
    return sum(
        worth(epochs[name] * count, count) for name, count in sources.items() if epochs.get(name)
    )


def small_run_seconds(budget: Budget) -> float:
    """Return what the small runs may take together."""
    return min(
        max(SMALL_RUN_SECONDS, SMALL_RUN_SHARE * budget.amount), LARGEST_SHARE * budget.amount
    )
