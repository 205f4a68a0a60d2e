"""A plan on the command line: it says what a time buys, a run uses it, goes on with it, and keeps to it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.plan.law import OFTEN

Words, Run = Callable[..., list[str]], Callable[..., subprocess.CompletedProcess[str]]

BUDGET = "16s"


@pytest.fixture(scope="module")
def planned(command: Words, corpus: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A planned run folder, and what was printed."""
    run = tmp_path_factory.mktemp("plan") / "run"
    return run, corpus(["plan", *command(run, budget=BUDGET)[1:]]).stdout


def test_a_plan_says_what_each_size_would_reach_and_which_is_best(planned: tuple[Path, str]) -> None:
    run, printed = planned
    plan, config = (json.loads((run / name).read_text()) for name in ("plan.json", "config.json"))
    options, chosen = plan["candidates"], plan["candidates"][plan["chosen"]]
    assert chosen["loss"]["loss"] == min(option["loss"]["loss"] for option in options)
    assert all(option["loss"]["low"] < option["loss"]["loss"] < option["loss"]["high"] for option in options)
    assert len(plan["runs"]) >= 2
    assert config["model"]["dim"] == chosen["dim"]
    assert config["train"]["rows_per_batch"] == chosen["rows_per_batch"]
    assert config["train"]["schedule"]["learning_rate"] == chosen["learning_rate"]
    assert config == plan["config"]
    assert f"> {chosen['num_layers']:>5} x {chosen['dim']}" in printed
    assert ("too often to be worth as much as new text" in printed) == any(epochs > OFTEN for epochs in chosen["epochs"].values())
    assert "--plan" in printed.splitlines()[-1]


def test_a_run_takes_the_plan_and_goes_on_with_it(planned: tuple[Path, str], command: Words, corpus: Run) -> None:
    run, _ = planned
    made = (run / "plan.json").read_bytes()
    words = command(run, "--evaluate.problems-limit=8", budget=BUDGET)
    other = corpus([*words], check=False)
    assert other.returncode == 2
    assert "model.dim" in other.stderr
    plain = command(run, budget=BUDGET)
    printed = corpus([*plain, "--plan"]).stdout
    assert "the plan is made already" in printed
    assert (run / "plan.json").read_bytes() == made
    dim = json.loads(made)["config"]["model"]["dim"]
    assert json.loads((run / "weights" / "model.json").read_text())["dim"] == dim
    again = corpus([*plain, "--plan"]).stdout
    assert "report:" in again
    changed = corpus([*plain, "--plan", "--train.optimizer.beta2=0.9"], check=False)
    assert changed.returncode == 2
    assert "beta2" in changed.stderr


def test_a_plan_may_be_made_again_until_training_begins(command: Words, corpus: Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    for budget in (BUDGET, "12s"):
        corpus(["plan", *command(run, budget=budget)[1:]])
        assert json.loads((run / "plan.json").read_text())["asked"]["budget"] == budget
    other = corpus(["plan", *command(run, budget=BUDGET)[1:], "--seed=3"], check=False)
    assert other.returncode == 2
    assert "seed: 0 → 3" in other.stderr


@pytest.mark.parametrize(
    ("extra", "message"), [(["--budget=20 steps"], "give a time"), (["--train.finetune-share=1"], "leaves it no time")]
)
def test_what_cannot_be_planned_is_said(extra: list[str], message: str, command: Words, corpus: Run, tmp_path: Path) -> None:
    result = corpus(["plan", *command(tmp_path / "run", budget=BUDGET)[1:], *extra], check=False)
    assert result.returncode == 2
    assert message in result.stderr


def test_a_damaged_plan_is_said(command: Words, corpus: Run, planned: tuple[Path, str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    corpus(["prepare", *command(run, budget=BUDGET)[1:]])
    (run / "plan.json").write_text("[]", encoding="utf-8")
    result = corpus(["plan", *command(run, budget=BUDGET)[1:]], check=False)
    assert result.returncode == 2
    assert "plan.json is not a plan" in result.stderr
