"""A run's config: written when it begins, or by its plan, read by every later stage, and never silently changed."""

import contextlib
import dataclasses
import datetime
from pathlib import Path
from typing import Any

from corpus.base.console import say
from corpus.base.errors import ArtifactError, ConfigError
from corpus.base.files import read_json, write_json
from corpus.base.plain import differences, from_plain, to_plain
from corpus.base.units import parse_budget
from corpus.config.finetune import FinetuneConfig
from corpus.config.prepare import whole_path
from corpus.config.run import RunConfig
from corpus.recipes.registry import load_recipe
from corpus.run.folder import RunFolder
from corpus.run.packages import require_packages

_FIX = "Restore it from a copy, or give another --out for a new run."


BEFORE_PLANNING = ("recipe", "seed", "prepare", "problems")
"""What a plan rests on; everything else may still change until training begins."""


def begin_run(
    config: RunConfig, folder: RunFolder, *, command: str, plan: bool = False, alone: bool = True
) -> RunConfig:
    """Write the config into a new run folder, or check that the folder's own is the same.

    A folder in which nothing was done yet (the data was not found, say) takes the new config. Where it is going to be planned (`plan`), all but
    the data may differ until training begins, and the folder's config stays as it is until the plan is made. From then on the config that
    counts is the planned one. With several ranks (not `alone`) the plan must be there. Raises `ConfigError` naming every difference where the folder holds a run of another config, or a config.json
    of something else.
    """
    planned = planned_config(config, folder) if plan or folder.config.exists() else None
    if plan:
        _check_plannable(config, folder, planned, alone=alone)
    own = planned if plan and folder.has_trained and planned else config
    plain = to_plain(own)
    there = _read_own(folder) if folder.config.exists() else None
    if not any(
        place.exists()
        for place in (folder.prepared, folder.problems, folder.checkpoints, folder.weights)
    ):
        write_json(folder.config, plain)
        today = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        folder.update_manifest(recipe=config.recipe, seed=config.seed, date=today, command=command)
        return own
    if there is None:
        raise ArtifactError(f"{folder.path} holds a run without its config.json. {_FIX}")
    before, now = comparable(there), comparable(plain)
    replans = plan and not folder.has_trained
    if replans:
        before, now = (
            {name: plain.get(name) for name in BEFORE_PLANNING} for plain in (before, now)
        )
    changed = differences(before, now)
    if changed:
        fix = "Use the same settings to go on with it, or another --out for a new run."
        if planned is not None and not plan:
            fix = "It was planned from the settings you gave: add --plan to corpus run to go on with it, or give another --out for a new run."
        raise ConfigError(
            f"{folder.path} holds a run with other settings:\n  "
            + "\n  ".join(changed)
            + f"\n{fix}"
        )
    if replans:
        folder.update_manifest(command=command)
    return own


def _check_plannable(
    config: RunConfig, folder: RunFolder, planned: RunConfig | None, *, alone: bool
) -> None:
    """Raise `ConfigError` where nothing can be planned: no clock, no pre-training, training that has begun without this plan, several ranks."""
    if not config.parsed_budget.is_clock:
        raise ConfigError(
            f"a plan says what a time buys, and the budget is {config.budget}; give a time, such as --budget 3h"
        )
    if config.train.finetune_share == 1:
        raise ConfigError(
            "a plan is for pre-training, and train.finetune_share 1.0 leaves it no time; give a smaller share"
        )
    if folder.has_trained and planned is None:
        record = read_plan(folder)
        changed = (
            differences(comparable(record["asked"]), comparable(to_plain(config)))
            if record
            else ["it was not planned"]
        )
        raise ConfigError(
            f"{folder.path} has begun to train, and not by a plan from these settings:\n  "
            + "\n  ".join(changed)
            + "\n"
            f"Go on with it by --config {folder.config} --out {folder.path}, without --plan, or give another --out for a new run."
        )
    if planned is None and not alone:
        raise ConfigError(
            f"a plan is made by one process: corpus plan with the same settings and --out {folder.path}, then this again"
        )


def planned_config(config: RunConfig, folder: RunFolder) -> RunConfig | None:
    """Return what an earlier plan in this folder made of the same config, or None."""
    record = read_plan(folder)
    if record is None or comparable(record["asked"]) != comparable(to_plain(config)):
        return None
    try:
        return from_plain(RunConfig, record["config"], where=folder.plan.name)
    except ConfigError as error:
        raise ArtifactError(
            f"{folder.plan} is not a plan of this version ({error}). {_PLAN_FIX}"
        ) from None


PLAN_FORMAT = 1

_PLAN_FIX = "Delete it and plan again; a run that has begun to train goes on with --config and its own config.json."


def read_plan(folder: RunFolder) -> dict[str, Any] | None:
    """Return a folder's plan.json, or None where there is none. Raises `ArtifactError` where it is damaged."""
    if not folder.plan.exists():
        return None
    plain = read_json(folder.plan, fix=_PLAN_FIX)
    whole = isinstance(plain, dict) and plain.get("format") == PLAN_FORMAT
    if not whole or not all(
        isinstance(plain.get(name), dict) for name in ("asked", "config", "basis")
    ):
        raise ArtifactError(f"{folder.plan} is not a plan of this version. {_PLAN_FIX}")
    return plain


