"""`corpus pretrain RUN`: the second stage alone."""

from collections.abc import Sequence

from corpus.base.console import say
from corpus.base.lock import claimed
from corpus.cli.options import typed_command
from corpus.cli.stage import open_run


def main(words: Sequence[str]) -> None:
    """Pre-train a prepared run; the training clock goes on where it stood."""
    config, folder = open_run(words, "pretrain")
    if folder.pretrained_weights.exists():
        say(f"{folder.path} is pre-trained already; next: corpus finetune {folder.path}")
        return
    from corpus.pipeline import timed
    from corpus.runtime.ranks import joined
    from corpus.stages.training import Training

    with joined() as ranks:
        own = ranks.folder(folder)
        with (
            claimed(own),
            Training(config, own, resume_hint=typed_command(), ranks=ranks) as training,
        ):
            training.describe()
            timed(own, "pretrain", training.pretrain)
    say(f"next: corpus finetune {folder.path}")
