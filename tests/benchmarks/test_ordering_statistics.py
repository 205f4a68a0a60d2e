"""The benchmark of claims about order: it judges many studies at once as Corpus judges one, and its
table has every figure."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpus.evaluate.dunnett import analyse
from corpus.evaluate.verdict import Verdict, paired_differences, verdicts


@pytest.fixture(scope="module")
def ordering() -> Any:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "ordering_statistics.py"
    spec = importlib.util.spec_from_file_location("ordering_statistics", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ordering_statistics"] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def _losses(studies: Any, study: int, look: int) -> dict[str, dict[int, float]]:
    """Return the losses of the runs that have finished at a look."""
    losses, finished = studies.losses[study], studies.finished[study] <= look
    names = ["shuffled", *map(str, range(1, losses.shape[1]))]
    return {
        name: {seed: losses[seed, at] for seed in np.flatnonzero(finished[:, at]).tolist()}
        for at, name in enumerate(names)
    }


def _claimed(found: dict[str, Verdict]) -> list[tuple[bool, bool]]:
    return [(each.claim in ("better", "worse"), each.claim == "equal") for each in found.values()]


@pytest.mark.parametrize("at", [1, 2, 7])
def test_its_claims_are_those_of_the_verdicts(ordering: Any, at: int) -> None:
    studies = ordering.simulate(ordering.SCENARIOS[at], 6, every_run=True)
    paths = ordering.paths(studies)
    claimed = set[tuple[bool, bool]]()
    for look in (30, 45, 60, 79):
        chosen, equal = ordering.claims(paths, (paths.finished <= look).sum(1))
        for study in range(6):
            expected = _claimed(verdicts(paired_differences(_losses(studies, study, look))))
            assert list(zip(chosen[study], equal[study])) == expected
            claimed.update(expected)
    assert (True, False) in claimed
    assert ((False, True) in claimed) == (at == 2)


def test_its_statistics_are_those_of_dunnetts_test(ordering: Any) -> None:
    studies = ordering.simulate(ordering.SCENARIOS[1], 3, every_run=True)
    means, errors = ordering.block_statistics(studies)
    for study in range(3):
        found = analyse(_losses(studies, study, 79))
        assert found is not None
        expected = [each.difference for each in found.contrasts.values()]
        np.testing.assert_allclose(means[study, :, -1], expected)
        error = found.deviation / np.sqrt(len(found.seeds))
        np.testing.assert_allclose(errors[study, :, -1], error)


def test_its_losses_scatter_as_it_says(ordering: Any) -> None:
    for scenario in ordering.SCENARIOS:
        losses = ordering.simulate(scenario, 2000, every_run=False).losses
        differences = (losses[:, :, 1:] - losses[:, :, :1]).reshape(-1, 7)
        np.testing.assert_allclose(differences.mean(0), scenario.effects, atol=0.0015)
        times = np.ones(7)
        times[: len(scenario.noisier)] = scenario.noisier
        np.testing.assert_allclose(differences.std(0), scenario.scatter * times, rtol=0.03)
        expected = (1 + scenario.correlation) / 2
        assert np.corrcoef(differences.T)[5, 6] == pytest.approx(expected, abs=0.03)


def test_the_verdicts_hold_where_dunnetts_test_does_not(ordering: Any) -> None:
    """Where the orders are correlated, or one scatters more: see `dunnett`."""
    broken = 0
    for scenario in ordering.SCENARIOS:
        found = ordering.judge(scenario, 200, every_run=True)
        assert found["false_claim"] <= 0.05
        assert found["sequences_all_orders"] >= 0.95
        if scenario.correlation or 5 in scenario.noisier:
            broken += 1
            assert found["dunnett_end_coverage"] < 0.9
    assert broken == 3


def test_both_kinds_of_looks_see_the_same_losses(ordering: Any) -> None:
    runs, seeds = (
        ordering.simulate(ordering.SCENARIOS[0], 4, every_run=each) for each in (True, False)
    )
    np.testing.assert_array_equal(runs.losses, seeds.losses)
    assert sorted(runs.finished[0].ravel().tolist()) == list(range(80))
    assert int(seeds.finished.max()) == 9


def test_its_last_line_has_every_figure(
    ordering: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ordering_statistics", "--studies", "40"])
    ordering.main()
    lines = capsys.readouterr().out.splitlines()
    result = json.loads(lines[-1])
    assert result["ratio"] > 1
    for scenario in ordering.SCENARIOS:
        assert set(ordering.ROWS) <= set(result[f"{scenario.name}, runs"])
    assert len(lines) == len(ordering.ROWS) + 3
