"""A run's config: written once, read by every later stage, and never silently changed."""

import dataclasses
import datetime
from pathlib import Path
from typing import Any

from corpus.base.config import differences, from_plain, to_plain
from corpus.base.errors import ArtifactError, ConfigError
from corpus.base.files import read_json, write_json
from corpus.base.run_folder import RunFolder
from corpus.prepare.config import HUB, STARTER
from corpus.recipes.config import RunConfig
from corpus.recipes.registry import load_recipe

_FIX = "Restore it from a copy, or give another --out for a new run."


BEFORE_PLANNING = ("recipe", "seed", "prepare", "problems")
"""What a plan rests on; everything else may still change until training begins."""


def begin_run(config: RunConfig, folder: RunFolder, *, command: str, plan: bool = False) -> RunConfig:
    """Write the config into a new run folder, or check that the folder's own is the same.

    A folder in which nothing was done yet (the data was not found, say) takes the new config; so does one that is only prepared, where
    it is going to be planned (`plan`) on the same data. Raises `ConfigError` naming every difference where the folder holds a run of
    another config, or a config.json of something else.
    """
    if plan and folder.has_trained:
        config = planned_config(config, folder) or config
    plain = to_plain(config)
    there = _read_own(folder) if folder.config.exists() else None
    if not any(place.exists() for place in (folder.prepared, folder.problems, folder.checkpoints, folder.weights)):
        write_json(folder.config, plain)
        today = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        folder.update_manifest(recipe=config.recipe, seed=config.seed, date=today, command=command)
        return config
    if there is None:
        raise ArtifactError(f"{folder.path} holds a run without its config.json. {_FIX}")
    before, now = comparable(there), comparable(plain)
    replans = plan and not folder.has_trained
    if replans:
        before, now = ({name: config[name] for name in BEFORE_PLANNING} for config in (before, now))
    changed = differences(before, now)
    if changed:
        raise ConfigError(
            f"{folder.path} holds a run with other settings:\n  " + "\n  ".join(changed) + "\n"
            "Use the same settings to go on with it, or another --out for a new run."
        )
    if replans:
        write_json(folder.config, plain)
    return config


def planned_config(config: RunConfig, folder: RunFolder) -> RunConfig | None:
    """Return what an earlier plan in this folder made of the same config, or None. Raises `ArtifactError` where the file is damaged."""
    if not folder.plan.exists():
        return None
    fix = "Delete it and plan again."
    plain = read_json(folder.plan, fix=fix)
    if not isinstance(plain, dict) or not all(isinstance(plain.get(name), dict) for name in ("asked", "config")):
        raise ArtifactError(f"{folder.plan} is not a plan. {fix}")
    if comparable(plain["asked"]) != comparable(to_plain(config)):
        return None
    return from_plain(RunConfig, plain["config"], where=folder.plan.name)


def comparable(plain: dict[str, Any]) -> dict[str, Any]:
    """Return a config in the form in which equal ones are equal: complete, and with the whole path of its data."""
    return _with_whole_path(_completed(plain))


def _read_own(folder: RunFolder) -> dict[str, Any]:
    """Read a folder's config.json. Raises `ConfigError` where it is not the config of a run: it would be replaced."""
    plain = read_json(folder.config, fix=_FIX)
    if not isinstance(plain, dict) or "recipe" not in plain:
        raise ConfigError(f"{folder.config} is not the config of a run, and would be replaced. {_FIX}")
    return plain


def _completed(there: dict[str, Any]) -> dict[str, Any]:
    """Return a config as it is read today: settings that are newer than the file have their defaults."""
    try:
        return to_plain(from_plain(RunConfig, there))
    except ConfigError:  # then it differs anyway, and the differences say how
        return there


def _with_whole_path(plain: dict[str, Any]) -> dict[str, Any]:
    """Return the config with the data folder's path written out, so that two spellings of it are no difference."""
    group = plain.get("prepare")
    data = group.get("data") if isinstance(group, dict) else None
    if not isinstance(group, dict) or not isinstance(data, str) or data == STARTER or data.split(":")[0] == HUB:
        return plain
    return {**plain, "prepare": {**group, "data": str(Path(data).expanduser().resolve())}}


def load_config(folder: RunFolder) -> RunConfig:
    """Read a run's config. Raises `ArtifactError` where the folder is no run, `ConfigError` where the file does not fit."""
    path = folder.require().config
    return from_plain(RunConfig, read_json(path, fix=_FIX), where=path.name)


def read_config(path: Path, recipe: str | None = None) -> RunConfig:
    """Read a config file, as each run writes it; what it leaves out has the recipe's value.

    `recipe` is the recipe asked for, None to go by the file. Raises `ConfigError` where neither names one, or each another.
    """
    plain = read_json(path, fix="Give the config.json of an earlier run, or one that `corpus recipes RECIPE` prints.")
    named = plain.get("recipe") if isinstance(plain, dict) else None
    if recipe and named and named != recipe:
        raise ConfigError(f"{path} is a config of the recipe {named!r}, and {recipe!r} was asked for; give one of the two")
    if recipe is None and not isinstance(named, str):
        raise ConfigError(f'{path} names no recipe; name one before the options, or write "recipe" into the file')
    return from_plain(RunConfig, _merged(load_recipe(recipe or str(named)), plain), where=path.name)


def _merged(base: Any, over: Any) -> Any:
    """Return `base` as plain values with those of `over` in their place, group by group; names that only `over` has stay, to be refused."""
    if not (dataclasses.is_dataclass(base) and isinstance(over, dict)):
        return over
    return {**to_plain(base), **{name: _merged(getattr(base, name, None), value) for name, value in over.items()}}
