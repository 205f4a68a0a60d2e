"""The tuning split: real problems, whole templates, nothing of them left in training."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from corpus.base.errors import ConfigError, DataError
from corpus.base.manifest import Manifest, write_manifest
from corpus.cli.main import main
from corpus.config.problems import ProblemsConfig
from corpus.prepare.problem_folder import write_sets
from corpus.prepare.problem_sets import read_sets, symbolic_sets
from corpus.problems.contamination import KnownProblems
from corpus.problems.problem import Problem
from corpus.recipes.registry import load_recipe
from corpus.run.folder import RunFolder
from corpus.run.problems import (
    evaluation_sets,
    load_problem_files,
    reads_words_as_digits,
    training_problems,
)
from corpus.solve.show import as_read

TEMPLATES = [
    f"a {thing} costs 5 dollars , what do 3 {thing} cost ?"
    for thing in "abcdefghijklmnopqrstuvwxyz"
]


def _record(text: str) -> dict[str, str]:
    options = "a ) 15 , b ) 2 , c ) 3 , d ) 4 , e ) 5"
    return {
        "Problem": text,
        "options": options,
        "correct": "a",
        "linear_formula": "multiply(n0,n1)",
        "category": "general",
    }


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
    files = {
        ("mathqa", split): [folder.path.parent / f"{split}.json"] for split in ("train", "dev")
    }
    counts = write_sets(read_sets(files, tuning_share=share), folder)
    write_manifest(folder.problems, Manifest(kind="problems", key="k", config={}, counts=counts))
    return counts


def test_templates_stay_together_and_dev_waits(folder: RunFolder) -> None:
    counts = _write(folder, 0.3)
    (scored,) = evaluation_sets(folder).values()
    assert {problem.split for problem in scored} == {"train"}, "they say where they come from"
    trained = {problem.template for problem in training_problems(folder)}
    held = {problem.template for problem in scored}
    assert not trained & held
    assert len(trained | held) == len(TEMPLATES)
    assert counts["mathqa"] == {"train": 3 * len(trained), "tune": 3 * len(held), "dev": 3}


def test_the_tuning_split_holds_the_rarest_templates(folder: RunFolder) -> None:
    """As the unseen part of a dev file does: there, a template with many problems has nearly always
    one in train."""
    records = json.loads((folder.path.parent / "train.json").read_text())
    lone = [_record(f"{text} please") for text in TEMPLATES[:9]]
    (folder.path.parent / "train.json").write_text(json.dumps([*lone[:4], *records, *lone[4:]]))
    for share, held in ((6 / 87, 6), (9 / 87, 9), (12 / 87, 12)):
        counts = _write(folder, share)
        (scored,) = evaluation_sets(folder).values()
        assert counts["mathqa"] == {"train": 87 - held, "tune": held, "dev": 3}
        assert sum(problem.text.endswith("please") for problem in scored) == min(held, 9)
        assert not {each.template for each in scored} & {
            each.template for each in training_problems(folder)
        }


def test_without_a_share_dev_is_scored(folder: RunFolder) -> None:
    _write(folder, 0.0)
    (scored,) = evaluation_sets(folder).values()
    assert len(scored) == 3
    assert len(training_problems(folder)) == 3 * len(TEMPLATES)


@pytest.mark.parametrize(("share", "split"), [(1e-9, "tune"), (1 - 1e-9, "train")])
def test_a_share_that_leaves_a_split_empty_is_refused(
    folder: RunFolder, share: float, split: str
) -> None:
    with pytest.raises(DataError, match=f"leaves the {split} split without a problem"):
        _write(folder, share)


def test_problems_read_as_text_would_undo_it() -> None:
    recipe = load_recipe("cpu")
    with pytest.raises(ConfigError, match="use only one of the two"):
        dataclasses.replace(
            recipe,
            problems=dataclasses.replace(recipe.problems, tuning_share=0.1),
            prepare=dataclasses.replace(recipe.prepare, problems_as_text=True),
        )


def test_generated_problems_have_no_tuning_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("some text\n" * 50)
    with pytest.raises(SystemExit):
        main(
            [
                "prepare",
                "starter",
                f"--data={tmp_path / 'text'}",
                f"--out={tmp_path / 'run'}",
                "--problems.tuning-share=0.1",
            ]
        )
    assert "this run generates its problems" in capsys.readouterr().err


def _stories(folder: Path, count: int = 60) -> Path:
    """GSM8K records of `count` templates, each twice with other numbers."""
    rows = [
        {
            "question": f"{'so ' * index}{first} and 3 ?",
            "answer": f"<<{first}+3={first + 3}>>\n#### {first + 3}",
        }
        for first in (4, 5)
        for index in range(count)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder / "train.jsonl"


def _hold_out(run: RunFolder, path: Path, **shares: Any) -> dict[str, int]:
    counts = write_sets(read_sets({("gsm8k", "train"): [path]}, **shares), run)
    write_manifest(run.problems, Manifest(kind="problems", key="k", config={}, counts=counts))
    return counts["gsm8k"]


def test_whole_templates_are_held_out_and_scored_with_and_without_a_tuning_split(
    folder: RunFolder,
) -> None:
    path = _stories(folder.path / "gsm8k")
    counts = _hold_out(folder, path, heldout={"gsm8k": 0.3})
    (scored,) = evaluation_sets(folder).values()
    held, trained = (
        {each.template for each in problems} for problems in (scored, training_problems(folder))
    )
    assert not held & trained
    assert counts == {"train": 2 * len(trained), "heldout": 2 * len(held)}
    assert 0.15 * 60 < len(held) < 0.45 * 60
    with_tuning = _hold_out(folder, path, heldout={"gsm8k": 0.3}, tuning_share=0.3)
    (tuned,) = evaluation_sets(folder).values()
    assert with_tuning["heldout"] == counts["heldout"], (
        "the same problems, whatever else is cut off"
    )
    assert not {each.template for each in tuned} & (
        held | {each.template for each in training_problems(folder)}
    )
    assert _hold_out(folder, path) == {"train": 120}


def test_where_nothing_falls_into_the_part_nothing_is_held_out(folder: RunFolder) -> None:
    assert _hold_out(folder, _stories(folder.path / "gsm8k", 1), heldout={"gsm8k": 1e-9}) == {
        "train": 2
    }
    with pytest.raises(
        DataError, match=r"problems.heldout_share 1 of .* leaves the train split without a problem"
    ):
        _hold_out(folder, folder.path / "gsm8k" / "train.jsonl", heldout={"gsm8k": 1 - 1e-12})


def test_words_are_digits_where_a_set_of_the_run_turns_them(folder: RunFolder) -> None:
    _write(folder, 0.0)
    assert not reads_words_as_digits(folder), "MathQA counts digits only"
    _hold_out(folder, _stories(folder.path / "gsm8k"))
    assert reads_words_as_digits(folder)


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ({"symbolic_train": 5}, "set both above 0 or both to 0"),
        ({"symbolic_heldout": 5}, "set both above 0 or both to 0"),
        ({"symbolic_train": -1, "symbolic_heldout": 1}, "0 \\(none\\) or more"),
        ({"generated_train": 0}, "1 or more, or 0 beside"),
    ],
)
def test_numbers_of_problems_that_make_no_sense_are_refused(
    counts: dict[str, int], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        ProblemsConfig(**counts)


def test_an_anneal_and_whole_programs_do_not_go_together() -> None:
    recipe = load_recipe("cpu")
    whole = dataclasses.replace(recipe.finetune, whole_programs=2)
    anneal = dataclasses.replace(recipe.curriculum, anneal=0.1)
    dataclasses.replace(recipe, finetune=whole)
    with pytest.raises(ConfigError, match="whole_programs makes programs one token"):
        dataclasses.replace(recipe, finetune=whole, curriculum=anneal)
    with pytest.raises(ConfigError, match="whole_programs is -1; expected 0"):
        dataclasses.replace(whole, whole_programs=-1)


def test_symbolic_problems_stand_beside_others_and_are_always_scored(folder: RunFolder) -> None:
    config = ProblemsConfig(symbolic_train=3, symbolic_heldout=2, tuning_share=0.3)
    files = {
        ("mathqa", split): [folder.path.parent / f"{split}.json"] for split in ("train", "dev")
    }
    counts = write_sets(
        read_sets(files, tuning_share=config.tuning_share) | symbolic_sets(config, seed=0), folder
    )
    write_manifest(folder.problems, Manifest(kind="problems", key="k", config={}, counts=counts))
    assert counts["symbolic"] == {"train": 3, "heldout": 2}
    assert {each.set_name for each in training_problems(folder)} == {"mathqa", "symbolic"}
    scored = evaluation_sets(folder)
    assert {name: len(problems) for name, problems in scored.items()} == {
        "mathqa": counts["mathqa"]["tune"],
        "symbolic": 2,
    }
    assert (
        load_problem_files([f"symbolic={folder.problems / 'symbolic.heldout.jsonl'}"])["symbolic"]
        == scored["symbolic"]
    )
    assert symbolic_sets(ProblemsConfig(), seed=0) == {}


def test_typed_expressions_are_read_where_the_model_knows_them() -> None:
    recipe = load_recipe("starter")
    trained = dataclasses.replace(
        recipe, problems=ProblemsConfig(symbolic_train=1, symbolic_heldout=1)
    )
    assert as_read(recipe, "differentiate 3x^2") == "differentiate 3x^2"
    assert as_read(trained, "differentiate 3x^2") == "differentiate `3x^2`"
    with pytest.raises(
        DataError,
        match="'10\\*\\*10\\*\\*10' stands between backticks and is no expression: an exponent is beyond 100",
    ):
        as_read(trained, "expand `10**10**10`")
    assert as_read(recipe, "a car covers `120` km in `2` hours") == "a car covers 120 km in 2 hours"
    assert (
        as_read(trained, "john ` s 3 cats")
        == as_read(recipe, "john ` s 3 cats")
        == "john ` s 3 cats"
    )
    with pytest.raises(DataError, match="a backtick too many"):
        as_read(trained, "expand `x")


def test_half_a_surrogate_pair_in_a_problem_becomes_the_replacement_character(
    folder: RunFolder,
) -> None:
    record = _record("a \ud83d costs 5 dollars , a \ud83d\ude00 2 , what do they cost ?") | {
        "options": "a ) \ud83d 7 , b ) 2"
    }
    (folder.path.parent / "dev.json").write_text(json.dumps([record]))
    _write(folder, 0.0)
    (problem,) = evaluation_sets(folder)["mathqa"]
    assert problem.text == "a \ufffd costs 5 dollars , a \U0001f600 2 , what do they cost ?"
    assert problem.options[0].text == "\ufffd 7"


def test_a_runs_own_copy_is_read_under_its_sets_name_alone(folder: RunFolder) -> None:
    _write(folder, 0.0)
    copy = folder.problems / "mathqa.dev.jsonl"
    assert load_problem_files([f"mathqa={copy}"]) == {"mathqa": evaluation_sets(folder)["mathqa"]}
    for other in ("generated", "symbolic", "gsm8k"):
        with pytest.raises(
            DataError, match=f"holds problems of mathqa, but was given as {other}; write mathqa="
        ):
            load_problem_files([f"{other}={copy}"])


def test_a_set_that_another_was_made_from_loses_the_twins_of_that_ones_problems(
    tmp_path: Path,
) -> None:
    """Spelled another way, or with a word more: AQuA-RAT's texts are not MathQA's letter for
    letter."""
    scored = Problem.question(
        "a train covers 120 km at 40 km / hr . how long does it take in all ?"
    )
    scored = dataclasses.replace(scored, set_name="mathqa", split="dev")
    texts = {
        "copy": "A train covers 120 km at 40 km/hr. How long does it take in all?",
        "twin": "A train covers 90 km at 30 km/hr. How long does it take in all?",
        "near": "A fast train covers 90 km at 30 km/hr. How long does it take in all?",
        "other": "Seven men dig a well in 12 days. How many days do 4 men take?",
    }
    rows = [
        dataclasses.replace(Problem.question(text), set_name="aqua_rat", split="train", index=index)
        for index, text in enumerate(texts.values())
    ]
    folder = RunFolder(tmp_path)
    sets = {"aqua_rat": {"train": rows}}
    counts = write_sets(sets, folder, known=KnownProblems([scored]))
    assert counts["aqua_rat"] == {"train": 1}
    assert counts["contamination"]["rows"]["dropped"] == 3
    assert counts["contamination"]["rows"]["twins_dropped"] == 2
    other = KnownProblems([dataclasses.replace(scored, set_name="svamp")])
    assert write_sets(sets, folder, known=other)["aqua_rat"] == {"train": 3}
