"""The result of a protocol: its folds as one set, beside published scores.

The folds' problems are scored by different models of one recipe, and counted together. Published
scores of five folds are means of the folds, which are nearly equally large.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corpus.base.console import say
from corpus.base.errors import ArtifactError, ConfigError, DataError
from corpus.config.run import RunConfig
from corpus.evaluate.compare import read_outcomes
from corpus.evaluate.published import PUBLISHED
from corpus.evaluate.scores import MADE, answers, share_fields
from corpus.problems.contamination import KnownProblems
from corpus.problems.held_out import HELDOUT
from corpus.problems.registry import PROBLEM_SETS
from corpus.run.begin import load_config
from corpus.run.folder import RunFolder
from corpus.run.problems import read_split, training_problems

FLOPS_PER_WEIGHT = 6
"""Operations that a token of training costs for each parameter (Kaplan et al. 2020, sec. 2.1)."""


def check_settings(config: RunConfig) -> None:
    """Raise `ConfigError` for settings with which a protocol is not scored as published."""
    others = {
        "problems.tuning_share": (config.problems.tuning_share, 0.0),
        "problems.drop_twins": (config.problems.drop_twins, False),
        "problems.sets": (config.problems.sets, ()),
        "evaluate.problems_limit": (config.evaluate.problems_limit, 0),
    }
    for name, (value, needed) in others.items():
        if value != needed:
            raise ConfigError(
                f"{name} is {value}, and corpus benchmark needs {needed}: all problems of the "
                "protocol are trained on or scored. Leave it out, or use corpus run "
                "--problems.protocol"
            )
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError("corpus benchmark runs in one process; start it without torchrun")


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a fold's model cost."""

    num_parameters: int
    num_tokens: int
    seconds: float

    @property
    def flops(self) -> float:
        """Operations of training."""
        return FLOPS_PER_WEIGHT * float(self.num_parameters) * self.num_tokens


def read_trained(folder: RunFolder) -> Trained:
    """Return what a finished run cost. Raises `ArtifactError` if its manifest does not say."""
    manifest = folder.read_manifest()
    try:
        return Trained(
            num_parameters=load_config(folder).model.num_parameters,
            num_tokens=sum(map(int, manifest["tokens"].values())),
            seconds=float(manifest["clock_seconds"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"{folder.path} has no record of its training ({error!r}). Run the command again."
        ) from None


def summarize(scored: str, folders: Sequence[RunFolder]) -> dict[str, Any]:
    """Return the scores of a protocol over all its runs, JSON-ready.

    Args:
        scored: the set that is scored.
        folders: one finished run for each fold.

    `all` are the scores on every problem, `clean` those on problems without a copy in their own
    run's training problems, by way of answering, each with its 95 % interval.
    """
    records, clean = [], []
    for folder in folders:
        own, copied = read_outcomes(folder.path)[scored], _copied(scored, folder)
        records += own
        clean += [each for each in own if each["id"] not in copied]
    if len({each["id"] for each in records}) < len(records):
        raise DataError(
            "the folds score some problems twice: the data or its list of folds changed after the "
            "first of them. Begin again with another --out"
        )
    costs = [read_trained(folder) for folder in folders]
    return {
        "num_runs": len(folders),
        "num_parameters": costs[0].num_parameters,
        "tokens": sum(each.num_tokens for each in costs),
        "flops": sum(each.flops for each in costs),
        "seconds": sum(each.seconds for each in costs),
        "all": _shares(records),
        "clean": _shares(clean),
    }


def _copied(scored: str, folder: RunFolder) -> set[str]:
    """Return the ids of the scored problems that a training problem contains."""
    problems = read_split(folder, HELDOUT)[scored]
    known = KnownProblems(problems)
    rows = (row.text for row in training_problems(folder, repair=False))
    return {
        problems[match.problem].id
        for matches in known.index.find_each(rows)
        for match in matches
        if not match.other_numbers
    }


def _shares(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    shares: dict[str, Any] = {"num_problems": len(records)}
    clusters = [each["cluster"] for each in records]
    for way in records[0]["ways"] if records else ():
        if all(way in each["ways"] for each in records):
            hits = [each["ways"][way]["right"] for each in records]
            shares |= share_fields(way, hits, clusters)
    return shares


def say_benchmark(protocol: str, scored: str, result: dict[str, Any]) -> None:
    """Print the scores with their baselines, and the published scores below."""
    shares, clean = result["all"], result["clean"]
    made = {"gold_programs": MADE} if PROBLEM_SETS[scored].makes_programs else {}
    titles = answers({**shares, **made})
    published = PUBLISHED[protocol]
    wide = max(len(title) for title in (*titles.values(), *(name for name, _ in published)))
    say(
        f"{protocol}: {shares['num_problems']:,} problems in {result['num_runs']} "
        f"run{'s' if result['num_runs'] > 1 else ''}, of which {clean['num_problems']:,} have no "
        "copy among their training problems"
    )
    say(f"  {'':<{wide}}  {'right (95 % interval)':<24}{'without copies':>16}")
    for field, title in titles.items():
        low, high = shares[f"{field}_interval"]
        without = clean.get(field)
        say(
            f"  {title:<{wide}}  {f'{shares[field]:.1%} ({low:.1%} to {high:.1%})':<24}"
            f"{'—' if without is None else f'{without:.1%}':>16}"
        )
    say(
        f"  {result['num_parameters']:,} parameters, {result['tokens']:,} tokens, "
        f"{result['flops']:.1e} operations and {result['seconds']:,.0f} s of training"
    )
    if published:
        say("  published, a selection (value accuracy):")
        for name, score in reversed(published):
            say(f"  {name:<{wide}}  {score:.1f}%")
