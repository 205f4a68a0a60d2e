"""`corpus plan RECIPE --budget 3h`: what a budget buys on this machine."""

import shlex
from collections.abc import Sequence

from corpus.base.console import say
from corpus.cli.options import parse_run, typed_command


def main(words: Sequence[str]) -> None:
    """Prepare, then choose the model's size, batch and learning rate; `corpus run --plan` trains it."""
    config, folder = parse_run(words, "plan")
    from corpus import pipeline

    pipeline.plan(config, folder, command=typed_command())
    say(f"next: corpus run {shlex.join(words)} --plan")
