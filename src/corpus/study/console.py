"""What a study says on the console: what it is, and what can be concluded."""

import math

from corpus.base.console import say, warn
from corpus.base.units import format_count
from corpus.evaluate.power import detectable, detectable_sequentially, expected_scatter
from corpus.evaluate.verdict import MIN_SEEDS
from corpus.study.analyse import ScheduleResult, analyse, conclude, limits, signed
from corpus.study.design import Design, Study
from corpus.study.folder import StudyFolder
from corpus.study.rows import read_rows


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
    scatter = expected_scatter(study.num_tokens)
    at_end = detectable(study.seeds, others, scatter, alpha=study.alpha)
    at_any_time = detectable_sequentially(
        study.seeds, others, scatter, alpha=study.alpha, pooled=True
    )
    say(
        f"finds      with {study.seeds} seeds and {others} orders, a difference of "
        f"{_nats(at_end)} if one looks once, at the end, and of {_nats(at_any_time)} if one looks "
        "at any time (power 80 %), where the difference of two runs of a seed scatters by "
        f"{scatter:.3f} nat as in the pilot; matters: {study.margin:g} nat"
    )
    if study.seeds < MIN_SEEDS:
        warn(f"{study.seeds} seeds make no claim: {MIN_SEEDS} are the least")


def _nats(value: float) -> str:
    return f"{value:.3f} nat" if math.isfinite(value) else "no size"


def say_verdicts(study: Study, folder: StudyFolder) -> None:
    """Print a table of the orders for each schedule, and what can be concluded."""
    rows = read_rows(study, folder)
    phases = ["pretrained", *(["finetuned"] if study.finetune else [])]
    for phase in phases:
        for result in analyse(study, folder, rows, phase=phase):
            say_table(study, result, phase)
    say(limits(study))


def say_table(study: Design, result: ScheduleResult, phase: str) -> None:
    say(
        f"{phase}, {family(result)}: held-out loss less that of {result.control_name}, in nats "
        f"per token, with {1 - study.alpha:.0%} intervals that hold at any time"
    )
    wide = max(len(result.noun), *(len(each.order) for each in result.orders))
    say(f"  {result.noun:<{wide}}  seeds  difference  {'interval':<18}  {'e-value':>8}  verdict")
    for each in result.orders:
        known = each.verdict
        low, high = known.interval
        interval = f"{signed(low)} to {signed(high)}" if math.isfinite(low) else "–"
        say(
            f"  {each.order:<{wide}}  {known.num_seeds:>5}  {signed(known.mean):>10}  "
            f"{interval:<18}  {known.e_value:>8.3g}  {_verdict(study, known.claim, str(known))}"
        )
    say(f"  {conclude(study, result)}")


def family(result: ScheduleResult) -> str:
    """Return which runs a result compares: a schedule, or a size."""
    return f"{'schedule' if result.noun == 'order' else 'size'} {result.schedule}"


def _verdict(study: Design, claim: str, text: str) -> str:
    return f"equal within {study.margin:g}" if claim == "equal" else text
