"""`corpus compare`: studies of orders and of mixtures, two runs, or two ways of answering."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from corpus import pipeline
from corpus.base.errors import ConfigError
from corpus.cli.options import RunOptions, parse, parse_run, typed_command, with_flags
from corpus.config.study import DEFAULT_ORDERS, MIXTURES, ORDERS
from corpus.recipes.registry import RECIPES


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """To compare orders or mixtures: corpus compare RECIPE --help. A study goes on with corpus
    compare STUDY; STUDY --report writes its page as it stands, STUDY --repeat ROW trains one run
    again, and STUDY --seeds N adds seeds. The options below are for runs and ways of answering:
    paired differences with 95 % intervals."""

    run: Annotated[Path, tyro.conf.Positional]
    """A scored run's folder, or a folder of outcomes that `corpus evaluate --output` wrote."""

    other: Annotated[Path | None, tyro.conf.Positional] = None
    """Another run that was scored on the same problems. None: compare within the run."""

    way: str = "accuracy"
    """The way of answering, by its name in scores.json."""

    other_way: str | None = None
    """The way to compare it with. None: the same in the other run; within a run, every other
    one."""

    set: str | None = None
    """The problem set. None: every set that both have."""

    value: bool = False
    """Count right values, without the help of the options."""


@dataclass(frozen=True, kw_only=True)
class NewStudyOptions(RunOptions):
    """Trains the recipe's model on the same text in several orders, or on several mixtures of the
    sources, with several seeds, and says what can be concluded. The options below override the
    settings of the recipe."""

    orders: str = ",".join(DEFAULT_ORDERS)
    """Orders, separated by commas; shuffled has to be among them, and the others are compared with
    it. FILE.py:FUNCTION is one of your own."""

    mixtures: int | None = None
    """Compare so many mixtures of the sources instead of orders, 4 or more: proportional, uniform,
    and draws around the first. The predicted best one is then trained at a second size."""

    second_dim: int | None = None
    """The width of the second model of --mixtures. None: twice the first."""

    second_budget: str = ""
    """Its budget, in tokens or steps. Empty: twice --budget, or the same if the text is too
    little."""

    schedules: str = "decay"
    """decay (the learning rate falls at the end), average (it stays, the last weights are
    averaged), or both, separated by a comma."""

    seeds: int = 5
    """The most seeds; 5 are the least for a claim."""

    finetune_budget: str = ""
    """Fine-tuning after each pre-training, in tokens or steps. Empty: none."""

    difficulty: str = "unigram"
    """The measure of the orders by difficulty: length, compression, unigram or model.
    easy:length names another one for an order."""

    margin: float = 0.01
    """The smallest difference that matters, in nats per token."""

    alpha: float = 0.05
    """Probability of a false claim."""


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """Goes on with a study. Several processes can work on the same one."""

    study: Annotated[Path, tyro.conf.Positional]
    """The folder of the study."""

    report: bool = False
    """Write the report as the study stands, and train nothing."""

    repeat: str | None = None
    """Train one finished run again, by its name in runs.csv, and compare the bits."""

    seeds: int | None = None
    """Add seeds: the new number of all seeds."""


def compare(words: Sequence[str]) -> None:
    """Compare orders or mixtures of the training data, two runs, or two ways of answering."""
    first, begun = words[0] if words else "", {"--orders", "--mixtures", "--config"}
    if begun & _flags(words) or (first in RECIPES and not Path(first).is_dir()):
        _begin_study(words)
    elif any((Path(word) / "study.json").exists() for word in words if not word.startswith("-")):
        _go_on_with_study(words)
    else:
        _compare_outcomes(words)


def _flags(words: Sequence[str]) -> set[str]:
    return {word.partition("=")[0] for word in words}


def _begin_study(words: Sequence[str]) -> None:
    options = parse_run(NewStudyOptions, words, command="compare")
    if options.out is None:
        raise ConfigError("a study needs a folder of its own: give --out, such as --out studies/a")
    if options.mixtures is not None and "--orders" in _flags(words):
        raise ConfigError(
            "--orders and --mixtures are two kinds of study; give one of them, and another --out "
            "for the other"
        )
    if options.mixtures is not None and "--difficulty" in _flags(words):
        raise ConfigError("--difficulty is of a study of orders; leave it out beside --mixtures")
    pipeline.begin_study(
        options.settings,
        options.out,
        kind=ORDERS if options.mixtures is None else MIXTURES,
        command=typed_command(),
        schedules=_names(options.schedules),
        seeds=options.seeds,
        finetune=options.finetune_budget,
        margin=options.margin,
        alpha=options.alpha,
        **_settings_of_kind(options),
    )


def _settings_of_kind(options: NewStudyOptions) -> dict[str, Any]:
    """Return the settings that only one kind of study has."""
    if options.mixtures is None:
        for flag in ("second_dim", "second_budget"):
            if getattr(options, flag):
                raise ConfigError(
                    f"--{flag.replace('_', '-')} is of a study of mixtures; give --mixtures too, "
                    "such as --mixtures 16"
                )
        return {"orders": _names(options.orders), "difficulty": options.difficulty}
    return {
        "mixtures": options.mixtures,
        "second_dim": options.second_dim,
        "second_budget": options.second_budget,
    }


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _go_on_with_study(words: Sequence[str]) -> None:
    options = parse(StudyOptions, with_flags(words, "--report"), command="compare")
    if options.repeat is not None:
        pipeline.repeat_run(options.study, options.repeat)
    elif options.report:
        pipeline.report_study(options.study)
    else:
        pipeline.go_on_with_study(options.study, command=typed_command(), seeds=options.seeds)


def _compare_outcomes(words: Sequence[str]) -> None:
    options = parse(CompareOptions, words, command="compare")
    from corpus.evaluate.compare import compare
    from corpus.evaluate.console import say_comparisons

    say_comparisons(
        compare(
            options.run,
            options.other,
            way=options.way,
            other_way=options.other_way,
            set_name=options.set,
            by_value=options.value,
        )
    )
