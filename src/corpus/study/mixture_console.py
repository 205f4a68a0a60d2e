"""What a study of mixtures says on the console: what it is, its laws, and what was found."""

import math
from collections.abc import Collection, Sequence

import numpy as np

from corpus.base.console import say, warn
from corpus.base.units import format_count
from corpus.study.analyse import ScheduleResult, compare_family, conclude, signed
from corpus.study.console import say_cautions, say_claims, say_table
from corpus.study.folder import StudyFolder
from corpus.study.law import Fit
from corpus.study.mixtures import (
    BEST,
    CHECKED,
    FIRST,
    LEAST_MIXTURES,
    SECOND,
    MixtureStudy,
    read_drawn,
)
from corpus.study.predict import Prediction, prediction, usable
from corpus.study.rows import Row, failures, read_rows
from corpus.study.shares import PROPORTIONAL, UNIFORM, natural_shares

SMALL = 15e6
"""Parameters below which a model ranks mixtures poorly (Olmix, arXiv:2602.12237)."""


def describe(study: MixtureStudy) -> None:
    """Say what a study trains, before any time is spent."""
    shape, second = study.config.model, study.second_model
    say(
        f"mixtures   {study.mixtures}: {PROPORTIONAL}, {UNIFORM} and {study.mixtures - 2} drawn "
        "around the first"
    )
    say(
        f"first      {study.mixtures * study.seeds} runs of {format_count(study.num_tokens)} "
        f"tokens, {study.seeds} seeds; {format_count(shape.num_parameters)} parameters, dim "
        f"{shape.dim}"
    )
    tokens = study.second_steps * study.config.batch_tokens
    most = "" if study.second_budget else "at most "
    say(
        f"second     {len(CHECKED) * study.seeds} runs of {most}{format_count(tokens)} tokens: "
        f"{', '.join(CHECKED)}; {format_count(second.num_parameters)} parameters, dim {second.dim}"
    )
    say_claims(study)
    if shape.num_parameters < SMALL:
        warn(warning(study))


def warning(study: MixtureStudy) -> str:
    """Return what a small model is worth as a proxy."""
    return (
        f"this model has {format_count(study.config.model.num_parameters)} parameters; below 15M "
        "parameters models rank mixtures poorly for larger ones: Olmix (arXiv:2602.12237) found a "
        "rank correlation of 0.73 at 1M"
    )


def say_verdicts(study: MixtureStudy, folder: StudyFolder) -> None:
    """Print the mixtures, the laws, the predicted best one, and what its check found."""
    rows, failed = read_rows(study, folder), failures(study, folder)
    found = prediction(study, folder, rows, failed)
    if found is None:
        say(no_law(study, folder, rows, failed))
    else:
        _say_mixtures(study, folder, found)
        _say_laws(found)
        result = check(study, folder, rows, failed)
        say_table(study, result)
        say(summary(study, found, result))
    say_cautions(study, folder, rows, failed)


def no_law(
    study: MixtureStudy, folder: StudyFolder, rows: Sequence[Row], failed: Collection[str]
) -> str:
    """Return why there is no prediction."""
    if not folder.mixtures.exists():
        return "The text is not prepared yet, so no mixture is drawn."
    number = len(usable(study, failed))
    if number < LEAST_MIXTURES:
        return (
            f"Nothing can be concluded: too many mixtures failed; {number} are left, and a law "
            f"needs {LEAST_MIXTURES}."
        )
    finished = sum(row["size"] == FIRST for row in rows)
    return (
        f"Nothing can be concluded yet: {finished} of {study.mixtures * study.seeds} runs of the "
        "first size are finished; a law needs every mixture with the same seed."
    )


def check(
    study: MixtureStudy, folder: StudyFolder, rows: Sequence[Row], failed: Collection[str]
) -> ScheduleResult:
    """Compare the mixtures of the second size with the proportional one."""
    runs = study.runs(SECOND)
    return compare_family(study, folder, rows, failed, runs, family=f"size {SECOND}")


def columns(found: Prediction) -> tuple[str, ...]:
    """Return the head of the table of mixtures."""
    return ("mixture", *found.sources, "loss", "left out")


def table(found: Prediction) -> list[tuple[str, ...]]:
    """Return the mixtures of the first size from the best to the worst, then the predicted one."""
    order = found.endpoint.argsort(kind="stable")
    lines = [
        (
            found.names[at],
            *(f"{share:.1%}" for share in found.shares[at]),
            f"{found.endpoint[at]:.4f}",
            f"{found.mean_fit.predicted[at]:.4f}",
        )
        for at in order.tolist()
    ]
    shares = (f"{found.best[name]:.1%}" for name in found.sources)
    return [*lines, (BEST, *shares, "–", f"{found.best_loss:.4f}")]


