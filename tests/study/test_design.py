"""A study is written down before its first run, and is not changed afterwards."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from corpus.base.errors import ArtifactError, ConfigError
from corpus.base.files import digest_json
from corpus.recipes.registry import load_recipe
from corpus.study.design import Study
from corpus.study.folder import Item, StudyFolder
from corpus.study.orders import split_own
from corpus.study.record import _decisive, add_seeds, load_study, write_down
from corpus.train.schedule import learning_rate


def _study(**changed: Any) -> Study:
    config = replace(load_recipe("cpu"), budget=changed.pop("budget", "100 steps"))
    config = replace(config, finetune=replace(config.finetune, whole_programs=1))
    return Study(**{"config": config, "orders": ("shuffled", "again", "easy"), **changed})


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "a")
    study = _study(schedules=("decay", "average"), seeds=7, finetune="20 steps", margin=0.02)
    assert write_down(study, folder, command="corpus compare cpu …")
    assert load_study(folder) == study
    assert not write_down(study, folder, command="again"), "the same study goes on"
    plain = json.loads(folder.design.read_text())
    assert (plain["alpha"], plain["margin"], len(plain["digest"])) == (0.05, 0.02, 64)
    assert plain["endpoint"].startswith("mean held-out loss")


def test_seed_by_seed_every_order_and_schedule() -> None:
    study = _study(schedules=("decay", "average"), seeds=2)
    names = [item.name for item in study.items]
    moved = replace(study, config=replace(study.config, seed=7))
    assert {item.seed for item in moved.items} == {7, 8}, "--seed makes another study"
    assert names[:3] == ["shuffled.decay.0", "shuffled.average.0", "again.decay.0"]
    assert len(set(names)) == 2 * 3 * 2
    assert study.treatments == ("again", "easy")


def test_runs_of_a_seed_differ_in_their_schedule_alone_and_only_in_the_tail() -> None:
    study = _study(schedules=("decay", "average"), finetune="25 steps")
    items = [Item(order="easy", schedule=name, seed=3) for name in study.schedules]
    decay, average = map(study.run_config, items)
    assert decay.seed == average.seed == 3
    assert decay.budget == "100 steps"
    tuning, other = map(study.tuning_config, items)
    assert tuning == other, "the same fine-tuning for both"
    assert round(125 * tuning.train.finetune_share) == 25
    assert (tuning.train.averaging, tuning.finetune.self_training) == (0.0, 0.0)
    assert tuning.finetune.grpo.start == 0, "no run learns from programs of its own"
    assert tuning.finetune.whole_programs == 0, "all share the tokenizer of the text"
    assert decay.train.spike_factor == tuning.train.spike_factor == 0, "no order loses a step"
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
        ({"finetune": "5m"}, "--finetune-budget 5m is a time"),
        ({"margin": float("inf")}, "--margin is inf; expected nats per token above 0"),
        (
            {"orders": ("shuffled", "easy", "easy:unigram")},
            "--orders has 'easy' and 'easy:unigram', which are the same order",
        ),
        ({"budget": "5 steps"}, "--budget is '5 steps'; expected at least 10 steps"),
        ({"finetune": "7 tokens"}, "--finetune-budget is '7 tokens'; expected at least a step"),
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
    write_down(_study(), folder, command="first")
    with pytest.raises(ConfigError) as caught:
        write_down(_study(seeds=9, budget="200 steps"), folder, command="second")
    said = str(caught.value)
    assert "holds a study with other settings" in said
    assert "seeds" in said
    assert "budget" in said
    assert "not changed once it has begun" in said


def test_an_edited_study_is_refused(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "a")
    write_down(_study(), folder, command="first")
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
    write_down(_study(orders=names, own=files), folder, command="first")
    own.unlink()
    assert load_study(folder).orders == names, "the study has a copy"
    copy = folder.code / "mine.py"
    copy.write_text("def f(sequences, seed): return list(range(len(sequences)))[::-1]")
    with pytest.raises(ArtifactError, match="has changed since the study began"):
        load_study(folder)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty and holds no study"):
        write_down(_study(), StudyFolder(tmp_path), command="first")
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_seeds_can_be_added_and_nothing_else(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "a")
    write_down(_study(seeds=5), folder, command="first")
    add_seeds(folder, 9)
    assert load_study(folder).seeds == 9
    assert json.loads(folder.design.read_text())["seeds_before"] == [5]
    with pytest.raises(ConfigError, match="the study has 9; the number can only grow"):
        add_seeds(folder, 9)


def test_a_setting_that_a_later_version_adds_does_not_change_a_study(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "a")
    write_down(_study(), folder, command="first")
    plain = json.loads(folder.design.read_text())
    del plain["config"]["train"]["spike_factor"]  # as if it were newer than the study
    plain["digest"] = digest_json(_decisive(plain))
    folder.design.write_text(json.dumps(plain))
    assert load_study(folder) == _study()
