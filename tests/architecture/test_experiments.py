"""Every experiment has the required head, and docs/experiments.md lists them all."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "experiments_index.py"))
EXPERIMENTS = sorted((ROOT / "docs" / "experiments").glob("*.md"))

GOOD = """# Does it help?

**Answer.** Yes: 12.0 % against
11.0 % of the baseline.

- Date: 2026-01-02
- Device: one core
  of a machine

## Command

## Results

## What it means
"""


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_has_the_required_head(path: Path) -> None:
    assert SCRIPT["problems"](SCRIPT["read"](path)) == []


def test_the_list_of_experiments_is_up_to_date() -> None:
    assert EXPERIMENTS
    assert SCRIPT["main"](["--check"]) == 0


def test_a_list_that_lacks_an_experiment_is_not_up_to_date() -> None:
    experiments = [SCRIPT["read"](path) for path in EXPERIMENTS]
    index = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    assert SCRIPT["with_table"](index, SCRIPT["table"](experiments)) == index
    assert SCRIPT["with_table"](index, SCRIPT["table"](experiments[1:])) != index


def test_the_head_is_read_over_several_lines(tmp_path: Path) -> None:
    path = tmp_path / "2026-01-02-it.md"
    path.write_text(GOOD, encoding="utf-8")
    experiment = SCRIPT["read"](path)
    assert SCRIPT["problems"](experiment) == []
    assert experiment.answer == "Yes: 12.0 % against 11.0 % of the baseline."
    assert experiment.fields["Device"] == "one core of a machine"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("help?", "help", "question"),
        ("**Answer.** Yes", "Yes", "Answer"),
        ("12.0 % against\n11.0 %", "more than that", "figure"),
        ("baseline.", "[baseline](x.md).", "link"),
        ("2026-01-02", "2026-01-03", "Date"),
        ("- Device: one core\n  of a machine\n", "", "Device"),
        ("## Command", "## Order", "Command"),
    ],
)
def test_a_missing_part_of_the_head_is_named(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    path = tmp_path / "2026-01-02-it.md"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    (found,) = SCRIPT["problems"](SCRIPT["read"](path))
    assert problem in found
