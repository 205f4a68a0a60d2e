"""The tuning split: real problems, whole templates, nothing of them left in training."""

import dataclasses
import json
from pathlib import Path

import pytest

from corpus.base.errors import ConfigError, DataError
from corpus.base.manifest import Manifest, write_manifest
from corpus.base.run_folder import RunFolder
from corpus.cli.main import main
from corpus.problems.numbers import template_of
from corpus.recipes.registry import load_recipe
from corpus.stages.problems import evaluation_sets, read_loaded, training_problems, write_sets

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
    counts = write_sets(read_loaded(files, tuning_share=share), folder)
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
