"""A run's config: written once, read by every later stage, and never silently changed."""

import datetime
from pathlib import Path

from corpus.base.config import differences, from_plain, to_plain
from corpus.base.errors import ConfigError
from corpus.base.files import read_json, write_json
from corpus.base.run_folder import RunFolder
from corpus.recipes.config import RunConfig


def begin_run(config: RunConfig, folder: RunFolder, *, command: str) -> RunConfig:
    """Write the config into a new run folder, or check that the folder's own is the same.

    Raises `ConfigError` naming every difference where the folder holds a run of another config.
    """
    plain = to_plain(config)
    if not folder.config.exists():
        write_json(folder.config, plain)
        today = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        folder.update_manifest(recipe=config.recipe, seed=config.seed, date=today, command=command)
        return config
    changed = differences(read_json(folder.config), plain)
    if changed:
        raise ConfigError(
            f"{folder.path} holds a run with other settings:\n  " + "\n  ".join(changed) + "\n"
            "Use the same settings to go on with it, or another --out for a new run."
        )
    return config


def load_config(folder: RunFolder) -> RunConfig:
    """Read a run's config. Raises `ArtifactError` where the folder is no run, `ConfigError` where the file does not fit."""
    return read_config(folder.require().config)


def read_config(path: Path) -> RunConfig:
    """Read a config file, as each run writes it."""
    return from_plain(RunConfig, read_json(path), where=path.name)