def comparable(plain: dict[str, Any]) -> dict[str, Any]:
    """Return a config in the form in which equal ones are equal: complete, its budget in one spelling, and with the whole path of its data.

    How many programs are decoded together is left out: it is a matter of memory, and a run that had too little is to go on with fewer.
    """
    plain = _with_whole_path(_with_one_spelling(_completed(plain)))
    group = plain.get("evaluate")
    kept = (
        {name: value for name, value in group.items() if name != "batch_size"}
        if isinstance(group, dict)
        else group
    )
    return plain | ({"evaluate": kept} if "evaluate" in plain else {})


def _read_own(folder: RunFolder) -> dict[str, Any]:
    """Read a folder's config.json. Raises `ConfigError` where it is not the config of a run: it would be replaced."""
    plain = read_json(folder.config, fix=_FIX)
    if not isinstance(plain, dict) or "recipe" not in plain:
        raise ConfigError(
            f"{folder.config} is not the config of a run, and would be replaced. {_FIX}"
        )
    return plain


def _completed(there: dict[str, Any]) -> dict[str, Any]:
    """Return a config as it is read today: settings that are newer than the file have their defaults."""
    try:
        return to_plain(from_plain(RunConfig, there))
    except ConfigError:  # then it differs anyway, and the differences say how
        return there


def _with_one_spelling(plain: dict[str, Any]) -> dict[str, Any]:
    """Return the config with its budget written one way, so that `60m` and `1h` are no difference."""
    try:
        budget = parse_budget(plain["budget"])
    except (KeyError, ConfigError):
        return plain
    with contextlib.suppress(ConfigError):
        if parse_budget(str(budget)) == budget:  # as people write it, where that says it all
            return {**plain, "budget": str(budget)}
    return {**plain, "budget": f"{budget.amount!r} {budget.kind}"}


def _with_whole_path(plain: dict[str, Any]) -> dict[str, Any]:
    """Return the config with the data folder's path written out, so that two spellings of it are no difference."""
    group = plain.get("prepare")
    data = group.get("data") if isinstance(group, dict) else None
    if not isinstance(group, dict) or not isinstance(data, str):
        return plain
    return {**plain, "prepare": {**group, "data": whole_path(data)}}


def load_config(folder: RunFolder) -> RunConfig:
    """Read a run's config. Raises `ArtifactError` where the folder is no run, `ConfigError` where the file does not fit."""
    path = folder.require().config
    return from_plain(RunConfig, read_json(path, fix=_FIX), where=path.name)


def choose_method(
    config: RunConfig, folder: RunFolder, *, method: str | None, learning_rate: float | None
) -> RunConfig:
    """Return the config with another way to fine-tune, and write it into the folder; None keeps what the config says.

    Raises `ConfigError` where that would be another one than the run was fine-tuned by, or has begun to be.
    """
    settings = (
        config.finetune
        if method is None
        else from_plain(FinetuneConfig, {**to_plain(config.finetune), "method": method})
    )
    if learning_rate is not None:
        group = "adapter" if settings.has_adapters else "schedule"
        settings = dataclasses.replace(
            settings,
            **{group: dataclasses.replace(getattr(settings, group), learning_rate=learning_rate)},
        )
    changed = differences(to_plain(config.finetune), to_plain(settings), where="finetune")
    if not changed:
        return config
    if folder.final_weights.exists() or any(folder.checkpoints.glob("finetune-*")):
        raise ConfigError(
            f"{folder.path} has begun to be fine-tuned with other settings:\n  "
            + "\n  ".join(changed)
            + "\n"
            "Fine-tune a copy of the run that was made after corpus pretrain and before this; or prepare and pretrain another with the same settings."
        )
    require_packages(settings.method)
    if settings.has_adapters and not folder.pretrained_weights.exists():
        raise ArtifactError(
            f"{folder.path} is not pre-trained yet, and adapters need that; run `corpus pretrain` on it first"
        )
    config = dataclasses.replace(config, finetune=settings)
    if folder.writes:
        write_json(folder.config, to_plain(config))
    say(f"{folder.config} now says " + ", ".join(changed))
    return config


def read_config(path: Path, recipe: str | None = None) -> RunConfig:
    """Read a config file, as each run writes it; what it leaves out has the recipe's value.

    `recipe` is the recipe asked for, None to go by the file. Raises `ConfigError` where neither names one, or each another.
    """
    plain = read_json(
        path,
        fix="Give the config.json of an earlier run, or one that `corpus recipes RECIPE` prints.",
    )
    named = plain.get("recipe") if isinstance(plain, dict) else None
    if recipe and named and named != recipe:
        raise ConfigError(
            f"{path} is a config of the recipe {named!r}, and {recipe!r} was asked for; give one of the two"
        )
    if recipe is None and not isinstance(named, str):
        raise ConfigError(
            f'{path} names no recipe; name one before the options, or write "recipe" into the file'
        )
    return from_plain(RunConfig, _merged(load_recipe(recipe or str(named)), plain), where=path.name)


def _merged(base: Any, over: Any) -> Any:
    """Return `base` as plain values with those of `over` in their place, group by group; names that only `over` has stay, to be refused."""
    if not (dataclasses.is_dataclass(base) and isinstance(over, dict)):
        return over
    return {
        **to_plain(base),
        **{name: _merged(getattr(base, name, None), value) for name, value in over.items()},
    }