def _say_mixtures(study: MixtureStudy, folder: StudyFolder, found: Prediction) -> None:
    drawn = read_drawn(folder)
    natural = natural_shares(drawn.sequences)
    say("text       " + ", ".join(f"{name} {share:.1%}" for name, share in natural.items()))
    seeds = f"{len(found.seeds)} seed{'s' if len(found.seeds) > 1 else ''}"
    say(
        f"mixtures of the first size, mean of {seeds}: the shares of the sources, the endpoint, "
        "and what the law of the others predicts"
    )
    say_lines(columns(found), table(found))
    uniform = list(drawn.first[UNIFORM].values())
    if np.ptp(uniform) * study.total(FIRST) > 1.5:  # rounding makes one sequence of difference
        say(f"  {UNIFORM} is cut to the text: not every source has enough for its share")


def say_lines(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> None:
    """Print a table; the first column to the left, the others to the right."""
    wide = [max(len(row[at]) for row in (head, *lines)) for at in range(len(head))]
    for row in (head, *lines):
        rest = "  ".join(f"{cell:>{wide[at]}}" for at, cell in enumerate(row) if at)
        say(f"  {row[0]:<{wide[0]}}  {rest}")


LAW_COLUMNS = ("held-out loss", "error left out", "of the mean", "rank correlation", "floor",
               "penalty")  # fmt: skip


def laws(found: Prediction) -> list[tuple[str, ...]]:
    """Return a line for the law of each held-out loss and of the endpoint."""
    lines = [_law(name, each) for name, each in found.fits.items()]
    mean = _law("endpoint, from these", found.mean_fit)
    return [*lines, (*mean[:4], "–", "–"), _law("endpoint, alone", found.own_fit)]


def _law(name: str, each: Fit) -> tuple[str, ...]:
    rank = each.rank_correlation
    return (
        name,
        f"{each.error:.4f}",
        f"{each.naive_error:.4f}",
        f"{rank:.2f}" if math.isfinite(rank) else "–",
        f"{each.law.floor:.3f}",
        f"{each.law.penalty:g}",
    )


def form(found: Prediction) -> str:
    """Return which law was fitted, and why."""
    number, sources = len(found.names), len(found.sources)
    if found.has_floor:
        return (
            f"law: loss = floor + exp(slopes · shares), {sources + 1} coefficients from {number} "
            "mixtures; floor and ridge penalty have the least error in leaving one mixture out"
        )
    return (
        f"law: loss = exp(slopes · shares) with a ridge penalty and no floor: {number} mixtures "
        f"are fewer than the {sources + 3} that {sources} slopes, a floor and two to test them need"
    )


def _say_laws(found: Prediction) -> None:
    say(form(found))
    say_lines(LAW_COLUMNS, laws(found))
    listed = ", ".join(f"{name} {share:.1%}" for name, share in found.best.items())
    say(f"predicted best: {listed}")
    for sentence in doubts(found):
        say(f"  {sentence}")


def doubts(found: Prediction) -> list[str]:
    """Return why the prediction may be wrong."""
    said = []
    gain = float(found.endpoint.min()) - found.best_loss
    if gain < found.mean_fit.error:
        said.append(
            f"It is predicted to be {signed(-gain, 4)} nat from the best that was trained, which "
            f"is within the law's error of {found.mean_fit.error:.4f}."
        )
    if found.mean_fit.error >= found.mean_fit.naive_error:
        said.append("The law predicts no better than the mean of the mixtures: do not trust it.")
    if found.at_edge:
        said.append(
            f"Its share of {', '.join(found.at_edge)} is at the edge of what was trained, so a "
            "better mixture may lie beyond; the law is not asked there."
        )
    return said


def summary(study: MixtureStudy, found: Prediction, result: ScheduleResult) -> str:
    """Return what was found, in one or two sentences."""
    by_name = {each.order: each for each in result.orders}
    best = by_name[BEST].verdict
    if best.mean is None:
        return "The predicted best mixture is not compared at the second size yet."
    measured = (
        f"at the second size it is {signed(best.mean)} nat over {best.num_seeds} "
        f"seed{'s' if best.num_seeds > 1 else ''}. {conclude(study, result)}"
    )
    if PROPORTIONAL not in found.names:  # a run of it failed
        return f"{measured[0].upper()}{measured[1:]}"
    gain = found.best_loss - float(found.endpoint[found.names.index(PROPORTIONAL)])
    return (
        f"At the first size the law predicts {signed(gain)} nat for the best mixture less "
        f"{PROPORTIONAL}; {measured}"
    )
