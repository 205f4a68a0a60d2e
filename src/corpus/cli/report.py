"""`corpus report RUN`: the page that says what a run did."""

from collections.abc import Sequence

from corpus.base.console import say
from corpus.cli.options import parse_folder
from corpus.run.begin import load_config


def main(words: Sequence[str]) -> None:
    """Write report.html and report.md of a run, from what it holds so far."""
    folder = parse_folder(words, "report")
    load_config(folder)
    from corpus.report.report import report

    report(folder.path)
    say(f"report: {folder.path / 'report.html'}")
