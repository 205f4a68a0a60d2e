"""`corpus finetune RUN`: the third stage alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from corpus.base.console import say
from corpus.base.lock import claimed
from corpus.base.run_folder import RunFolder
from corpus.cli.options import parse, typed_command
from corpus.stages.begin import choose_method, load_config


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
    folder = RunFolder(options.run)
    config = load_config(folder)
    from corpus.pipeline import timed
    from corpus.runtime.ranks import joined
    from corpus.stages.training import Training

    with joined() as ranks:
        own = ranks.folder(folder)
        with claimed(own):
            config = choose_method(
                config, own, method=options.method, learning_rate=options.learning_rate
            )
            if folder.final_weights.exists():
                say(f"{folder.path} is fine-tuned already; next: corpus evaluate {folder.path}")
                return
            with Training(config, own, resume_hint=typed_command(), ranks=ranks) as training:
                training.describe()
                timed(own, "finetune", training.finetune)
    say(f"next: corpus evaluate {folder.path}")
