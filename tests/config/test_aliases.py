"""Settings that were renamed: old names are read from files and flags, and a contradiction is
named."""

from pathlib import Path
from typing import Any

import pytest

from corpus.base.errors import ConfigError
from corpus.base.files import write_json
from corpus.cli.options import RunOptions, parse_run
from corpus.config import aliases
from corpus.config.aliases import rename_flags, rename_settings
from corpus.run.begin import read_config


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aliases, "ALIASES", {"train.log_steps": "train.log_every_steps"})


@pytest.mark.parametrize(
    "train", [{"log_steps": 3}, {"log_every_steps": 3}, {"log_every_steps": 3, "log_steps": 3}]
)
def test_a_config_file_is_read_by_old_and_new_names(train: dict[str, int], tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", {"recipe": "cpu", "train": train})
    assert read_config(tmp_path / "config.json").train.log_every_steps == 3


def test_other_settings_stay_as_they_are_and_the_file_is_not_changed() -> None:
    plain = {"seed": 1, "train": {"averaging": 0.1, "log_steps": 3}}
    renamed = rename_settings(plain, where="c.json")
    assert renamed == {"seed": 1, "train": {"averaging": 0.1, "log_every_steps": 3}}
    assert plain["train"] == {"averaging": 0.1, "log_steps": 3}


@pytest.mark.parametrize("plain", [{}, [], {"train": 3}, {"seed": 1}])
def test_what_has_no_old_name_is_returned_unchanged(plain: Any) -> None:
    assert rename_settings(plain, where="c.json") is plain


def test_two_values_of_one_setting_in_a_file_are_an_error() -> None:
    with pytest.raises(
        ConfigError,
        match=r"c.json: train.log_steps is 3 and train.log_every_steps is 4, but these are two names "
        "for one setting; give only one of them",
    ):
        rename_settings({"train": {"log_steps": 3, "log_every_steps": 4}}, where="c.json")


@pytest.mark.parametrize(
    "words",
    [
        ["--train.log-steps", "3"],
        ["--train.log-steps=3"],
        ["--train.log_steps=3"],
        ["--train.log-every-steps", "3"],
        ["--train.log-every-steps=3", "--train.log-steps", "3"],
    ],
)
def test_a_flag_is_read_by_old_and_new_names(words: list[str]) -> None:
    options = parse_run(RunOptions, ["cpu", *words, "--seed", "4"], command="run")
    assert (options.settings.train.log_every_steps, options.settings.seed) == (3, 4)


def test_two_values_of_one_setting_on_the_command_line_are_an_error() -> None:
    with pytest.raises(
        ConfigError, match=r"--train.log-steps is 3 and --train.log-every-steps is 4, but these are"
    ):
        rename_flags(["--train.log-steps", "3", "--train.log-every-steps=4"])


def test_a_value_that_looks_like_a_name_is_left_alone() -> None:
    words = ["cpu", "--out", "train.log_steps", "--budget=train.log_steps"]
    assert rename_flags(words) == words


def test_the_batch_is_read_under_its_old_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    words = ["cpu", "--train.rows-per-batch=8", "--train.micro-batch-rows", "4"]
    train = parse_run(RunOptions, words, command="run").settings.train
    assert (train.sequences_per_batch, train.micro_batch_sequences) == (8, 4)
