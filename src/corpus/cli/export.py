"""`corpus export RUN --to huggingface --output DIR`: the model in the format of other tools."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from corpus.base.console import say
from corpus.cli.options import parse
from corpus.config.rope import Reach
from corpus.run.begin import load_config
from corpus.run.folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Options:
    """Write a run's model as a folder that transformers opens without Corpus."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder."""

    output: Path
    """The folder to write."""

    to: Literal["huggingface"] = "huggingface"
    """The format."""

    model: Reach = field(default_factory=Reach)
    """How far the model reads, where not as trained."""

    phase: Literal["pretrain", "finetune"] = "finetune"
    """The phase of training whose last weights are written: `finetune` (adapters are merged into them), or `pretrain`, what the folder
    `adapter` of a run is loaded on."""


def main(words: Sequence[str]) -> None:
    """Export a run's weights, tokenizer and model card."""
    options = parse(Options, words, command="export")
    folder = RunFolder(options.run)
    config = load_config(folder)
    from corpus.export.export import export_run

    export_run(config, folder, options.output, options.model, phase=options.phase)
    say(f"exported: AutoModelForCausalLM.from_pretrained({str(options.output)!r})")
