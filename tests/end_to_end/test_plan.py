"""A plan on the command line: it says what a time buys, a run uses it, goes on with it, and keeps
to it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.plan.law import OFTEN

Words, Run = Callable[..., list[str]], Callable[..., subprocess.CompletedProcess[str]]

BUDGET = "12s"


@pytest.fixture(scope="module")
def planned(
    command: Words, corpus: Run, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A planned run folder, and what was printed."""
    run = tmp_path_factory.mktemp("plan") / "run"
    return run, corpus(["plan", *command(run, budget=BUDGET)[1:]]).stdout


def test_a_plan_says_what_each_size_would_reach_and_which_is_best(
    planned: tuple[Path, str],
) -> None:
    run, printed = planned
    plan, config = (json.loads((run / name).read_text()) for name in ("plan.json", "config.json"))
    options, chosen = plan["candidates"], plan["candidates"][plan["chosen"]]
    assert chosen["loss"]["loss"] == min(option["loss"]["loss"] for option in options)
    assert all(
        option["loss"]["low"] < option["loss"]["loss"] < option["loss"]["high"]
        for option in options
    )
    assert len(plan["runs"]) >= 2
    assert config["model"]["dim"] == chosen["dim"]
    assert config["train"]["sequences_per_batch"] == chosen["rows_per_batch"]
    assert config["train"]["schedule"]["learning_rate"] == chosen["learning_rate"]
    assert config == plan["config"]
    assert f"> {chosen['num_layers']:>5} x {chosen['dim']}" in printed
    assert ("repeated text is worth less" in printed) == any(
        epochs > OFTEN for epochs in chosen["epochs"].values()
    )
    assert "--plan" in printed.splitlines()[-1]


def test_a_run_takes_the_plan_and_goes_on_with_it(
    planned: tuple[Path, str], command: Words, corpus: Run
) -> None:
    run, said = planned
    made, words = (run / "plan.json").read_bytes(), command(run, budget=BUDGET)
    without = corpus(words, check=False)
    assert without.returncode == 2
    assert "model.dim" in without.stderr
    assert "add --plan to corpus run" in without.stderr
    printed = corpus([*words, "--plan"]).stdout
    assert "there is already a plan" in printed
    table = [line for line in said.splitlines() if " x " in line]
    assert [line for line in printed.splitlines() if " x " in line] == table
    assert (run / "plan.json").read_bytes() == made
    plan = json.loads(made)
    assert (
        json.loads((run / "weights" / "model.json").read_text())["dim"]
        == plan["config"]["model"]["dim"]
    )
    assert "corpus run" in json.loads((run / "manifest.json").read_text())["command"].replace(
        "__main__.py", "corpus"
    )
    assert "report:" in corpus([*words, "--plan=True"]).stdout
    changed = corpus([*words, "--plan", "--train.optimizer.beta2=0.9"], check=False)
    assert changed.returncode == 2
    assert "beta2: 0.95 → 0.9" in changed.stderr
    assert "--config" in changed.stderr


def test_a_run_that_trains_without_a_plan_is_not_planned_afterwards(
    finished: Path, command: Words, corpus: Run
) -> None:
    result = corpus([*command(finished, budget=BUDGET), "--plan"], check=False)
    assert result.returncode == 2
    assert "has already begun training" in result.stderr
    assert "it was not planned" in result.stderr


def test_a_plan_may_be_made_again_until_training_begins(
    command: Words, corpus: Run, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    for budget in ("10s", "8s"):
        corpus(["plan", *command(run, budget=budget)[1:]])
        assert json.loads((run / "plan.json").read_text())["asked"]["budget"] == budget
    before = (run / "config.json").read_bytes()
    refused = corpus(["plan", *command(run, budget="20 steps")[1:]], check=False)
    assert "needs a time budget" in refused.stderr
    assert (run / "config.json").read_bytes() == before, "a plan that is not made changes nothing"
    plan = json.loads((run / "plan.json").read_text())
    plan["basis"]["text"] = "other"
    (run / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    assert "already a plan" not in corpus(["plan", *command(run, budget="8s")[1:]]).stdout, (
        "the text is another"
    )
    other = corpus(["plan", *command(run, budget=BUDGET)[1:], "--seed=3"], check=False)
    assert other.returncode == 2
    assert "seed: 0 → 3" in other.stderr


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--budget=20 steps"], "needs a time budget"),
        (["--train.finetune-share=1"], "leaves no time for it"),
    ],
)
def test_what_cannot_be_planned_is_said(
    extra: list[str], message: str, command: Words, corpus: Run, tmp_path: Path
) -> None:
    result = corpus(["plan", *command(tmp_path / "run", budget=BUDGET)[1:], *extra], check=False)
    assert result.returncode == 2
    assert message in result.stderr


def test_problems_mixed_into_the_end_are_planned_for(
    command: Words, corpus: Run, tmp_path: Path
) -> None:
    corpus(["plan", *command(tmp_path / "run", "--curriculum.anneal=0.2", budget="8s")[1:]])
    plan = json.loads((tmp_path / "run" / "plan.json").read_text())
    assert plan["candidates"][plan["chosen"]]["epochs"]["problems"] > 0


def test_whole_programs_count_as_parameters_everywhere(
    command: Words, corpus: Run, tmp_path: Path
) -> None:
    """The law is fitted to small runs, and asked about candidates of the same vocabulary."""
    words = command(tmp_path / "run", "--finetune.whole-programs=1", budget="8s")[1:]
    corpus(["plan", *words])
    plan = json.loads((tmp_path / "run" / "plan.json").read_text())
    sizes = [
        {(each["dim"], each["num_layers"]): each["num_parameters"] for each in plan[name]}
        for name in ("runs", "candidates")
    ]
    both = sizes[0].keys() & sizes[1].keys()
    assert both
    assert all(sizes[0][size] == sizes[1][size] for size in both)


def test_a_damaged_plan_is_said(
    command: Words, corpus: Run, planned: tuple[Path, str], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    corpus(["prepare", *command(run, budget=BUDGET)[1:]])
    (run / "plan.json").write_text("[]", encoding="utf-8")
    result = corpus(["plan", *command(run, budget=BUDGET)[1:]], check=False)
    assert result.returncode == 2
    assert "plan.json is not a plan" in result.stderr
