"""What the commands that take a run folder share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from corpus.base.run_folder import RunFolder
from corpus.cli.options import parse
from corpus.recipes.config import RunConfig
from corpus.stages.begin import load_config


@dataclass(frozen=True, kw_only=True)
class StageOptions:
    """Run one stage of a run whose earlier stages are done."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder."""


def open_run(words: Sequence[str], command: str) -> tuple[RunConfig, RunFolder]:
    """Parse `RUN` and return its config and folder."""
    folder = RunFolder(parse(StageOptions, words, command=command).run)
    return load_config(folder), folder
