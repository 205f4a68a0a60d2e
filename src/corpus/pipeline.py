"""The whole project on one page: each command on a run as its stages, and `run` as all of them.

A stage reads and writes files in the run folder and returns at once if its work is done, so the
same command resumes an interrupted run. Stages are imported where they are called, because
preparing and reporting work without torch.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.base.console import say
from corpus.base.errors import ConfigError
from corpus.base.files import write_json
from corpus.base.units import format_duration, parse_budget
from corpus.config.rope import Reach
from corpus.config.run import RunConfig
from corpus.run.begin import begin_run, choose_method, load_config
from corpus.run.folder import RunFolder
from corpus.run.lock import claimed
from corpus.runtime.threads import sleep_in_training

if TYPE_CHECKING:
    from corpus.evaluate.request import Request
    from corpus.runtime.ranks import Ranks


def run(config: RunConfig, folder: RunFolder, *, command: str, with_plan: bool = False) -> None:
    """Run every stage. `command` resumes the run after Ctrl-C."""
    sleep_in_training(config.parsed_budget)
    from corpus.runtime.ranks import joined

    start = time.monotonic()
    with ExitStack() as until_done:
        with joined() as ranks:
            folder = RunFolder(folder.path, writes=ranks.is_main)
            until_done.enter_context(claimed(folder))
            if ranks.is_main:
                _prepare(config, folder, command, with_plan=with_plan, alone=ranks.is_alone)
            ranks.wait()
            config = load_config(folder)
            if not folder.final_weights.exists():
                _train(config, folder, command, ranks, "pretrain", "finetune")
        if ranks.is_main:
            _evaluate_and_report(config, folder)
            say(f"this command took {format_duration(time.monotonic() - start)}")


def _prepare(
    config: RunConfig, folder: RunFolder, command: str, *, with_plan: bool, alone: bool = True
) -> None:
    """Text becomes token shards, problem sets become files; a plan then chooses the model size,
    the batch and the learning rate for the budget."""
    from corpus.prepare.prepare import prepare_run

    config = begin_run(config, folder, command=command, plan=with_plan, alone=alone)
    with folder.timed("prepare"):
        prepare_run(config, folder)
    if with_plan:
        from corpus.plan.plan import plan_run

        with folder.timed("plan"):
            plan_run(config, folder, command=command, alone=alone)


def _train(
    config: RunConfig, folder: RunFolder, command: str, ranks: "Ranks", *stages: str
) -> None:
    """Pre-train on text in the order of the curriculum, then fine-tune on problem → program.

    One clock covers both, to the last saved weight; by default pre-training gets 80 % of it.
    """
    from corpus.train.training import Training

    with Training(config, folder, resume_hint=command, ranks=ranks) as training:
        training.describe()
        for stage in stages:
            with folder.timed(stage):
                training.pretrain() if stage == "pretrain" else training.finetune()


def _evaluate_and_report(config: RunConfig, folder: RunFolder) -> None:
    """Execute the programs for held-out problems, score them beside the baselines, and report."""
    from corpus.evaluate.console import say_scores
    from corpus.evaluate.evaluate import evaluate_run
    from corpus.evaluate.request import Request
    from corpus.evaluate.scores import read_scores
    from corpus.train.schedule import Clock

    if not folder.scores.exists():
        with folder.timed("evaluate"):
            evaluate_run(Request(folder=folder))
    say_scores(read_scores(folder))
    clock = round(Clock(folder.clock).seconds, 3)
    folder.update_manifest(clock_seconds=clock)  # a session that was killed did not do it
    with folder.timed("report"):
        report(folder)
    say(f"training clock: {format_duration(clock)} of {config.parsed_budget}")


def prepare(config: RunConfig, folder: RunFolder, *, command: str) -> None:
    """Write the tokenizer, the token shards and the problem sets of a run."""
    with claimed(folder):
        _prepare(config, folder, command, with_plan=False)
    say(f"next: corpus pretrain {folder.path}")


def plan(config: RunConfig, folder: RunFolder, *, command: str) -> None:
    """Prepare, then choose the model size, the batch and the learning rate for the budget."""
    from corpus.runtime.ranks import joined

    with joined() as ranks:
        if not ranks.is_alone:
            raise ConfigError("corpus plan runs in one process; start it without torchrun")
    with claimed(folder):
        _prepare(config, folder, command, with_plan=True)


def pretrain(folder: RunFolder, *, command: str) -> None:
    """Pre-train a prepared run; the training clock continues where it stopped."""
    config = load_config(folder)
    if folder.pretrained_weights.exists():
        say(f"{folder.path} is pre-trained already; next: corpus finetune {folder.path}")
        return
    sleep_in_training(config.parsed_budget)
    with _joined_and_claimed(folder) as (folder, ranks):
        _train(config, folder, command, ranks, "pretrain")
    say(f"next: corpus finetune {folder.path}")


def finetune(
    folder: RunFolder, *, command: str, method: str | None, learning_rate: float | None
) -> None:
    """Fine-tune a pre-trained run on its problems, to the end of the budget."""
    config = load_config(folder)
    sleep_in_training(config.parsed_budget)
    with _joined_and_claimed(folder) as (folder, ranks):
        config = choose_method(config, folder, method=method, learning_rate=learning_rate)
        if folder.final_weights.exists():
            say(f"{folder.path} is fine-tuned already; next: corpus evaluate {folder.path}")
            return
        _train(config, folder, command, ranks, "finetune")
    say(f"next: corpus evaluate {folder.path}")


@contextmanager
def _joined_and_claimed(folder: RunFolder) -> Iterator[tuple[RunFolder, "Ranks"]]:
    """Join the ranks of torchrun and lock the folder for them; only the main rank writes to it."""
    from corpus.runtime.ranks import joined

    with joined() as ranks:
        folder = RunFolder(folder.path, writes=ranks.is_main)
        with claimed(folder):
            yield folder, ranks


def evaluate(request: "Request") -> None:
    """Score a run's final weights, on its own held-out problems or on the files of `request`."""
    from corpus.evaluate.console import say_scores
    from corpus.evaluate.evaluate import evaluate_run

    folder = request.folder.require()
    request.check()
    with ExitStack() as stack:
        if request.is_in_run:
            stack.enter_context(claimed(folder))
            stack.enter_context(folder.timed("evaluate"))
        say_scores(evaluate_run(request))
    say(f"scores: {request.output}")


