"""The tuning split: real problems, whole templates, nothing of them left in training."""

import dataclasses
import json
from pathlib import Path

import pytest

from corpus.base.errors import ConfigError, DataError
from corpus.base.manifest import Manifest, write_manifest
from corpus.base.run_folder import RunFolder
from corpus.cli.main import main
from corpus.problems.config import ProblemsConfig
from corpus.problems.numbers import template_of
from corpus.recipes.registry import load_recipe
from corpus.stages.problems import evaluation_sets, load_problem_files, training_problems, write_loaded, write_symbolic
from corpus.stages.solve import as_read

TEMPLATES = [f"a {thing} costs 5 dollars , what do 3 {thing} cost ?" for thing in "abcdefghijklmnopqrstuvwxyz"]


def _record(text: str) -> dict[str, str]:
    options = "a ) 15 , b ) 2 , c ) 3 , d ) 4 , e ) 5"
    return {"Problem": text, "options": options, "correct": "a", "linear_formula": "multiply(n0,n1)", "category": "general"}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Each template three times with other numbers, and a dev split."""
    records = [_record(text.replace("5", str(price))) for text in TEMPLATES for price in (5, 6, 7)]
    (tmp_path / "train.json").write_text(json.dumps(records))
    (tmp_path / "dev.json").write_text(json.dumps(records[:3]))
    run = RunFolder(tmp_path / "run")
    run.problems.mkdir(parents=True)
    return run


def _write(folder: RunFolder, share: float) -> dict[str, dict[str, int]]:
    files = {("mathqa", split): folder.path.parent / f"{split}.json" for split in ("train", "dev")}
    counts = write_loaded(files, folder, tuning_share=share)
    write_manifest(folder.problems, Manifest(kind="problems", key="k", config={}, counts=counts))
    return counts


def test_templates_stay_together_and_dev_waits(folder: RunFolder) -> None:
    counts = _write(folder, 0.3)
    (scored,) = evaluation_sets(folder).values()
    assert {problem.split for problem in scored} == {"train"}, "they say where they come from"
    trained = {template_of(problem.text) for problem in training_problems(folder)}
    held = {template_of(problem.text) for problem in scored}
    assert not trained & held
    assert len(trained | held) == len(TEMPLATES)
    assert counts["mathqa"] == {"train": 3 * len(trained), "tune": 3 * len(held), "dev": 3}


def test_without_a_share_dev_is_scored(folder: RunFolder) -> None:
    _write(folder, 0.0)
    (scored,) = evaluation_sets(folder).values()
    assert len(scored) == 3
    assert len(training_problems(folder)) == 3 * len(TEMPLATES)


@pytest.mark.parametrize(("share", "split"), [(1e-9, "tune"), (1 - 1e-9, "train")])
def test_a_share_that_leaves_a_split_empty_is_refused(folder: RunFolder, share: float, split: str) -> None:
    with pytest.raises(DataError, match=f"leaves the {split} split without a problem"):
        _write(folder, share)


def test_problems_read_as_text_would_undo_it() -> None:
    recipe = load_recipe("cpu")
    with pytest.raises(ConfigError, match="give one of them"):
        dataclasses.replace(
            recipe,
            problems=dataclasses.replace(recipe.problems, tuning_share=0.1),
            prepare=dataclasses.replace(recipe.prepare, problems_as_text=True),
        )


def test_generated_problems_have_no_tuning_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("some text\n" * 50)
    with pytest.raises(SystemExit):
        main(["prepare", "starter", f"--data={tmp_path / 'text'}", f"--out={tmp_path / 'run'}", "--problems.tuning-share=0.1"])
    assert "problems are generated" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ({"symbolic_train": 5}, "give both"),
        ({"symbolic_heldout": 5}, "give both"),
        ({"symbolic_train": -1, "symbolic_heldout": 1}, "0 \\(none\\) or more"),
        ({"generated_train": 0}, "1 or more, or 0 beside"),
    ],
)
def test_numbers_of_problems_that_make_no_sense_are_refused(counts: dict[str, int], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        ProblemsConfig(**counts)


def test_symbolic_problems_stand_beside_others_and_are_always_scored(folder: RunFolder) -> None:
    config = ProblemsConfig(symbolic_train=3, symbolic_heldout=2, tuning_share=0.3)
    files = {("mathqa", split): folder.path.parent / f"{split}.json" for split in ("train", "dev")}
    counts = write_loaded(files, folder, tuning_share=config.tuning_share) | write_symbolic(config, folder, seed=0)
    write_manifest(folder.problems, Manifest(kind="problems", key="k", config={}, counts=counts))
    assert counts["symbolic"] == {"train": 3, "heldout": 2}
    assert {each.set_name for each in training_problems(folder)} == {"mathqa", "symbolic"}
    scored = evaluation_sets(folder)
    assert {name: len(problems) for name, problems in scored.items()} == {"mathqa": counts["mathqa"]["tune"], "symbolic": 2}
    assert load_problem_files([f"symbolic={folder.problems / 'symbolic.heldout.jsonl'}"])["symbolic"] == scored["symbolic"]
    assert write_symbolic(ProblemsConfig(), folder, seed=0) == {}


def test_typed_expressions_are_read_where_the_model_knows_them() -> None:
    recipe = load_recipe("starter")
    trained = dataclasses.replace(recipe, problems=ProblemsConfig(symbolic_train=1, symbolic_heldout=1))
    assert as_read(recipe, "differentiate 3x^2") == "differentiate 3x^2"
    assert as_read(trained, "differentiate 3x^2") == "differentiate `3x^2`"
    with pytest.raises(
        DataError, match="'10\\*\\*10\\*\\*10' stands between backticks and is no expression: an exponent is beyond 100"
    ):
        as_read(trained, "expand `10**10**10`")
    with pytest.raises(DataError, match="a backtick too many"):
        as_read(trained, "expand `x")
