"""A run's config: written when the run begins or is planned, then read by every stage.

A run that has begun never changes its config silently.
"""

import contextlib
import dataclasses
import datetime
from pathlib import Path
from typing import Any

from corpus.base.console import say
from corpus.base.errors import ArtifactError, ConfigError
from corpus.base.files import digest_json, read_json, write_json
from corpus.base.plain import differences, from_plain, to_plain
from corpus.base.units import parse_budget
from corpus.base.version import identify
from corpus.config.aliases import rename_settings
from corpus.config.finetune import FinetuneConfig
from corpus.config.prepare import data_name, whole_path
from corpus.config.run import RunConfig
from corpus.recipes.registry import load_recipe
from corpus.run.folder import RunFolder
from corpus.run.packages import require_packages

BEFORE_PLANNING = ("recipe", "seed", "prepare", "problems")
"""The settings that a plan depends on; all others can change until training begins."""

PLAN_FORMAT = 1

_FIX = "Restore it from a copy, or give another --out for a new run."
_PLAN_FIX = (
    "Delete it and plan again; a run that has begun to train resumes with --config and its own "
    "config.json."
)


def begin_run(
    config: RunConfig, folder: RunFolder, *, command: str, plan: bool = False, alone: bool = True
) -> RunConfig:
    """Write the config into a new run folder, or check that it equals the one there.

    A folder in which no stage has written anything (its data was not found, say) takes the new
    config. The config holds the absolute path of the data, so a run can be resumed from any folder.
    With `plan`, only the settings of `BEFORE_PLANNING` must be equal until training begins, and the
    folder keeps its config until the plan is made; then the planned config is returned. With
    several ranks (not `alone`) the plan must exist already.

    Raises:
        ConfigError: the folder holds a run with another config; every difference is named.
        ArtifactError: the folder holds a run without its config.json.
    """
    data = whole_path(config.prepare.data)
    config = dataclasses.replace(config, prepare=dataclasses.replace(config.prepare, data=data))
    planned = planned_config(config, folder) if plan or folder.config.exists() else None
    if plan:
        _check_plannable(config, folder, planned, alone=alone)
    own = planned if plan and folder.has_trained and planned else config
    plain = to_plain(own)
    there = _read_own(folder) if folder.config.exists() else None
    written = (folder.prepared, folder.problems, folder.checkpoints, folder.weights)
    if not any(place.exists() for place in written):
        write_json(folder.config, plain)
        today = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        folder.update_manifest(
            **identity(own, folder), recipe=config.recipe, date=today, command=command
        )
        return own
    if there is None:
        raise ArtifactError(f"{folder.path} holds a run without its config.json. {_FIX}")
    before, now = comparable(there), comparable(plain)
    replans = plan and not folder.has_trained
    if replans:
        before, now = ({name: each.get(name) for name in BEFORE_PLANNING} for each in (before, now))
    if changed := differences(before, now):
        fix = "Use the same settings to resume it, or another --out for a new run."
        if planned is not None and not plan:
            fix = (
                "It was planned from the settings you gave: add --plan to corpus run to resume "
                "it, or give another --out for a new run."
            )
        raise ConfigError(
            f"{folder.path} holds a run with other settings:\n{_listed(changed)}\n{fix}"
        )
    if replans:
        folder.update_manifest(command=command)
    return own


def identity(config: RunConfig, folder: RunFolder) -> dict[str, Any]:
    """Return what tells a run from others: its name, seed, the digest of its config, and the
    version and commit of Corpus.
    """
    return {
        "name": folder.path.resolve().name,
        "seed": config.seed,
        "config_digest": digest_json(comparable(to_plain(config))),
        **identify(),
    }


