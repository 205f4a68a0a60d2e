"""Every command of `corpus`: a few lines each, which read the options and call the pipeline.

A command is a function here and a line in `main.COMMANDS`; `benchmark` and `compare` have files of
their own. Nothing here loads torch.
"""

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Literal

import tyro

from corpus import pipeline
from corpus.base.console import say
from corpus.base.errors import ConfigError, DataError
from corpus.base.plain import to_plain
from corpus.cli.benchmark import benchmark as benchmark
from corpus.cli.compare import compare as compare
from corpus.cli.options import (
    FolderOptions,
    PlannedRunOptions,
    RunOptions,
    parse,
    parse_run,
    typed_command,
)
from corpus.config.evaluate import EvaluateConfig
from corpus.config.rope import Reach
from corpus.config.run import RunConfig
from corpus.problems.overlap import NGRAM, SHARE
from corpus.recipes.registry import RECIPES, load_recipe
from corpus.run.begin import load_config
from corpus.run.folder import RunFolder


def run(words: Sequence[str]) -> None:
    """Run every stage; stages that are done are skipped."""
    options = parse_run(PlannedRunOptions, words, command="run")
    pipeline.run(options.settings, options.folder, command=typed_command(), with_plan=options.plan)


def plan(words: Sequence[str]) -> None:
    """Prepare, then plan; `corpus run --plan` trains what was planned."""
    options = parse_run(RunOptions, words, command="plan")
    pipeline.plan(options.settings, options.folder, command=typed_command())
    say(f"next: corpus run {shlex.join(words)} --plan")


def prepare(words: Sequence[str]) -> None:
    """Run the first stage alone."""
    options = parse_run(RunOptions, words, command="prepare")
    pipeline.prepare(options.settings, options.folder, command=typed_command())


def pretrain(words: Sequence[str]) -> None:
    """Run the second stage alone."""
    options = parse(FolderOptions, words, command="pretrain")
    pipeline.pretrain(RunFolder(options.run), command=typed_command())


@dataclass(frozen=True, kw_only=True)
class FinetuneOptions(FolderOptions):
    """The training problems are those of the run, and training goes on to the end of the budget."""

    method: Literal["full", "lora", "qlora"] | None = None
    """Replaces finetune.method in the run's config.json, until fine-tuning begins."""

    learning_rate: float | None = None
    """Replaces the peak learning rate of the method in the same way."""


def finetune(words: Sequence[str]) -> None:
    """Run the third stage alone."""
    options = parse(FinetuneOptions, words, command="finetune")
    pipeline.finetune(
        RunFolder(options.run),
        command=typed_command(),
        method=options.method,
        learning_rate=options.learning_rate,
    )


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(FolderOptions):
    """Without --problems, the run's own held-out problems are scored, into its scores.json."""

    problems: tuple[str, ...] = ()
    """Problem files to score instead, each as SET=PATH, such as mathqa=data/mathqa/test.json."""

    output: Path | None = None
    """The file for the scores.
    None: ./scores.json with --problems or --model, else the scores.json of the run."""

    text: bool | None = None
    """Measure the loss on held-out text too. None: as evaluate.text of the run says."""

    overlap: bool = True
    """Search the training data for the problems of --problems.
    This reads all prepared text once per set."""

    model: Reach = field(default_factory=Reach)
    """Positions other than the trained ones. The scores then go to --output, not into the run."""

    weights: Literal["fp32", "int8"] = "fp32"
    """int8 rounds the weights to 8 bits, a quarter of the memory.
    It needs --output, because the run's own scores are those of fp32 weights."""

    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    """Settings of scoring, by default the run's. Scores of other settings go to --output, not into
    the run."""


def evaluate(words: Sequence[str]) -> None:
    """Score a run; only its own problems, scored as trained, replace its scores."""
    options = _evaluate_options(words)
    from corpus.evaluate.request import Request

    request = Request(
        folder=RunFolder(options.run),
        settings=options.evaluate,
        problems=options.problems,
        output_file=options.output,
        text=options.text,
        overlap=options.overlap,
        reach=options.model,
        in_int8=options.weights == "int8",
    )
    pipeline.evaluate(request)


def _evaluate_options(words: Sequence[str]) -> EvaluateOptions:
    """Parse options; the settings of the run's `evaluate` are their defaults."""
    others = {each.name for each in fields(RunConfig)} - {"evaluate", "model"}
    for word in words:
        section = word.removeprefix("--").partition(".")[0]
        if word.startswith("--") and "." in word and section in others:
            raise ConfigError(
                f"corpus evaluate does not take {word.partition('=')[0]}: the {section} settings "
                "of a run do not change. It takes settings of scoring, such as --evaluate.votes "
                "16; for others start a new run"
            )
    asked = parse(EvaluateOptions, words, command="evaluate")
    own = EvaluateOptions(run=asked.run, evaluate=load_config(RunFolder(asked.run)).evaluate)
    return parse(EvaluateOptions, words, command="evaluate", default=own)


