"""`corpus evaluate RUN`: scores, on the run's own held-out data or on files of yours."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from corpus.cli.options import parse
from corpus.config.rope import Reach
from corpus.run.folder import RunFolder


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
    """Score a run; its own scores are replaced only when its own problems are scored, as it was trained."""
    options = parse(Options, words, command="evaluate")
    from corpus import pipeline
    from corpus.evaluate.request import Request

    request = Request(
        folder=RunFolder(options.run),
        problems=options.problems,
        output_file=options.output,
        text=options.text,
        overlap=options.overlap,
        reach=options.model,
        in_int8=options.weights == "int8",
    )
    pipeline.evaluate(request)
