"""A run folder's config: claimed once, compared ever after; a config file is stronger than the
recipe and weaker than the options."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from corpus import __version__
from corpus.base.errors import ArtifactError, ConfigError
from corpus.base.plain import to_plain
from corpus.cli.options import RunOptions, parse_run
from corpus.config.run import RunConfig
from corpus.recipes.registry import load_recipe
from corpus.run.begin import begin_run, choose_method, identity, load_config, read_config
from corpus.run.folder import RunFolder


def _with_data(data: str) -> RunConfig:
    config = load_recipe("cpu")
    return dataclasses.replace(config, prepare=dataclasses.replace(config.prepare, data=data))


def _parse(*words: str) -> RunOptions:
    return parse_run(RunOptions, words, command="run")


def _write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_a_first_command_that_failed_does_not_claim_the_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    begin_run(_with_data("mistyped"), folder, command="corpus run")
    begin_run(_with_data("right"), folder, command="corpus run")
    assert load_config(folder).prepare.data == str(Path("right").resolve())


def test_a_run_that_has_begun_keeps_its_settings(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    begin_run(_with_data("mine"), folder, command="corpus run")
    folder.prepared.mkdir()
    with pytest.raises(
        ConfigError, match=r"seed: 0 → 1\nUse the same settings to resume it, or another --out"
    ):
        begin_run(dataclasses.replace(_with_data("mine"), seed=1), folder, command="corpus run")


@pytest.mark.parametrize(
    ("first", "second"),
    [("60m", "1h"), ("300k tokens", "300ktokens"), ("9871 steps", "9.871k steps")],
)
def test_two_spellings_of_a_budget_are_one(tmp_path: Path, first: str, second: str) -> None:
    folder = RunFolder(tmp_path / "run")
    begin_run(dataclasses.replace(_with_data("mine"), budget=first), folder, command="corpus run")
    folder.prepared.mkdir()
    begin_run(dataclasses.replace(_with_data("mine"), budget=second), folder, command="corpus run")
    with pytest.raises(ConfigError, match="budget: "):
        begin_run(
            dataclasses.replace(_with_data("mine"), budget="61m"), folder, command="corpus run"
        )


def test_a_run_that_had_too_little_memory_to_score_goes_on_with_fewer_programs_together(
    tmp_path: Path,
) -> None:
    folder, config = RunFolder(tmp_path / "run"), _with_data("mine")
    begin_run(config, folder, command="corpus run")
    folder.prepared.mkdir()
    fewer = dataclasses.replace(config, evaluate=dataclasses.replace(config.evaluate, batch_size=3))
    assert begin_run(fewer, folder, command="corpus run").evaluate.batch_size == 3


def test_two_spellings_of_a_folder_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = RunFolder(tmp_path / "run")
    begin_run(_with_data("mine"), folder, command="corpus run")
    folder.prepared.mkdir()
    begin_run(_with_data(str(tmp_path / "mine")), folder, command="corpus run")
    with pytest.raises(ConfigError, match=r"prepare\.data"):
        begin_run(_with_data("hub"), folder, command="corpus run")


def test_a_run_is_the_same_wherever_it_is_resumed_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, elsewhere = RunFolder(tmp_path / "run"), tmp_path / "b" / "c"
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    begun = begin_run(_with_data("mine"), folder, command="corpus run")
    folder.prepared.mkdir()
    monkeypatch.chdir(elsewhere)
    assert begun.prepare.data == load_config(folder).prepare.data == str(tmp_path / "mine")
    for data in ("../../mine", str(tmp_path / "mine"), "../c/../../mine/"):
        assert begin_run(_with_data(data), folder, command="corpus run") == begun
    assert begin_run(_with_data("mine"), folder, command="corpus run"), "content is compared later"
    with pytest.raises(ConfigError, match=r"prepare\.data: 'mine' → 'yours'"):
        begin_run(_with_data("yours"), folder, command="corpus run")


def test_a_run_knows_which_version_made_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "first")
    config = begin_run(_with_data("mine"), folder, command="corpus run")
    manifest = folder.read_manifest()
    assert (manifest["name"], manifest["seed"], manifest["version"]) == ("first", 0, __version__)
    assert identity(config, folder).items() <= manifest.items()
    elsewhere = dataclasses.replace(config.prepare, data="/other/disk/mine")
    moved = dataclasses.replace(config, prepare=elsewhere)
    assert identity(moved, folder) == identity(config, folder)
    other = dataclasses.replace(config, seed=4)
    assert identity(other, folder)["config_digest"] != manifest["config_digest"]


@pytest.mark.parametrize("data", ["starter", "hub", "hub:owner/name"])
def test_data_that_is_no_folder_keeps_its_name(tmp_path: Path, data: str) -> None:
    assert begin_run(_with_data(data), RunFolder(tmp_path), command="c").prepare.data == data


def test_what_a_config_file_leaves_out_has_the_recipes_value(tmp_path: Path) -> None:
    path = _write(tmp_path / "c.json", {"seed": 3, "train": {"schedule": {"learning_rate": 5e-4}}})
    config = _parse("cpu", "--config", str(path), "--seed", "4").settings
    cpu = load_recipe("cpu")
    schedule = dataclasses.replace(cpu.train.schedule, learning_rate=5e-4)
    assert config == dataclasses.replace(
        cpu, seed=4, train=dataclasses.replace(cpu.train, schedule=schedule)
    )


def test_a_whole_config_needs_no_recipe_beside_it(tmp_path: Path) -> None:
    path = _write(tmp_path / "config.json", to_plain(load_recipe("hackathon")))
    options = _parse(f"--config={path}")
    assert options.settings == load_recipe("hackathon")
    assert options.folder.path == Path("runs/hackathon")


def test_a_named_group_replaces_the_recipes(tmp_path: Path) -> None:
    """Weights by source are one value: a file that empties them is not mixed with a recipe that has
    some."""
    path = _write(tmp_path / "c.json", {"curriculum": {"weights": {"book": 2.0}}})
    assert read_config(path, "cpu").curriculum.weights == {"book": 2.0}


@pytest.mark.parametrize(
    ("recipe", "content", "message"),
    [
        (
            "cpu",
            {"recipe": "starter"},
            "is a config of the recipe 'starter', but the command names 'cpu'",
        ),
        (None, {"seed": 3}, "has no recipe"),
        ("cpu", {"sed": 3}, "c.json.sed is not a setting. Did you mean 'seed'"),
        (
            "cpu",
            {"train": {"schedul": {}}},
            "c.json.train.schedul is not a setting. Did you mean 'schedule'",
        ),
        ("cpu", {"train": 3}, "c.json.train is 3; expected a group of settings"),
        ("cpu", [3], r"c.json is \[3\]; expected a group of settings"),
    ],
)
def test_a_config_file_that_does_not_fit_is_an_error(
    tmp_path: Path, recipe: str | None, content: Any, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        read_config(_write(tmp_path / "c.json", content), recipe)


def test_a_run_from_before_a_setting_existed_goes_on(tmp_path: Path) -> None:
    """What its config.json does not name has the default; another value is still a difference."""
    folder = RunFolder(tmp_path)
    begin_run(load_recipe("starter"), folder, command="corpus run starter")
    folder.checkpoints.mkdir()
    plain = json.loads(folder.config.read_text(encoding="utf-8"))
    del plain["train"]["averaging"]
    folder.config.write_text(json.dumps(plain), encoding="utf-8")
    config = load_recipe("starter")
    assert begin_run(config, folder, command="corpus run starter") == config
    changed = dataclasses.replace(config, train=dataclasses.replace(config.train, averaging=0.5))
    with pytest.raises(ConfigError, match="averaging"):
        begin_run(changed, folder, command="corpus run starter")


def test_the_method_may_change_until_fine_tuning_has_begun(tmp_path: Path) -> None:
    """What is given on the command line stands in the folder's config from then on; once there is a
    checkpoint, nothing changes."""
    folder = RunFolder(tmp_path / "run")
    config = begin_run(_with_data("mine"), folder, command="corpus run")
    with pytest.raises(
        ArtifactError, match="is not pre-trained yet, and adapters need pre-trained"
    ):
        choose_method(config, folder, method="lora", learning_rate=2e-3)
    assert load_config(folder) == config, "what cannot be done is not written down"
    folder.weights.mkdir()
    folder.pretrained_weights.touch()
    chosen = choose_method(config, folder, method="lora", learning_rate=2e-3)
    assert chosen.finetune.method == "lora"
    assert chosen.finetune.resolved_schedule == dataclasses.replace(
        config.finetune.schedule, learning_rate=2e-3
    )
    assert load_config(folder) == chosen
    full = choose_method(chosen, folder, method="full", learning_rate=1e-3)
    assert (
        full.finetune.resolved_schedule.learning_rate
        == full.finetune.schedule.learning_rate
        == 1e-3
    )
    (folder.checkpoints / "finetune-000000006").mkdir(parents=True)
    assert choose_method(full, folder, method="full", learning_rate=None) == full
    with pytest.raises(
        ConfigError, match=r"finetune\.method: 'full' → 'qlora'\nFine-tune a copy of the run"
    ):
        choose_method(full, folder, method="qlora", learning_rate=None)
    assert load_config(folder) == full
