"""`corpus solve RUN PROBLEM`: one problem, step by step."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from corpus.base.console import say
from corpus.base.errors import ConfigError, DataError
from corpus.cli.options import parse
from corpus.config.rope import Reach
from corpus.run.begin import load_config
from corpus.run.folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Options:
    """Solve one problem with a run's model: the program it writes, each step with its value, the answer."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder."""

    problem: Annotated[str, tyro.conf.Positional]
    """The problem, in quotes; `-` reads it from standard input."""

    options: str = ""
    """Possible answers, such as "a ) 40 , b ) 60 , c ) 80"; the nearest is chosen."""

    programs: int = 8
    """How many programs vote on the answer, the likeliest; 1 writes a single one, the likeliest symbol each time."""

    model: Reach = field(default_factory=Reach)
    """How far the model reads, where not as trained."""

    weights: Literal["fp32", "int8"] = "fp32"
    """`int8` solves with the weights rounded to 8 bits, in a quarter of the memory."""


def main(words: Sequence[str]) -> None:
    """Solve one problem and print how."""
    options = parse(Options, words, command="solve")
    if options.programs < 1:
        raise ConfigError(f"--programs is {options.programs}; expected 1 or more")
    config = load_config(RunFolder(options.run))
    text = _read(options.problem)
    from corpus.solve.show import show_solution

    folder, in_int8 = RunFolder(options.run), options.weights == "int8"
    how = {"programs": options.programs, "reach": options.model, "in_int8": in_int8}
    for line in show_solution(config, folder, text, options.options, **how):
        say(line)


def _typed_in() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"standard input is not UTF-8 text ({error.reason} at byte {error.start}); convert it first: iconv -f latin1 -t utf-8"
        ) from None


def _read(problem: str) -> str:
    text = _typed_in() if problem == "-" else problem
    if not text.strip():
        raise DataError(
            'the problem is empty; write it in quotes: corpus solve RUN "what is 20 percent of 50 ?"'
        )
    return text
