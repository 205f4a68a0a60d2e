"""The whole project on one screen: from raw text to a scored maths model and its report, one line a stage.

Every stage reads and writes files in the run folder and returns at once where its work is done, so running this again is resuming.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack

from corpus.base.console import say
from corpus.base.lock import claimed
from corpus.base.run_folder import RunFolder
from corpus.base.units import format_duration
from corpus.recipes.config import RunConfig
from corpus.train.budget import Clock


def run(config: RunConfig, folder: RunFolder, *, resume_hint: str, plan: bool = False) -> None:
    """Run every stage of `config` in `folder`, skipping what is done; `resume_hint` is the command that goes on after Ctrl-C.

    With `plan`, the model's size, batch and learning rate are not the config's but what the planner finds best for the budget.
    """
    with ExitStack() as held:
        _run(config, folder, resume_hint=resume_hint, plan=plan, held=held)


def _run(
    config: RunConfig, folder: RunFolder, *, resume_hint: str, plan: bool, held: ExitStack
) -> None:
    from corpus.report.report import (
        report,
    )  # here, so that looking at a recipe loads neither torch nor this
    from corpus.runtime.ranks import joined
    from corpus.stages.begin import begin_run, load_config
    from corpus.stages.evaluate import evaluate_run, say_scores
    from corpus.stages.plan import plan_run
    from corpus.stages.prepare import prepare_run
    from corpus.stages.problems import evaluation_sets
    from corpus.stages.scores import read_scores
    from corpus.stages.training import Training

    begun = time.monotonic()
    with joined() as ranks:
        folder = ranks.folder(folder)
        held.enter_context(claimed(folder))
        if ranks.is_main:
            config = begin_run(config, folder, command=resume_hint, plan=plan, alone=ranks.is_alone)

            # Raw documents become token shards by source, problems become files: found by content, said before work starts.
            timed(folder, "prepare", lambda: prepare_run(config, folder))

            # Asked to, this machine is measured and small models are tried, to say which size the budget is best spent on.
            if plan:
                timed(
                    folder,
                    "plan",
                    lambda: plan_run(config, folder, command=resume_hint, alone=ranks.is_alone),
                )
        ranks.wait()
        config = load_config(folder)

        # The curriculum says which source is read when; the clock says how far along that is. 80 % of the budget by default.
        # Then the same model learns problem → program on the rest. The training clock covers both, to the last saved weight.
        if not folder.final_weights.exists():
            with Training(config, folder, resume_hint=resume_hint, ranks=ranks) as training:
                training.describe()
                timed(folder, "pretrain", training.pretrain)
                timed(folder, "finetune", training.finetune)
        if not ranks.is_main:
            return

    # Held-out problems: one greedy program each, executed, nearest option; beside majority, nearest neighbour and gold.
    if not folder.scores.exists():
        sets = evaluation_sets(folder)
        timed(
            folder,
            "evaluate",
            lambda: evaluate_run(
                config,
                folder,
                sets,
                output=folder.scores,
                outcomes=folder.outcomes,
                text=config.evaluate.text,
            ),
        )
    say_scores(read_scores(folder))

    # One page that says what was done, how well, and how to do it again.
    folder.update_manifest(
        clock_seconds=round(Clock(folder.clock).seconds, 3)
    )  # also where the session that knew it was killed
    timed(folder, "report", lambda: report(folder.path))

    manifest = folder.read_manifest()
    clock, everything = (
        format_duration(seconds)
        for seconds in (manifest["clock_seconds"], time.monotonic() - begun)
    )
    say(f"training clock {clock} of {config.parsed_budget}; this command {everything} in all")
    say(f"report: {folder.path / 'report.html'}")


def timed(folder: RunFolder, stage: str, work: Callable[[], object]) -> None:
    """Do a stage's work and add its seconds to the run's manifest, also when it is interrupted."""
    start, before = time.monotonic(), folder.read_manifest()["stages"].get(stage, 0.0)
    try:
        work()
    finally:
        folder.update_manifest(stages={stage: round(before + time.monotonic() - start, 3)})