def report(words: Sequence[str]) -> None:
    """Write the report of a run, from what its folder holds so far."""
    pipeline.report(RunFolder(parse(FolderOptions, words, command="report").run))


@dataclass(frozen=True, kw_only=True)
class SolveOptions(FolderOptions):
    """Shows the program that the model writes, each step with its value, and the answer."""

    problem: Annotated[str, tyro.conf.Positional]
    """The problem, in quotes; - reads it from standard input."""

    options: str = ""
    """Possible answers, such as "a ) 40 , b ) 60 , c ) 80". The nearest one is chosen."""

    programs: int = 8
    """Majority voting: programs that vote on the answer, the most likely ones of a beam search.
    1 decodes one program greedily."""

    retrieval: bool = False
    """Let the programs of similar training problems vote as well."""

    model: Reach = field(default_factory=Reach)
    """Positions other than the trained ones."""

    weights: Literal["fp32", "int8"] = "fp32"
    """int8 rounds the weights to 8 bits, a quarter of the memory."""


def solve(words: Sequence[str]) -> None:
    """Solve one problem, typed or on standard input."""
    options = parse(SolveOptions, words, command="solve")
    if options.programs < 1:
        raise ConfigError(f"--programs is {options.programs}; expected 1 or more")
    folder = RunFolder(options.run).require()
    problem = _standard_input() if options.problem == "-" else options.problem
    if not problem.strip():
        raise DataError(
            "the problem is empty; write it in quotes: "
            'corpus solve RUN "what is 20 percent of 50 ?"'
        )
    pipeline.solve(
        folder,
        problem,
        options.options,
        programs=options.programs,
        retrieval=options.retrieval,
        reach=options.model,
        in_int8=options.weights == "int8",
    )


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"standard input is not UTF-8 ({error.reason} at byte {error.start}); "
            "convert it first: iconv -f latin1 -t utf-8"
        ) from None


@dataclass(frozen=True, kw_only=True)
class ExportOptions(FolderOptions):
    """The folder opens in transformers without Corpus."""

    output: Path
    """The folder to write."""

    to: Literal["huggingface"] = "huggingface"
    """The format."""

    model: Reach = field(default_factory=Reach)
    """Positions other than the trained ones."""

    phase: Literal["pretrain", "finetune"] = "finetune"
    """Export the weights at the end of this phase.
    finetune: the final weights, with adapters merged.
    pretrain: the base model, onto which peft loads the run's adapter folder."""


def export(words: Sequence[str]) -> None:
    """Export a run's weights, tokenizer and model card."""
    options = parse(ExportOptions, words, command="export")
    pipeline.export(
        RunFolder(options.run), options.output, reach=options.model, phase=options.phase
    )


@dataclass(frozen=True, kw_only=True)
class DecontaminateOptions:
    """Runs do this by themselves with the evaluation sets in their data."""

    paths: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files or folders to search: plain text, records of text and known problem sets.
    Records are .jsonl, .jsonl.zst, .jsonl.gz or .parquet files."""

    problems: tuple[str, ...]
    """Evaluation sets, each as SET=PATH, such as mathqa=data/mathqa/test.json.
    A set can be given several times, for several files."""

    out: Path | None = None
    """A new folder for clean copies, in the same formats, and a list of what was left out."""

    drop_twins: bool = False
    """Also leave out training problems that equal an evaluation problem except for its numbers."""

    ngram: int = NGRAM
    """Consecutive words that a text and a problem must share to match."""

    share: float = SHARE
    """Share of a problem's words that must be in such matches: above 0, up to 1."""


def decontaminate(words: Sequence[str]) -> None:
    """Search files for evaluation problems, and write clean copies."""
    options = parse(DecontaminateOptions, words, command="decontaminate")
    if not options.paths or not options.problems:
        raise ConfigError(
            "corpus decontaminate needs files or folders to search, and --problems SET=PATH"
        )
    from corpus.prepare.decontaminate import decontaminate

    decontaminate(
        options.paths,
        options.problems,
        ngram=options.ngram,
        share=options.share,
        out=options.out,
        drop_twins=options.drop_twins,
    )


@dataclass(frozen=True, kw_only=True)
class RecipesOptions:
    """A recipe is printed in the format of config.json."""

    recipe: Annotated[str | None, tyro.conf.Positional] = None
    """The recipe to print. None: list all recipes."""


def recipes(words: Sequence[str]) -> None:
    """List the recipes, or print one."""
    options = parse(RecipesOptions, words, command="recipes")
    if options.recipe is not None:
        print(json.dumps(to_plain(load_recipe(options.recipe)), indent=2))
        return
    for name, recipe in RECIPES.items():
        say(f"{name:<10} {(recipe.__doc__ or '').strip()}")
    say("\ncorpus run RECIPE starts one, corpus recipes RECIPE prints its settings,")
    say("corpus run RECIPE --help lists the flags that change them.")
