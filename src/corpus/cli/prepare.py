"""`corpus prepare RECIPE`: the first stage alone."""

from collections.abc import Sequence

from corpus.base.console import say
from corpus.base.lock import claimed
from corpus.cli.options import parse_run, typed_command


def main(words: Sequence[str]) -> None:
    """Prepare text and problems in a run folder, ready for `corpus pretrain`."""
    config, folder = parse_run(words, "prepare")
    from corpus.pipeline import timed
    from corpus.stages.begin import begin_run
    from corpus.stages.prepare import prepare_run

    with claimed(folder):
        config = begin_run(config, folder, command=typed_command())
        timed(folder, "prepare", lambda: prepare_run(config, folder))
    say(f"next: corpus pretrain {folder.path}")
