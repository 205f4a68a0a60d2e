"""Scores of a run's final weights and of the baselines, from the run folder alone."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch

from corpus.base.console import Task, progress, say, warn
from corpus.base.errors import DeviceError
from corpus.base.files import require_writable, write_json, write_text
from corpus.base.plain import to_plain
from corpus.config.evaluate import EvaluateConfig
from corpus.config.run import RunConfig
from corpus.evaluate.baselines import Reference
from corpus.evaluate.overlap import find_overlap, require_text
from corpus.evaluate.request import Request
from corpus.evaluate.score import score_problems
from corpus.evaluate.scores import (
    MODEL,
    NEAREST,
    NEAREST_GIVEN,
    NEAREST_PLAUSIBLE,
    NEIGHBOURS,
    NEIGHBOURS_GIVEN,
    OPTIONS,
    RETRIEVAL,
    Scores,
    read_scores,
    vote_field,
)
from corpus.evaluate.text import score_all_text
from corpus.finetune.examples import normal_forms
from corpus.model.low_precision import num_bytes
from corpus.model.transformer import Transformer
from corpus.problems.problem import Problem
from corpus.program.domain import AnswerOption
from corpus.program.language import Program
from corpus.run.begin import identity, load_config
from corpus.run.problems import has_repairs, training_problems
from corpus.run.weights import load_shape, load_weights
from corpus.runtime.runtime import Runtime, resolve
from corpus.runtime.threads import warn_if_busy
from corpus.solve.solver import Solver
from corpus.solve.voting import (
    WeightedCandidate,
    by_probability,
    by_similarity,
    majority,
    nearest_plausible,
)
from corpus.text.tokenizer import Tokenizer

_Scored = tuple[dict[str, Any], list[dict[str, Any]], dict[str, float]]
"""Scores, outcomes, and seconds a problem by way of answering."""


def evaluate_run(request: Request) -> Scores:
    """Score a run as `request` asks, and write its `output`, which has the form of `scores.json`.

    The outcome of each problem is written into the run with the run's own scores, and beside
    `output` with others. If no text is measured, the run keeps its earlier scores of text.
    """
    folder, output, reach = request.folder, request.output, request.reach
    config = request.config
    looks_for_overlap = request.overlap and bool(request.problems)
    sets = request.sets
    require_writable(output)
    if looks_for_overlap:
        require_text(folder)
    # Scoring is cheap beside training. In fp32, answers differ between machines only where two
    # tokens or programs are within rounding of each other; that has not been measured.
    runtime = resolve(replace(config.runtime, precision="fp32"))
    say(f"machine    {runtime.describe()}")
    if runtime.device.type == "cpu":
        warn_if_busy(runtime.num_threads)
    model, tokenizer = load_weights(folder, runtime, reach=reach, in_int8=request.in_int8)
    kept_in = "int8" if request.in_int8 else "fp32"
    say(f"weights    {kept_in}, {num_bytes(model) / 1e6:.1f} MB of memory")
    known = read_scores(folder)["text"] if request.is_in_run and output.exists() else {}
    if config.evaluate.text if request.text is None else request.text:
        known = score_all_text(folder, model, runtime, reach, in_int8=request.in_int8)
    run = identity(load_config(folder), folder)
    scores: Scores = {"run": run, "text": known, "problems": {}}
    if request.changed:
        scores["settings"] = request.changed
        changed = ", ".join(f"{name} {value}" for name, value in request.changed.items())
        say(f"settings   {changed}, other than the run's")
    if request.in_int8:
        scores["weights"] = {"kept_in": "int8"}
    if not reach.is_as_trained:
        scores["model"] = to_plain(model.config)
    seconds: dict[str, dict[str, float]] = {}
    if sets:
        train = training_problems(folder)
        given = training_problems(folder, repair=False) if has_repairs(folder) else None
        reference = build_reference(config, train, given)
        form = normal_forms(train).of if config.finetune.normal_form else _as_it_is
        for name, problems in sets.items():
            problems = problems[: config.evaluate.problems_limit or None]
            length = load_shape(folder).context_length
            overlap = find_overlap(problems, folder) if looks_for_overlap else None
            clean = overlap.clean if overlap else None

            score = partial(
                _score_set,
                name,
                problems,
                reference=reference,
                config=config,
                trained_length=length,
                clean=clean,
                form=form,
            )
            result, records, seconds[name] = _with_room(
                score, model, tokenizer, runtime, config.evaluate
            )
            if overlap:
                result["overlap"] = overlap.to_json(result["clean"])
            scores["problems"][name] = result
            lines = "".join(json.dumps(record) + "\n" for record in records)
            write_text(request.outcomes / f"{name}.jsonl", lines)
    for old in request.outcomes.glob("*.jsonl"):
        if old.stem not in sets:
            old.unlink()  # of sets that these scores are not of
    write_json(output, scores)
    if request.is_in_run:  # not among the scores: equal runs have equal scores
        folder.update_manifest(seconds_per_problem=seconds)
    return scores


def _with_room(
    score: Callable[[Solver], _Scored],
    model: Transformer,
    tokenizer: Tokenizer,
    runtime: Runtime,
    settings: EvaluateConfig,
) -> _Scored:
    """Return `score` of a solver; it decodes fewer programs together where memory runs out.

    Raises `DeviceError` if there is no memory for the programs of a single problem.
    """
    # The programs of a problem are decoded together.
    size, least = settings.batch_size, max(settings.votes, default=1)
    while True:
        solver = Solver(
            model,
            tokenizer,
            runtime,
            max_program_tokens=settings.max_program_tokens,
            batch_size=size,
            constrained=settings.constrained,
        )
        try:
            return score(solver)
        except torch.OutOfMemoryError:
            if size <= least:
                raise DeviceError(
                    f"the device ran out of memory decoding {least} programs of one problem "
                    "(evaluate.votes). Free some of its memory, and run the command again"
                ) from None
            size = max(size // 2, least)
            warn(f"out of memory while scoring: from now on {size} programs at a time")


def _as_it_is(program: Program) -> Program:
    return program


def build_reference(
    config: RunConfig, problems: Sequence[Problem], given: Sequence[Problem] | None = None
) -> Reference:
    """Return the training problems for the baselines, and `given`, those before repairs.

    Every one counts, even one that fine-tuning left out: at least the tokenizer read its text, and
    a stronger nearest neighbour is the fairer baseline. If a run neither fine-tunes nor reads
    problems, no template is seen.
    """
    read = (
        config.train.finetune_share > 0
        or config.curriculum.anneal > 0
        or config.prepare.problems_as_text
    )
    return Reference.build(problems, given=given, has_read=read)


@dataclass
class _Answers:
    """The model's programs for a set, one for each problem, by way of answering."""

    name: str
    problems: Sequence[Problem]
    programs: dict[str, list[Program | None]] = field(default_factory=dict)
    """By the field of their score."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Of the whole set."""

    @contextmanager
    def timed(self, way: str, what: str) -> Iterator[Task]:
        """Show progress and take the time."""
        with progress(f"solving {self.name}{what}", len(self.problems), "problems") as task:
            start = time.perf_counter()
            yield task
            self.seconds[way] = time.perf_counter() - start

    def vote(self, way: str, candidates: Sequence[list[WeightedCandidate]]) -> None:
        """Add the programs that win, without the options and, where there are any, with them."""
        for name, options in self.options(way):
            found = (
                majority(own, problem, known)
                for problem, own, known in zip(self.problems, candidates, options)
            )
            self.programs[name] = [won.winner.program if won else None for won in found]

    def options(self, way: str) -> list[tuple[str, list[tuple[AnswerOption, ...]]]]:
        """Return each variant of a way, with what it knows of every problem's options."""
        unknown: list[tuple[AnswerOption, ...]] = [()] * len(self.problems)
        variants = [(way, unknown)]
        if any(each.options for each in self.problems):
            variants.append((way + OPTIONS, [each.options for each in self.problems]))
        return variants