def _check_plannable(
    config: RunConfig, folder: RunFolder, planned: RunConfig | None, *, alone: bool
) -> None:
    """Raise `ConfigError` if nothing can be planned: the budget is not a time, there is no
    pre-training, training has begun without this plan, or there are several ranks.
    """
    if not config.parsed_budget.is_clock:
        raise ConfigError(
            f"a plan needs a time budget, but the budget is {config.budget}; give a time, such as "
            "--budget 3h"
        )
    if config.train.finetune_share == 1:
        raise ConfigError(
            "a plan chooses a model for pre-training, but train.finetune_share 1.0 leaves no time "
            "for it; give a smaller share"
        )
    if folder.has_trained and planned is None:
        record = read_plan(folder)
        changed = ["it was not planned"]
        if record:
            changed = differences(comparable(record["asked"]), comparable(to_plain(config)))
        raise ConfigError(
            f"{folder.path} has already begun training, without a plan from these "
            f"settings:\n{_listed(changed)}\nResume it with --config {folder.config} --out "
            f"{folder.path} and without --plan, or give another --out for a new run."
        )
    if planned is None and not alone:
        raise ConfigError(
            "only a single process can make a plan; first run corpus plan with the same settings "
            f"and --out {folder.path}, then this command again"
        )


def _listed(changed: list[str]) -> str:
    return "\n".join(f"  {line}" for line in changed)


def planned_config(config: RunConfig, folder: RunFolder) -> RunConfig | None:
    """Return the config that an earlier plan in this folder made of `config`, or None."""
    record = read_plan(folder)
    if record is None or comparable(record["asked"]) != comparable(to_plain(config)):
        return None
    try:
        return _from_plain(record["config"], where=folder.plan.name)
    except ConfigError as error:
        raise ArtifactError(
            f"{folder.plan} is not a plan of this version ({error}). {_PLAN_FIX}"
        ) from None


def read_plan(folder: RunFolder) -> dict[str, Any] | None:
    """Return a folder's plan.json, or None. Raises `ArtifactError` if it is damaged."""
    if not folder.plan.exists():
        return None
    plain = read_json(folder.plan, fix=_PLAN_FIX)
    parts = ("asked", "config", "basis")
    is_plan = isinstance(plain, dict) and plain.get("format") == PLAN_FORMAT
    if not is_plan or not all(isinstance(plain.get(name), dict) for name in parts):
        raise ArtifactError(f"{folder.plan} is not a plan of this version. {_PLAN_FIX}")
    return plain


def comparable(plain: dict[str, Any]) -> dict[str, Any]:
    """Return a plain config in a form that is equal for configs with equal results.

    Missing settings have their defaults, the budget one spelling, the data the name of its folder:
    its content is compared when it is prepared. `evaluate.batch_size` is left out: it only decides
    how much memory scoring takes.
    """
    plain = _with_name_of_data(_with_one_spelling(_completed(plain)))
    group = plain.get("evaluate")
    if not isinstance(group, dict):
        return plain
    kept = {name: value for name, value in group.items() if name != "batch_size"}
    return {**plain, "evaluate": kept}


def _read_own(folder: RunFolder) -> dict[str, Any]:
    """Read a folder's config.json. Raises `ConfigError` if it is not the config of a run."""
    plain = read_json(folder.config, fix=_FIX)
    if not isinstance(plain, dict) or "recipe" not in plain:
        raise ConfigError(
            f"{folder.config} is not the config of a run; it would be replaced. {_FIX}"
        )
    return plain


def _completed(there: dict[str, Any]) -> dict[str, Any]:
    """Return a config with defaults for the settings that are newer than the file."""
    try:
        return to_plain(_from_plain(there))
    except ConfigError:  # then it differs anyway, and the differences say how
        return there


def _with_one_spelling(plain: dict[str, Any]) -> dict[str, Any]:
    """Return the config with one spelling of its budget, so that `60m` equals `1h`."""
    try:
        budget = parse_budget(plain["budget"])
    except (KeyError, ConfigError):
        return plain
    with contextlib.suppress(ConfigError):
        if parse_budget(str(budget)) == budget:  # the short form, unless it is rounded
            return {**plain, "budget": str(budget)}
    return {**plain, "budget": f"{budget.amount!r} {budget.kind}"}


