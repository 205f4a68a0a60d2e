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
    from corpus.stages.training import Training

    with Training(config, folder, resume_hint=typed_command()) as training:
        training.describe()
        timed(folder, "finetune", training.finetune)
    say(f"next: corpus evaluate {folder.path}")
