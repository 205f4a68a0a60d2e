"""What MathQA's own programs and the baselines reach on the real dev split."""

from pathlib import Path

import pytest

from corpus.evaluate.baselines import Reference
from corpus.evaluate.score import score_problems
from corpus.problems.check import is_checked, judge
from corpus.problems.mathqa import load_mathqa
from corpus.problems.problem import Problem
from corpus.program.spelling import normalize


@pytest.fixture(scope="module")
def dev(shared_data: Path) -> list[Problem]:
    return load_mathqa(shared_data / "mathqa" / "dev.json", "dev")


@pytest.fixture(scope="module")
def train(shared_data: Path) -> list[Problem]:
    return load_mathqa(shared_data / "mathqa" / "train.json", "train")


def test_gold_programs_execute_and_reach_the_key(dev: list[Problem]) -> None:
    judged = [judge(problem, problem.gold_program) for problem in dev]
    assert all(problem.program is not None and len(problem.options) == 5 for problem in dev)
    assert sum(each.outcome.executes for each in judged) / len(dev) >= 0.998
    assert sum(each.right for each in judged) / len(dev) >= 0.76
    assert sum(map(is_checked, dev)) / len(dev) >= 0.65


def test_the_data_is_already_spelled_as_normalize_spells(dev: list[Problem]) -> None:
    assert [normalize(problem.text) for problem in dev] == [problem.text for problem in dev]


def test_baselines_reach_their_reference(train: list[Problem], dev: list[Problem]) -> None:
    """0.66 overall, 0.72 on seen and 0.43 on unseen templates, of a sample of dev."""
    assert sum(problem.program is not None for problem in train) == 29_660
    sample = dev[::4]
    reference = Reference.build(train)
    scores, _ = score_problems(sample, [None] * len(sample), reference)
    assert sum(reference.has_seen(problem) for problem in dev) == 3418
    assert scores["baseline_nearest"] >= 0.65
    assert scores["baseline_nearest_seen"] >= 0.71
    assert scores["baseline_nearest_unseen"] >= 0.42
    assert 0.19 < scores["baseline_majority"] < 0.24
    assert scores["accuracy"] == 0
