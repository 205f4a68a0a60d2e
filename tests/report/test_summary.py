"""The verdict follows from the scores and their intervals."""

import pytest

from corpus.evaluate.intervals import wilson
from corpus.report.summary import compare, find_interval


@pytest.mark.parametrize(
    ("share", "total", "low", "high"),
    [(0.5, 100, 0.4038, 0.5962), (0.0, 20, 0.0, 0.1611), (1.0, 20, 0.8389, 1.0)],
)
def test_intervals_are_wilsons(share: float, total: int, low: float, high: float) -> None:
    assert wilson(share, total) == pytest.approx((low, high), abs=1e-4)


def test_an_interval_that_was_scored_is_kept() -> None:
    assert find_interval(
        {"accuracy": 0.4, "num_problems": 10, "accuracy_interval": [0.1, 0.9]},
        "accuracy",
        "num_problems",
    ) == (
        0.1,
        0.9,
    )


@pytest.mark.parametrize(
    ("accuracy", "majority", "nearest", "level", "title"),
    [
        (0.8, 0.2, 0.5, "good", "Better than its baselines"),
        (0.5, 0.2, 0.49, "fair", "Better than guessing, no different from the nearest neighbour"),
        (0.5, 0.2, 0.7, "fair", "Better than guessing, behind the nearest neighbour"),
        (0.2, 0.21, 0.7, "poor", "No better than guessing"),
        (0.2, None, 0.7, "poor", "Behind the nearest neighbour"),
        (0.7, None, 0.7, "fair", "No different from the nearest neighbour"),
        (0.7, None, 0.2, "good", "Better than its baselines"),
        (0.7, None, None, "unknown", "No baseline for mathqa"),
        (None, 0.2, 0.7, "unknown", "No baseline for mathqa"),
    ],
)
def test_the_verdict_follows_from_the_intervals(
    accuracy: float | None, majority: float | None, nearest: float | None, level: str, title: str
) -> None:
    scores = {
        "accuracy": accuracy,
        "num_problems": 1000,
        "baseline_majority": majority,
        "baseline_nearest": nearest,
    }
    assert compare("mathqa", scores)[:2] == (level, title)


def test_the_verdict_names_each_baseline() -> None:
    scores = {
        "accuracy": 0.5,
        "num_problems": 1000,
        "baseline_majority": 0.2,
        "baseline_nearest": 0.49,
    }
    sentence = compare("mathqa", scores)[2]
    assert "better than majority" in sentence
    assert "no different from the nearest neighbour" in sentence
