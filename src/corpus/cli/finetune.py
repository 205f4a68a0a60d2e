"""`corpus finetune RUN`: the third stage alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from corpus.cli.options import parse, typed_command
from corpus.run.folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Options:
    """Fine-tune a pre-trained run on its problems."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder."""

    method: Literal["full", "lora", "qlora"] | None = None
    """In place of the config's finetune.method, and from then on in its config.json; may change until fine-tuning has begun."""

    learning_rate: float | None = None
    """The same for the peak of the method's learning rate."""


def main(words: Sequence[str]) -> None:
    """Fine-tune a pre-trained run on its problems, to the end of the budget."""
    options = parse(Options, words, command="finetune")
    from corpus import pipeline

    pipeline.finetune(
        RunFolder(options.run),
        command=typed_command(),
        method=options.method,
        learning_rate=options.learning_rate,
    )