def _answer(
    name: str,
    problems: Sequence[Problem],
    solver: Solver,
    reference: Reference,
    settings: EvaluateConfig,
) -> _Answers:
    """Answer in every way: greedy, by majority voting, and with similar training problems.

    Each vote has baselines that know as much and follow the same rules, without the model.
    """
    answers, found = _Answers(name, problems), [[] for _ in problems]
    with answers.timed(MODEL, "") as task:
        greedy = solver.greedy(problems, done=task.update)
    answers.programs[MODEL] = [each.program if each else None for each in greedy]
    for count in sorted(settings.votes):
        with answers.timed(vote_field(count), f" with {count} programs each") as task:
            found = solver.search(problems, count, done=task.update)
        answers.vote(vote_field(count), [by_probability(candidates) for candidates in found])
    given = reference.given
    if given is not None:
        answers.programs[NEAREST_GIVEN] = [given.copy_program(each)[0] for each in problems]
    if not settings.votes:
        return answers
    if given is not None:
        answers.vote(NEIGHBOURS_GIVEN, [by_similarity(problem, given) for problem in problems])
    start, index = time.perf_counter(), reference.neighbours
    similar = [by_similarity(problem, index) for problem in problems]
    answers.vote(NEIGHBOURS, similar)
    answers.seconds[NEIGHBOURS] = spent = time.perf_counter() - start
    if settings.retrieval:
        start = time.perf_counter()
        together = [by_probability(own) + others for own, others in zip(found, similar)]
        answers.vote(RETRIEVAL, together)
        most = answers.seconds[vote_field(max(settings.votes))]
        answers.seconds[RETRIEVAL] = most + spent + time.perf_counter() - start
    for way, options in answers.options(NEAREST):
        field = NEAREST_PLAUSIBLE if way == NEAREST else way
        answers.programs[field] = [
            nearest_plausible(problem, index, known) for problem, known in zip(problems, options)
        ]
    return answers


def _score_set(
    name: str,
    problems: Sequence[Problem],
    solver: Solver,
    reference: Reference,
    config: RunConfig,
    trained_length: int,
    clean: Sequence[int] | None,
    form: Callable[[Program], Program],
) -> _Scored:
    """Answer a set in every way and score the answers."""
    answers = _answer(name, problems, solver, reference, config.evaluate)
    seconds = {
        way: round(spent / max(1, len(problems)), 5) for way, spent in answers.seconds.items()
    }
    parts = ", ".join(f"{way} {1000 * spent:.1f}" for way, spent in seconds.items())
    say(f"{name}: milliseconds a problem: {parts}")
    greedy = answers.programs.pop(MODEL)
    # With the gold program: how long the model's is, is its own doing.
    beyond = [solver.length(each, each.gold_program) > trained_length for each in problems]
    scores, records = score_problems(
        problems,
        greedy,
        reference,
        others=answers.programs,
        beyond=beyond,
        clean=clean,
        form=form,
    )
    for part in (scores, scores.get("clean", {})):
        part["constrained"] = config.evaluate.constrained
    return scores, records, seconds
