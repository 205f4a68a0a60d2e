"""What a study says on the console: what it is, and what can be concluded."""

import math
from collections.abc import Mapping, Sequence

from corpus.base.console import say, warn
from corpus.base.units import format_count
from corpus.evaluate.power import (
    PILOT,
    detectable,
    detectable_sequentially,
    expected_scatter,
)
from corpus.evaluate.verdict import MIN_SEEDS
from corpus.study.analyse import (
    ScheduleResult,
    analyse,
    bounds,
    finding,
    limits,
    shown_interval,
    signed,
    uneven,
)
from corpus.study.design import Design, Study
from corpus.study.folder import StudyFolder
from corpus.study.rows import Row, failures, read_rows


def describe(study: Study) -> None:
    """Say what a study trains, and what it can find, before any time is spent."""
    shape, others = study.config.model, len(study.treatments)
    shared = study.num_shared_steps / study.num_steps if len(study.schedules) > 1 else 0.0
    paths = len(study.orders) * study.seeds
    steps = paths * (shared + len(study.schedules) * (1 - shared)) * study.num_steps
    say(f"orders     {', '.join(study.orders)}")
    say(
        f"runs       {len(study.items)}: {len(study.orders)} orders, {study.seeds} seeds, "
        f"{' and '.join(study.schedules)}; {format_count(study.num_tokens)} tokens each, "
        f"{format_count(steps * study.config.batch_tokens)} in all"
    )
    say(f"model      {format_count(shape.num_parameters)} parameters, dim {shape.dim}")
    say_claims(study)
    if not PILOT[0][0] / 10 <= study.num_tokens <= PILOT[-1][0] * 10:
        say("finds      unknown: no pilot tells how much runs of this length scatter")
        return
    scatter = expected_scatter(study.num_tokens)
    at_end = detectable(study.seeds, others, scatter, alpha=study.alpha)
    at_any_time = detectable_sequentially(study.seeds, others, scatter, alpha=study.alpha)
    say(
        f"finds      with {study.seeds} seeds and {others} orders, a difference of "
        f"{_nats(at_end)} if one looks once, at the end"
    )
    if math.isfinite(at_any_time):
        say(f"           and of {_nats(at_any_time)} if one looks at any time")
    say(
        "           (power 80 %, if the difference of two runs of a seed scatters by "
        f"{scatter:.3f} nat, as in a pilot with 0.42M parameters)"
    )


def say_claims(study: Design) -> None:
    """Say which difference matters, and warn of too few seeds."""
    say(f"matters    {study.margin:g} nat")
    if study.seeds < MIN_SEEDS:
        warn(f"{study.seeds} seeds make no claim: {MIN_SEEDS} are the least")


def _nats(value: float) -> str:
    return f"{value:.3f} nat" if math.isfinite(value) else "no size"


def say_verdicts(study: Study, folder: StudyFolder) -> None:
    """Print a table of the orders for each schedule, and what can be concluded."""
    rows, failed = read_rows(study, folder), failures(study, folder)
    for result in analyse(study, folder, rows, failed):
        say_table(study, result)
    say_cautions(study, folder, rows, failed)


def say_cautions(
    study: Design, folder: StudyFolder, rows: Sequence[Row], failed: Mapping[str, str]
) -> None:
    """Say what the study cannot say, and which runs failed."""
    for sentence in (limits(study), uneven(study, rows)):
        if sentence:
            say(sentence)
    for name, why in failed.items():
        warn(f"{name} failed ({why}); delete {folder.path / 'runs' / name} to try it again")


def say_table(study: Design, result: ScheduleResult) -> None:
    """Print the comparison of a family, and what can be concluded."""
    say(
        f"{result.measure.title}, {result.family}: loss less that of {study.control}, in nats "
        f"per token (false claims: {100 * study.alpha:g} % for each table)"
    )
    wide = max(len(study.noun), *(len(each.order) for each in result.orders))
    say(f"  {study.noun:<{wide}}  seeds  difference  {'interval':<18}  {'e-value':>8}  verdict")
    for each in result.orders:
        known = each.verdict
        interval = bounds(shown_interval(known))
        say(
            f"  {each.order:<{wide}}  {known.num_seeds:>5}  {signed(known.mean):>10}  "
            f"{interval:<18}  {known.e_value:>8.3g}  {_verdict(study, known.claim, str(known))}"
        )
    sentence = finding(study, result)
    say(f"  {sentence[0].upper()}{sentence[1:]}")


def _verdict(study: Design, claim: str, text: str) -> str:
    return f"equal within {study.margin:g}" if claim == "equal" else text
