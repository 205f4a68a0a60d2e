"""`corpus report RUN`: the page that says what a run did."""

from collections.abc import Sequence

from corpus.base.console import say
from corpus.cli.stage import open_run


def main(words: Sequence[str]) -> None:
    """Write report.html and report.md of a run, from what it holds so far."""
    _, folder = open_run(words, "report")
    from corpus.report.report import report

    report(folder.path)
    say(f"report: {folder.path / 'report.html'}")
