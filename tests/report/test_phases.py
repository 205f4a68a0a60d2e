"""Phases told apart by what was read."""

import random
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from corpus.report.phases import Stretch, find_phases
from corpus.report.read import load_run
from corpus.train.metrics import TrainPoint


def points_of(shares: Sequence[Mapping[str, float]], *, tokens: float = 1000.0) -> list[TrainPoint]:
    """One log line for each mixture."""
    consumed: dict[str, float] = {}
    points = []
    for number, mixture in enumerate(shares, start=1):
        consumed = {
            name: consumed.get(name, 0.0) + tokens * mixture.get(name, 0.0)
            for name in {**consumed, **mixture}
        }
        points.append(
            TrainPoint(
                phase="pretrain",
                step=number,
                seconds=number,
                tokens=number * tokens,
                loss=1.0,
                learning_rate=1.0,
                consumed=consumed,
            )
        )
    return points


def layout(stretches: tuple[Stretch, ...]) -> list[tuple[str, float, float]]:
    return [(stretch.title, stretch.first.step, stretch.last.step) for stretch in stretches]


def test_a_sequential_run_has_its_six_phases(finished_run: Path) -> None:
    stretches = find_phases(load_run(finished_run).stage("pretrain"))
    assert [stretch.title for stretch in stretches] == [
        "c4",
        "wikipedia",
        "github",
        "arxiv",
        "book",
        "stackexchange",
    ]
    assert stretches[0].first.tokens == 0
    for one, two in pairwise(stretches):
        assert one.last == two.first


def test_an_interval_across_a_boundary_belongs_to_the_earlier_phase() -> None:
    found = find_phases(points_of([{"a": 1}, {"a": 0.5, "b": 0.5}, {"b": 1}, {"b": 1}]))
    assert layout(found) == [("a", 0, 2), ("b", 2, 4)]


def test_sources_read_together_share_a_phase() -> None:
    found = find_phases(points_of([{"a": 0.5, "b": 0.5}] * 5 + [{"c": 1}] * 5))
    assert layout(found) == [("a + b", 0, 5), ("c", 5, 10)]


def test_a_shuffled_run_is_one_mixed_phase_despite_noise() -> None:
    chance = random.Random(3)
    names = "abcdef"
    shares = []
    for _ in range(200):
        drawn = chance.choices(names, k=160)
        shares.append({name: drawn.count(name) / 160 for name in names})
    found = find_phases(points_of(shares))
    assert len(found) == 1
    assert found[0].title == "mixed"


def test_replay_does_not_hide_who_leads() -> None:
    found = find_phases(points_of([{"a": 0.7, "b": 0.3}] * 4 + [{"a": 0.3, "b": 0.7}] * 4))
    assert layout(found) == [("a", 0, 4), ("b", 4, 8)]
    assert found[0].mixture == pytest.approx({"a": 0.7, "b": 0.3})


def test_problems_lead_an_anneal() -> None:
    text = dict.fromkeys("abcde", 0.1)
    found = find_phases(
        points_of(
            [{name: 1.0} for name in "abcde" for _ in range(3)] + [{"problems": 0.5, **text}] * 2
        )
    )
    assert found[-1].title == "problems"


def test_nothing_read_is_no_phase() -> None:
    assert find_phases([]) == ()
    assert find_phases(points_of([{}, {}])) == ()
