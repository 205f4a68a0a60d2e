"""A study is written down before its first run, and is not changed afterwards."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from corpus.base.errors import ArtifactError, ConfigError
from corpus.recipes.registry import load_recipe
from corpus.study.design import Study, begin_study, load_study
from corpus.study.folder import Item, StudyFolder
from corpus.study.orders import split_own
from corpus.train.schedule import learning_rate


def _study(**changed: Any) -> Study:
    config = replace(load_recipe("cpu"), budget=changed.pop("budget", "100 steps"))
    return Study(**{"config": config, "orders": ("shuffled", "again", "easy"), **changed})


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "a")
    study = _study(schedules=("decay", "average"), seeds=7, finetune="20 steps", margin=0.02)
    assert begin_study(study, folder, command="corpus compare cpu …")
    assert load_study(folder) == study
    assert not begin_study(study, folder, command="again"), "the same study goes on"
    plain = json.loads(folder.design.read_text())
    assert (plain["alpha"], plain["margin"], len(plain["digest"])) == (0.05, 0.02, 64)
    assert plain["endpoint"].startswith("mean held-out loss")


def test_seed_by_seed_every_order_and_schedule() -> None:
    study = _study(schedules=("decay", "average"), seeds=2)
    names = [item.name for item in study.items]
    assert names[:3] == ["shuffled.decay.0", "shuffled.average.0", "again.decay.0"]
    assert len(set(names)) == 2 * 3 * 2
    assert study.treatments == ("again", "easy")


def test_runs_of_a_seed_differ_in_their_schedule_alone_and_only_in_the_tail() -> None:
    study = _study(schedules=("decay", "average"), finetune="25 steps")
    decay, average = (
        study.run_config(Item(order="easy", schedule=name, seed=3)) for name in study.schedules
    )
    assert decay.seed == average.seed == 3
    assert decay.budget == "125 steps"
    assert round(125 * decay.train.finetune_share) == 25
    shared = study.num_shared_steps
    assert shared == 70
    for step in range(shared + 1):
        rates = [learning_rate(each.train.schedule, step / 100) for each in (decay, average)]
        assert rates[0] == rates[1]
    assert learning_rate(decay.train.schedule, 0.9) < learning_rate(average.train.schedule, 0.9)
    peak = average.train.schedule.learning_rate
    assert learning_rate(average.train.schedule, 1.0) == peak
    assert (decay.train.averaging, average.train.averaging) == (0.0, 0.3)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seeds": 1}, "--seeds is 1; expected 2 or more (5 are the least for a claim)"),
        ({"orders": ("again", "easy")}, "has no 'shuffled', which the others are compared with"),
        ({"orders": ("shuffled",)}, "--orders 'shuffled' needs 2 names or more"),
        ({"orders": ("shuffled", "easy", "easy")}, "names one of them twice"),
        ({"orders": ("shuffled", "")}, "separated by commas"),
        ({"orders": ("shuffled", "esy")}, "there is no order 'esy'"),
        ({"schedules": ("decoy",)}, "--schedules has 'decoy'; known are decay, average. Did you"),
        ({"budget": "20m"}, "--budget 20m is a time, and in a study every order has to read the"),
        ({"finetune": "5m"}, "--finetune 5m is a time"),
        ({"budget": "5 steps"}, "--budget is '5 steps'; expected at least 10 steps"),
        ({"finetune": "7 tokens"}, "--finetune is '7 tokens'; expected at least a step"),
        ({"margin": 0.0}, "--margin is 0.0; expected nats per token above 0"),
        ({"alpha": 1.0}, "--alpha is 1.0; expected a probability"),
        ({"difficulty": "size"}, "there is no difficulty 'size'"),
    ],
)
def test_a_study_that_says_nothing_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _study(**changed)
    assert said in str(caught.value)


def test_a_changed_study_is_refused(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "a")
    begin_study(_study(), folder, command="first")
    with pytest.raises(ConfigError) as caught:
        begin_study(_study(seeds=9, budget="200 steps"), folder, command="second")
    said = str(caught.value)
    assert "holds a study with other settings" in said
    assert "seeds" in said
    assert "budget" in said
    assert "not changed once it has begun" in said


def test_an_edited_study_is_refused(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "a")
    begin_study(_study(), folder, command="first")
    plain = json.loads(folder.design.read_text())
    folder.design.write_text(json.dumps({**plain, "margin": 0.5}))
    with pytest.raises(ArtifactError, match="was changed after the study began"):
        load_study(folder)
    folder.design.write_text('{"format": 9}')
    with pytest.raises(ArtifactError, match="not a study of this version"):
        load_study(folder)


def test_a_changed_file_of_an_order_is_refused(tmp_path: Path) -> None:
    own, folder = tmp_path / "mine.py", StudyFolder(tmp_path / "a")
    own.write_text("def f(sequences, seed): return range(len(sequences))")
    names, files = split_own(["shuffled", f"{own}:f"])
    assert names == ("shuffled", "mine.py:f")
    begin_study(_study(orders=names, own=files), folder, command="first")
    own.unlink()
    assert load_study(folder).orders == names, "the study has a copy"
    copy = folder.code / "mine.py"
    copy.write_text("def f(sequences, seed): return list(range(len(sequences)))[::-1]")
    with pytest.raises(ArtifactError, match="has changed since the study began"):
        load_study(folder)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty and holds no study"):
        begin_study(_study(), StudyFolder(tmp_path), command="first")
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]
