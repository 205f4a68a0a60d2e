"""`corpus evaluate RUN`: scores, on the run's own held-out data or on files of yours."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from corpus.base.console import say
from corpus.base.errors import ConfigError
from corpus.base.lock import claimed
from corpus.base.run_folder import RunFolder
from corpus.cli.options import parse
from corpus.model.scaling import Reach
from corpus.stages.begin import load_config


@dataclass(frozen=True, kw_only=True)
class Options:
    """Score a run's final weights. Without --problems: its own held-out problems, into the run's scores.json."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder."""

    problems: tuple[str, ...] = ()
    """Problem files to score instead, each SET=PATH, such as mathqa=data/mathqa/test.json."""

    output: Path | None = None
    """Where the scores go; the run's scores.json where not given and neither --problems nor --model are, else ./scores.json."""

    text: bool | None = None
    """Measure held-out text as well; as the run's evaluate.text says where not given."""

    overlap: bool = True
    """Look for the problems of --problems in what the run was trained on; reads the whole prepared text once for each."""

    model: Reach = field(default_factory=Reach)
    """How far the model reads, where not as trained. Scores then go to --output, never into the run."""

    weights: Literal["fp32", "int8"] = "fp32"
    """`int8` scores the weights rounded to 8 bits, in a quarter of the memory; it needs --output, for the run's own scores are of fp32."""


def main(words: Sequence[str]) -> None:
    """Score a run; the run's own scores and outcomes are replaced only when its own problems are scored as it was trained."""
    options = parse(Options, words, command="evaluate")
    folder = RunFolder(options.run)
    config = load_config(folder)
    from corpus.pipeline import timed
    from corpus.stages.evaluate import evaluate_run, say_scores
    from corpus.stages.problems import evaluation_sets, load_problem_files
    from corpus.stages.scores import holds_scores

    in_int8 = options.weights == "int8"
    if in_int8 and options.output is None:
        raise ConfigError(
            "--weights int8 needs --output FILE: the run's own scores are those of its fp32 weights"
        )
    own = not options.problems and options.model.is_as_trained and not in_int8
    sets = load_problem_files(options.problems) if options.problems else evaluation_sets(folder)
    output = options.output or (folder.scores if own else Path("scores.json"))
    in_run = output.resolve() == folder.scores.resolve()
    outcomes = folder.outcomes if in_run else None
    if not own and in_run:
        raise ConfigError(
            f"{folder.scores} holds the scores of the run as it was trained; give another --output"
        )
    if (
        not in_run
        and RunFolder(output.parent).scores.resolve() == output.resolve()
        and RunFolder(output.parent).config.exists()
    ):
        raise ConfigError(
            f"{output} is for the scores of the run that lies there; give another --output"
        )
    if output.is_file() and not holds_scores(output):
        raise ConfigError(
            f"{output} is there and holds no scores, so it is not replaced; give another --output"
        )

    def work() -> None:
        look = options.overlap and bool(options.problems)
        given = {
            "text": config.evaluate.text if options.text is None else options.text,
            "overlap": look,
            "reach": options.model,
            "in_int8": in_int8,
        }
        say_scores(evaluate_run(config, folder, sets, output=output, outcomes=outcomes, **given))

    if in_run:
        with claimed(folder):
            timed(folder, "evaluate", work)
    else:
        work()
    say(f"scores: {output}")
