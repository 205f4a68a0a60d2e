"""From speeds and a law to a size: the best one is chosen, repeats count for less, and the small
runs are small and apart."""

from dataclasses import replace

import pytest
import torch

from corpus.base.units import Budget
from corpus.config.curriculum import CurriculumConfig
from corpus.config.model import ModelConfig
from corpus.config.train import OptimizerConfig
from corpus.data.curriculum import plan_phases
from corpus.plan.law import Law, Point
from corpus.plan.measure import Machine, Speed
from corpus.plan.planner import (
    DUTY,
    FEWEST_TOKENS,
    best,
    candidates,
    epochs_of,
    small_run_seconds,
    small_runs,
)
from corpus.plan.sizes import family
from corpus.recipes.cpu import cpu
from corpus.runtime.runtime import Runtime

FLOPS = 3e11
LAW = [
    Point(parameters=n, tokens=d, loss=1.7 + 400 / n**0.34 + 410 / d**0.28)
    for n in (1e6, 1e7, 1e8)
    for d in (1e7, 1e8, 1e9)
]


def _speed(shape: ModelConfig, flops: float = FLOPS, *, most: int = 0, gain: float = 1.0) -> Speed:
    rate = flops / (6 * shape.num_parameters)
    return Speed(
        shape=shape,
        batch_size=16,
        largest_micro_batch=most,
        tokens_per_second=gain * rate,
        eager_tokens_per_second=rate,
        measured=True,
    )


def _machine(flops: float = FLOPS) -> Machine:
    runtime = Runtime(device=torch.device("cpu"), precision="fp32", num_threads=1)
    return Machine(
        runtime=runtime,
        compiled=False,
        trial_seconds=0.0,
        speeds=tuple(_speed(s, flops) for s in family(cpu().model)),
    )


def _choose(seconds: float, *, text: int = 10**12, flops: float = FLOPS) -> ModelConfig:
    sources = {"arxiv": text // 2, "c4": text // 2}
    options = candidates(
        _machine(flops),
        Law(LAW),
        seconds=lambda speed: seconds,
        optimizer=OptimizerConfig(),
        phases=plan_phases(CurriculumConfig(), list(sources)),
        sources=sources,
    )
    chosen = best(options)
    assert all(chosen.prediction.loss <= option.prediction.loss for option in options)
    assert chosen.tokens == pytest.approx(DUTY * seconds * chosen.tokens_per_second)
    return chosen.shape


def test_more_time_or_a_faster_machine_buys_a_larger_model() -> None:
    sizes = [_choose(seconds).num_parameters for seconds in (600, 6_000, 60_000, 600_000)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    assert _choose(600, flops=1000 * FLOPS) == _choose(600_000)


def test_where_text_is_short_a_larger_model_is_the_better_use_of_the_time() -> None:
    assert _choose(60_000, text=3_000_000).num_parameters > _choose(60_000).num_parameters


def test_epochs_follow_the_curriculum() -> None:
    sources = {"arxiv": 1_000, "c4": 4_000}
    phases = plan_phases(
        CurriculumConfig(order="interleaved", replay=0.25, weights={"c4": 3.0}), list(sources)
    )
    epochs = epochs_of(8_000, phases, sources)
    assert sum(epochs[name] * count for name, count in sources.items()) == pytest.approx(8_000)
    assert epochs["arxiv"] > epochs["c4"]


def test_the_small_runs_fit_their_time_and_are_apart_in_size_and_tokens() -> None:
    speeds = [_speed(shape, gain=1.5) for shape in family(cpu().model)]
    rates = {
        speed.shape: speed.eager_tokens_per_second for speed in speeds
    }  # they are not worth compiling
    runs = small_runs(speeds, 60.0)
    assert sum(count / rates[shape] for shape, count in runs) == pytest.approx(60)
    assert len({shape for shape, _ in runs}) == 3
    assert all(count >= FEWEST_TOKENS for _, count in runs)
    same = [count for shape, count in runs if shape == runs[0][0]]
    assert max(same) == pytest.approx(3 * min(same))


def test_where_one_size_is_all_there_is_it_is_tried_all_the_same() -> None:
    (shape, most), (same, fewest) = small_runs([_speed(family(cpu().model)[0], 1e3)], 60.0)
    assert shape == same
    assert most > fewest


@pytest.mark.parametrize("most", [0, 32])
def test_a_batch_that_is_larger_than_the_one_that_was_timed_is_computed_in_parts(most: int) -> None:
    speed = _speed(family(cpu().model)[1], most=most)
    machine = replace(_machine(), speeds=(speed,))
    sources = {"c4": 10**12}
    phases = plan_phases(CurriculumConfig(), list(sources))
    (option,) = candidates(
        machine,
        Law(LAW),
        seconds=lambda _: 1e5,
        optimizer=OptimizerConfig(),
        phases=phases,
        sources=sources,
    )
    assert option.batch_size > 32
    assert option.micro_batch == most


def test_small_runs_take_a_small_part_of_any_budget() -> None:
    shares = [
        small_run_seconds(Budget(kind="seconds", amount=amount)) / amount
        for amount in (20, 300, 3600, 36000)
    ]
    assert shares == [pytest.approx(share) for share in (0.25, 0.2, 0.02, 0.02)]
