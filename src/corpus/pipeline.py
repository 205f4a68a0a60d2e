"""The whole project on one screen: every command as the rooms it calls, and `run` as all of them in turn.

A stage reads and writes files in the run folder and returns at once where its work is done, so running a command again resumes it.
Rooms are imported where they are called: `prepare` and `report` never load torch.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from corpus.base.console import say
from corpus.base.errors import ConfigError
from corpus.base.units import format_duration
from corpus.config.run import RunConfig
from corpus.evaluate.request import Request
from corpus.run.begin import begin_run, choose_method, load_config
from corpus.run.folder import RunFolder
from corpus.run.lock import claimed


def run(config: RunConfig, folder: RunFolder, *, command: str, with_plan: bool = False) -> None:
    """Run every stage, skipping what is done; `command` is what resumes it after Ctrl-C.

    `with_plan` lets the planner choose the model's size, batch and learning rate for the budget.
    """
    from corpus.prepare.prepare import prepare_run
    from corpus.runtime.ranks import joined
    from corpus.train.training import Training

    begun = time.monotonic()
    with ExitStack() as until_done:
        with joined() as ranks:
            folder = RunFolder(folder.path, writes=ranks.is_main)
            until_done.enter_context(claimed(folder))
            if ranks.is_main:
                alone = ranks.is_alone
                config = begin_run(config, folder, command=command, plan=with_plan, alone=alone)
                # Raw documents become token shards by source, problems become files.
                with timed(folder, "prepare"):
                    prepare_run(config, folder)
                if with_plan:
                    from corpus.plan.plan import plan_run

                    with timed(folder, "plan"):
                        plan_run(config, folder, command=command, alone=alone)
            ranks.wait()
            config = load_config(folder)
            # One clock covers both phases, to the last saved weight: text in the curriculum's
            # order, then problem → program. 80 % of the budget is pre-training by default.
            if not folder.final_weights.exists():
                with Training(config, folder, resume_hint=command, ranks=ranks) as training:
                    training.describe()
                    with timed(folder, "pretrain"):
                        training.pretrain()
                    with timed(folder, "finetune"):
                        training.finetune()
        if ranks.is_main:
            _score_and_report(config, folder, begun)


def _score_and_report(config: RunConfig, folder: RunFolder, begun: float) -> None:
    from corpus.evaluate.console import say_scores
    from corpus.evaluate.evaluate import evaluate_run
    from corpus.evaluate.scores import read_scores
    from corpus.report.report import report
    from corpus.train.schedule import Clock

    # Held-out problems: programs are executed, the nearest option is the answer, and the
    # baselines (majority, nearest neighbour, gold programs) are scored the same way.
    if not folder.scores.exists():
        with timed(folder, "evaluate"):
            evaluate_run(config, Request(folder=folder))
    say_scores(read_scores(folder))
    # A session that was killed has not written its clock down in the manifest.
    clock = round(Clock(folder.clock).seconds, 3)
    folder.update_manifest(clock_seconds=clock)
    with timed(folder, "report"):
        report(folder.path)
    in_all = format_duration(time.monotonic() - begun)
    say(
        f"training clock {format_duration(clock)} of {config.parsed_budget}; "
        f"this command {in_all} in all"
    )
    say(f"report: {folder.path / 'report.html'}")


def prepare(config: RunConfig, folder: RunFolder, *, command: str) -> None:
    """Turn text into a tokenizer and token shards, and problems into files."""
    from corpus.prepare.prepare import prepare_run

    with claimed(folder):
        config = begin_run(config, folder, command=command)
        with timed(folder, "prepare"):
            prepare_run(config, folder)
    say(f"next: corpus pretrain {folder.path}")


def plan(config: RunConfig, folder: RunFolder, *, command: str) -> None:
    """Prepare, then choose the model's size, batch and learning rate for the budget."""
    from corpus.plan.plan import plan_run
    from corpus.prepare.prepare import prepare_run
    from corpus.runtime.ranks import joined

    with joined() as ranks:
        if not ranks.is_alone:
            raise ConfigError("corpus plan runs in one process: start it without torchrun")
    with claimed(folder):
        config = begin_run(config, folder, command=command, plan=True)
        with timed(folder, "prepare"):
            prepare_run(config, folder)
        with timed(folder, "plan"):
            plan_run(config, folder, command=command)


def pretrain(folder: RunFolder, *, command: str) -> None:
    """Pre-train a prepared run; the training clock goes on from where it stood."""
    from corpus.runtime.ranks import joined
    from corpus.train.training import Training

    config = load_config(folder)
    if folder.pretrained_weights.exists():
        say(f"{folder.path} is pre-trained already; next: corpus finetune {folder.path}")
        return
    with joined() as ranks:
        own = RunFolder(folder.path, writes=ranks.is_main)
        with claimed(own), Training(config, own, resume_hint=command, ranks=ranks) as training:
            training.describe()
            with timed(own, "pretrain"):
                training.pretrain()
    say(f"next: corpus finetune {folder.path}")


def finetune(
    folder: RunFolder, *, command: str, method: str | None, learning_rate: float | None
) -> None:
    """Fine-tune a pre-trained run on its problems, to the end of the budget."""
    from corpus.runtime.ranks import joined
    from corpus.train.training import Training

    config = load_config(folder)
    with joined() as ranks:
        own = RunFolder(folder.path, writes=ranks.is_main)
        with claimed(own):
            config = choose_method(config, own, method=method, learning_rate=learning_rate)
            if folder.final_weights.exists():
                say(f"{folder.path} is fine-tuned already; next: corpus evaluate {folder.path}")
                return
            with Training(config, own, resume_hint=command, ranks=ranks) as training:
                training.describe()
                with timed(own, "finetune"):
                    training.finetune()
    say(f"next: corpus evaluate {folder.path}")


def evaluate(request: Request) -> None:
    """Score a run's final weights, on its own held-out problems or on the files of `request`."""
    from corpus.evaluate.console import say_scores
    from corpus.evaluate.evaluate import evaluate_run

    folder, config = request.folder, load_config(request.folder)
    request.check()
    with ExitStack() as stack:
        if request.is_in_run:
            stack.enter_context(claimed(folder))
            stack.enter_context(timed(folder, "evaluate"))
        say_scores(evaluate_run(config, request))
    say(f"scores: {request.output}")


@contextmanager
def timed(folder: RunFolder, stage: str) -> Iterator[None]:
    """Add a stage's seconds to the run's manifest, also when it is interrupted."""
    start, before = time.monotonic(), folder.read_manifest()["stages"].get(stage, 0.0)
    try:
        yield
    finally:
        folder.update_manifest(stages={stage: round(before + time.monotonic() - start, 3)})
