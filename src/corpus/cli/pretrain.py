"""`corpus pretrain RUN`: the second stage alone."""

from collections.abc import Sequence

from corpus.cli.options import parse_folder, typed_command


def main(words: Sequence[str]) -> None:
    """Pre-train a prepared run; the training clock goes on from where it stood."""
    folder = parse_folder(words, "pretrain")
    from corpus import pipeline

    pipeline.pretrain(folder, command=typed_command())