def _with_name_of_data(plain: dict[str, Any]) -> dict[str, Any]:
    """Return the config with the name of its data folder, wherever it is."""
    group = plain.get("prepare")
    data = group.get("data") if isinstance(group, dict) else None
    if not isinstance(group, dict) or not isinstance(data, str):
        return plain
    return {**plain, "prepare": {**group, "data": data_name(data)}}


def load_config(folder: RunFolder) -> RunConfig:
    """Read a run's config. Raises `ArtifactError` if the folder is not a run, `ConfigError` if the
    file does not fit.
    """
    path = folder.require().config
    return _from_plain(read_json(path, fix=_FIX), where=path.name)


def _from_plain(plain: Any, *, where: str = "config") -> RunConfig:
    return from_plain(RunConfig, rename_settings(plain, where=where), where=where)


def choose_method(
    config: RunConfig, folder: RunFolder, *, method: str | None, learning_rate: float | None
) -> RunConfig:
    """Change how a run is fine-tuned, and write that into its config.json; None changes nothing.

    Raises `ConfigError` if the run's fine-tuning has begun with other settings.
    """
    settings = config.finetune
    if method is not None:
        settings = from_plain(FinetuneConfig, {**to_plain(settings), "method": method})
    if learning_rate is not None:
        group = "adapter" if settings.has_adapters else "schedule"
        changed = dataclasses.replace(getattr(settings, group), learning_rate=learning_rate)
        settings = dataclasses.replace(settings, **{group: changed})
    changed = differences(to_plain(config.finetune), to_plain(settings), where="finetune")
    if not changed:
        return config
    if folder.final_weights.exists() or any(folder.checkpoints.glob("finetune-*")):
        raise ConfigError(
            f"{folder.path} has begun fine-tuning with other settings:\n{_listed(changed)}\n"
            "Fine-tune a copy of the run that was made before fine-tuning began, or prepare and "
            "pre-train another run with the same settings."
        )
    require_packages(settings.method)
    if settings.has_adapters and not folder.pretrained_weights.exists():
        raise ArtifactError(
            f"{folder.path} is not pre-trained yet, and adapters need pre-trained weights; run "
            "`corpus pretrain` on it first"
        )
    config = dataclasses.replace(config, finetune=settings)
    if folder.writes:
        write_json(folder.config, to_plain(config))
    say(f"{folder.config} changed: {', '.join(changed)}")
    return config


def read_config(path: Path, recipe: str | None = None) -> RunConfig:
    """Read a config file; settings that it leaves out take the recipe's values.

    Raises `ConfigError` if neither the file nor `recipe` names a recipe, or they disagree.
    """
    fix = "Give the config.json of an earlier run, or one that `corpus recipes RECIPE` prints."
    plain = rename_settings(read_json(path, fix=fix), where=path.name)
    named = plain.get("recipe") if isinstance(plain, dict) else None
    if recipe and named and named != recipe:
        raise ConfigError(
            f"{path} is a config of the recipe {named!r}, but the command names {recipe!r}; leave "
            "the recipe out, or give another file"
        )
    if recipe is None and not isinstance(named, str):
        raise ConfigError(
            f'{path} has no recipe; give one before the options, or add "recipe" to the file'
        )
    return from_plain(RunConfig, _merged(load_recipe(recipe or str(named)), plain), where=path.name)


def _merged(base: Any, over: Any) -> Any:
    """Return `base` as plain values, replaced by those of `over` group by group.

    Names that only `over` has are kept, so that reading the result refuses them.
    """
    if not (dataclasses.is_dataclass(base) and isinstance(over, dict)):
        return over
    return {
        **to_plain(base),
        **{name: _merged(getattr(base, name, None), value) for name, value in over.items()},
    }