def benchmark(config: RunConfig, path: Path, *, protocol: str, command: str) -> None:
    """Train and score a run for each fold of a protocol, and print all of them as one set."""
    from corpus.evaluate.benchmark import check_settings, say_benchmark, summarize
    from corpus.prepare.protocols import PROTOCOLS

    check_settings(config)
    sleep_in_training(config.parsed_budget)

    scored, folders = PROTOCOLS[protocol].scored, []
    for fold in range(PROTOCOLS[protocol].num_folds):
        # Others train on all training problems, so a copy of a scored one stays among them.
        problems = replace(config.problems, protocol=protocol, fold=fold, decontaminate=False)
        folder = RunFolder(path / f"fold{fold}")
        run(replace(config, problems=problems), folder, command=command)
        folders.append(folder)
    result = summarize(scored, folders)
    write_json(path / "benchmark.json", {"protocol": protocol, **result})
    say_benchmark(protocol, scored, result)
    say(f"scores: {path / 'benchmark.json'}")


def begin_study(config: RunConfig, path: Path, *, kind: str, command: str, **settings: Any) -> None:
    """Write a study of a kind down, say what it can find, and train its runs.

    The settings are what `study.kinds.Kind.ask` takes beside the config.
    """
    sleep_in_training(config.parsed_budget)
    from corpus.study.folder import StudyFolder
    from corpus.study.kinds import KINDS
    from corpus.study.record import write_down

    study = KINDS[kind].ask(config=config, **settings)
    if write_down(study, StudyFolder(path), command=command):
        say(f"study      {path}: written down in study.json")
    go_on_with_study(path, command=command)


def go_on_with_study(path: Path, *, command: str, seeds: int | None = None) -> None:
    """Train the runs of a study that are left, beside other processes, and report.

    `seeds` raises the number of its seeds first.
    """
    sleep_in_training(parse_budget("1 steps"))  # a study's budget is never a time
    from corpus.study.folder import StudyFolder
    from corpus.study.kinds import kind_of
    from corpus.study.record import add_seeds

    folder = StudyFolder(path)
    kind = kind_of(folder)
    study = kind.load(folder)
    if seeds is not None:
        add_seeds(folder, seeds)
        study = kind.load(folder)
    kind.describe(study)
    work = kind.work(study, folder, command=command)
    work.prepare()
    work.go_on()
    report_study(path)


def report_study(path: Path) -> None:
    """Say what can be concluded from the runs that are finished, and write the study's page."""
    from corpus.study.folder import StudyFolder
    from corpus.study.kinds import kind_of
    from corpus.study.rows import write_table

    folder = StudyFolder(path)
    kind = kind_of(folder)
    study = kind.load(folder)
    write_table(study, folder)
    kind.say_verdicts(study, folder)
    kind.write_page(study, folder)


def repeat_run(path: Path, name: str) -> None:
    """Train one finished run of a study again, and compare the bits."""
    sleep_in_training(parse_budget("1 steps"))
    from corpus.study.folder import StudyFolder
    from corpus.study.kinds import kind_of
    from corpus.study.repeat import repeat

    folder = StudyFolder(path)
    kind = kind_of(folder)
    repeat(kind.work(kind.load(folder), folder, command=f"corpus compare {path}"), name)


def report(folder: RunFolder) -> None:
    """Write the report of a run, from what its folder holds so far."""
    from corpus.report.report import report as write_report

    load_config(folder)
    write_report(folder.path)
    say(f"report: {folder.path / 'report.html'}")


def solve(
    folder: RunFolder,
    problem: str,
    options: str,
    *,
    programs: int,
    retrieval: bool,
    reach: Reach,
    in_int8: bool,
) -> None:
    """Solve one problem with a run's final weights and print each step."""
    from corpus.solve.show import show_solution

    lines = show_solution(
        load_config(folder),
        folder,
        problem,
        options,
        programs=programs,
        retrieval=retrieval,
        reach=reach,
        in_int8=in_int8,
    )
    for line in lines:
        say(line)


def export(folder: RunFolder, output: Path, *, reach: Reach, phase: str) -> None:
    """Write a run's weights, tokenizer and model card for transformers."""
    from corpus.export.export import export_run

    export_run(load_config(folder), folder, output, reach, phase=phase)
    say(f"exported: AutoModelForCausalLM.from_pretrained({str(output)!r})")
