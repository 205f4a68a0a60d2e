"""`corpus prepare RECIPE`: the first stage alone."""

from collections.abc import Sequence

from corpus.cli.options import parse_run, typed_command


def main(words: Sequence[str]) -> None:
    """Prepare text and problems in a run folder, ready for `corpus pretrain`."""
    config, folder = parse_run(words, "prepare")
    from corpus import pipeline

    pipeline.prepare(config, folder, command=typed_command())
