"""What a study says on the console: what it is, and what can be concluded."""

from corpus.base.console import say
from corpus.base.units import format_count
from corpus.study.design import Study
from corpus.study.folder import StudyFolder
from corpus.study.rows import read_rows


def describe(study: Study) -> None:
    """Say what a study trains, and what it can find, before any time is spent."""
    shape = study.config.model
    say(
        f"study      {len(study.orders)} orders, {study.seeds} seeds, schedules "
        f"{' and '.join(study.schedules)}: {len(study.items)} runs of "
        f"{format_count(study.num_tokens)} tokens, model of "
        f"{format_count(shape.num_parameters)} parameters"
    )


def say_verdicts(study: Study, folder: StudyFolder) -> None:
    """Print a table of the orders, and what can be concluded of each."""
    for row in read_rows(study, folder):
        say(f"{row['run']:<30} {row['loss']:.4f}")
