"""`corpus plan RECIPE --budget 3h`: what a budget buys on this machine."""

import shlex
from collections.abc import Sequence

from corpus.base.console import say
from corpus.base.errors import ConfigError
from corpus.base.lock import claimed
from corpus.cli.options import parse_run, typed_command


def main(words: Sequence[str]) -> None:
    """Prepare text and problems, then choose the model's size, batch and learning rate for the budget; `corpus run --plan` trains it."""
    config, folder = parse_run(words, "plan")
    from corpus.pipeline import timed
    from corpus.runtime.ranks import joined
    from corpus.stages.begin import begin_run
    from corpus.stages.plan import plan_run
    from corpus.stages.prepare import prepare_run

    with joined() as ranks:
        if not ranks.is_alone:
            raise ConfigError(
                "a plan is made by one process: give the same command without torchrun"
            )
    with claimed(folder):
        config = begin_run(config, folder, command=typed_command(), plan=True)
        timed(folder, "prepare", lambda: prepare_run(config, folder))
        timed(folder, "plan", lambda: plan_run(config, folder, command=typed_command()))
    say(f"next: corpus run {shlex.join(words)} --plan")
