"""`corpus run RECIPE`: the whole job, and its continuation."""

from collections.abc import Sequence

from corpus.cli.options import parse_planned_run, typed_command


def main(words: Sequence[str]) -> None:
    """Run every stage; stages that are done are skipped."""
    config, folder, plan = parse_planned_run(words, "run")
    from corpus import pipeline

    pipeline.run(config, folder, command=typed_command(), with_plan=plan)
