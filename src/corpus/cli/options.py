"""Options that several commands share, and how a command line becomes a run's config."""

import dataclasses
import functools
import itertools
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import tyro

from corpus.base.errors import ConfigError
from corpus.cli.main import COMMANDS
from corpus.config.aliases import rename_flags
from corpus.config.run import RunConfig
from corpus.recipes.registry import RECIPES, load_recipe
from corpus.run.begin import read_config
from corpus.run.folder import RunFolder

T = TypeVar("T")
RunT = TypeVar("RunT", bound="RunOptions")


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """All that it needs is in the run folder."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options below override the settings of the recipe."""

    settings: Annotated[RunConfig, tyro.conf.arg(name="")]
    """The recipe's settings."""

    data: str | None = None
    """A folder of text and problems, hub, hub:OWNER/NAME, or starter.
    Short for --prepare.data."""

    out: Path | None = None
    """The run folder. None: runs/RECIPE."""

    config: Path | None = None
    """A config file, such as the config.json of an earlier run.
    It overrides the recipe, and the options override it."""

    @property
    def folder(self) -> RunFolder:
        """The run folder."""
        return RunFolder(self.out or Path("runs") / self.settings.recipe)


@dataclass(frozen=True, kw_only=True)
class PlannedRunOptions(RunOptions):
    """Stages that are done are skipped, so the same command resumes a run. The options below
    override the settings of the recipe."""

    plan: bool = False
    """Let `corpus plan` choose model size, batch and learning rate for the budget first."""


def parse(kind: type[T], words: Sequence[str], *, command: str, default: T | None = None) -> T:
    """Parse a command's options; a wrong flag ends the program and names the nearest one."""
    what, details = COMMANDS[command.split()[0]], " ".join((kind.__doc__ or "").split())
    cli = functools.partial(
        tyro.cli,
        kind,
        args=list(words),
        prog=f"corpus {command}",
        description=f"{what[0].upper()}{what[1:]}. {details}",
        config=(tyro.conf.FlagConversionOff, tyro.conf.SuppressFixed),
    )
    return cli() if default is None else cli(default=default)


def parse_run(kind: type[RunT], words: Sequence[str], *, command: str) -> RunT:
    """Parse `RECIPE [--config FILE] [OPTIONS]`: options override the file, the file the recipe.

    Raises `ConfigError` if neither the words nor the file name a recipe.
    """
    words = with_flags(rename_flags(words), "--plan")
    if "--out=" in words or ("--out", "") in itertools.pairwise(words):
        raise ConfigError("--out is empty; give the run folder, such as --out runs/first")
    name = words.pop(0) if words and not words[0].startswith("-") else None
    shown = f"{command} {name or 'RECIPE'}"
    file = _take_config_file(words)
    if name is None and file is None:
        if not {"-h", "--help"} & set(words):
            raise ConfigError(
                f"corpus {command} needs a recipe ({', '.join(RECIPES)}) or --config FILE; "
                "`corpus recipes` describes the recipes"
            )
        name = "starter"
    settings = read_config(file, name) if file else load_recipe(name or "")
    options = parse(kind, words, command=shown, default=kind(settings=settings))
    if options.data is None:
        return options
    prepare = dataclasses.replace(options.settings.prepare, data=options.data)
    settings = dataclasses.replace(options.settings, prepare=prepare)
    return dataclasses.replace(options, settings=settings)


def with_flags(words: Sequence[str], *flags: str) -> list[str]:
    """Write each of `flags` as `FLAG=True`; every other flag takes a value."""
    return [
        f"{word}=True" if word in flags and after not in ("True", "False") else word
        for word, after in zip(words, [*words[1:], ""])
    ]


def _take_config_file(words: list[str]) -> Path | None:
    """Remove `--config FILE` from `words`: its values are the defaults of the other options."""
    for index, word in enumerate(words):
        flag, has_value, value = word.partition("=")
        if flag == "--config":
            end = index + (1 if has_value else 2)
            if end > len(words):
                raise ConfigError("--config needs a file, such as the config.json of another run")
            file = value if has_value else words[index + 1]
            del words[index:end]
            return Path(file)
    return None


def typed_command() -> str:
    """Return the command as it was typed, quoted for a shell."""
    program = Path(sys.argv[0]).name
    script = ["python", sys.argv[0]] if program.endswith(".py") else [program]
    first = ["python", "-m", "corpus"] if program == "__main__.py" else script
    return shlex.join([*first, *sys.argv[1:]])
