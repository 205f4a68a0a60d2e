"""Options that several commands share, and how a command line becomes a run's config."""

import dataclasses
import itertools
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import tyro

from corpus.base.errors import ConfigError
from corpus.config.run import RunConfig
from corpus.recipes.registry import RECIPES, load_recipe
from corpus.run.begin import read_config
from corpus.run.folder import RunFolder

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where a run's data comes from and where the run goes; every setting of the recipe can be overridden below."""

    settings: Annotated[RunConfig, tyro.conf.arg(name="")]
    """The recipe's settings."""

    data: str | None = None
    """A folder of text and problems, `hub`, `hub:OWNER/NAME`, or `starter` (short for --prepare.data)."""

    out: Path | None = None
    """The run folder; runs/RECIPE where not given."""

    config: Path | None = None
    """A config file, such as the config.json of an earlier run: stronger than the recipe, weaker than the options."""


@dataclass(frozen=True, kw_only=True)
class PlannedRunOptions(RunOptions):
    """Where a run's data comes from and where the run goes; every setting of the recipe can be overridden below."""

    plan: bool = False
    """Let the planner choose the model's size, the batch and the learning rate for the budget on this machine, as `corpus plan` shows them."""


def parse(kind: type[T], words: Sequence[str], *, command: str, default: T | None = None) -> T:
    """Parse a command's options; a wrong flag ends the program with a message that names the nearest one."""
    description = (kind.__doc__ or "").strip()
    config = (tyro.conf.FlagConversionOff, tyro.conf.SuppressFixed)
    if default is None:
        return tyro.cli(
            kind, args=list(words), prog=f"corpus {command}", description=description, config=config
        )
    return tyro.cli(
        kind,
        args=list(words),
        prog=f"corpus {command}",
        description=description,
        default=default,
        config=config,
    )


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """Run one stage of a run whose earlier stages are done."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder."""


def parse_folder(words: Sequence[str], command: str) -> RunFolder:
    """Parse `RUN` and return the run's folder."""
    return RunFolder(parse(FolderOptions, words, command=command).run)


def parse_run(words: Sequence[str], command: str) -> tuple[RunConfig, RunFolder]:
    """Turn `RECIPE [--config FILE] [OPTIONS]` into a config and a run folder.

    The order of precedence is recipe, then `--config`, then the options. Raises `ConfigError` where no recipe is named.
    """
    config, folder, _ = _parse_run(words, command, RunOptions)
    return config, folder


def parse_planned_run(words: Sequence[str], command: str) -> tuple[RunConfig, RunFolder, bool]:
    """The same, with whether `--plan` was given."""
    following = [*words[1:], ""]
    words = [
        "--plan=True" if word == "--plan" and after not in ("True", "False") else word
        for word, after in zip(words, following)
    ]
    config, folder, options = _parse_run(words, command, PlannedRunOptions)
    return config, folder, isinstance(options, PlannedRunOptions) and options.plan


def _parse_run(
    words: Sequence[str], command: str, kind: type[RunOptions]
) -> tuple[RunConfig, RunFolder, RunOptions]:
    words = list(words)
    if "--out=" in words or ("--out", "") in itertools.pairwise(words):
        raise ConfigError("--out is empty; give the run folder, such as --out runs/first")
    wants_help = any(word in ("-h", "--help") for word in words)
    name = words.pop(0) if words and not words[0].startswith("-") else None
    named, file = name, _take_config_file(words)
    if name is None and file is None:
        if wants_help:
            name = "starter"
        else:
            raise ConfigError(
                f"corpus {command} needs a recipe: {', '.join(RECIPES)} (corpus recipes says what each is for), or --config FILE"
            )
    base = read_config(file, name) if file else load_recipe(name or "")
    shown = f"{command} {named or 'RECIPE'}"
    options = parse(kind, words, command=shown, default=kind(settings=base))
    config = options.settings
    if options.data is not None:
        config = dataclasses.replace(
            config, prepare=dataclasses.replace(config.prepare, data=options.data)
        )
    return config, RunFolder(options.out or Path("runs") / config.recipe), options


def _take_config_file(words: list[str]) -> Path | None:
    """Take `--config FILE` out of `words`: it is read first, for its values are the other options' defaults."""
    for index, word in enumerate(words):
        if word == "--config":
            if index + 1 == len(words):
                raise ConfigError(
                    "--config needs a file, such as the config.json of an earlier run"
                )
            file = words[index + 1]
            del words[index : index + 2]
            return Path(file)
        if word.startswith("--config="):
            del words[index]
            return Path(word.removeprefix("--config="))
    return None


def typed_command() -> str:
    """Return the command as it was typed, to be typed again."""
    program = Path(sys.argv[0]).name
    script = ["python", sys.argv[0]] if program.endswith(".py") else [program]
    first = ["python", "-m", "corpus"] if program == "__main__.py" else script
    return shlex.join([*first, *sys.argv[1:]])
