"""`corpus finetune RUN`: the third stage alone."""

from collections.abc import Sequence

from corpus.base.console import say
from corpus.cli.options import typed_command
from corpus.cli.stage import open_run


def main(words: Sequence[str]) -> None:
    """Fine-tune a pre-trained run on its problems, to the end of the budget."""
    config, folder = open_run(words, "finetune")
    if folder.final_weights.exists():
        say(f"{folder.path} is fine-tuned already; next: corpus evaluate {folder.path}")
        return
    from corpus.pipeline import timed
    from corpus.runtime.ranks import joined
    from corpus.stages.training import Training

    with joined() as ranks:
        own = ranks.folder(folder)
        with Training(config, own, resume_hint=typed_command(), ranks=ranks) as training:
            training.describe()
            timed(own, "finetune", training.finetune)
    say(f"next: corpus evaluate {folder.path}")
