"""Scores of a run's final weights, beside the baselines; everything it needs lies in the run folder."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from corpus.base.console import progress, say, warn
from corpus.base.errors import DeviceError
from corpus.base.files import require_writable, write_json, write_text
from corpus.base.plain import to_plain
from corpus.config.evaluate import EvaluateConfig
from corpus.config.rope import Reach
from corpus.config.run import RunConfig
from corpus.data.prepared import Prepared
from corpus.evaluate.overlap import measure_overlap, require_text
from corpus.evaluate.request import Request
from corpus.evaluate.score import Reference, score_problems
from corpus.evaluate.scores import Scores, read_scores
from corpus.evaluate.text import bits_per_byte, score_text, score_unigram
from corpus.evaluate.ways import OPTIONS, RETRIEVAL, vote_way
from corpus.model.low_precision import num_bytes
from corpus.model.transformer import Transformer
from corpus.problems.problem import Problem
from corpus.program.language import Program, parse
from corpus.run.folder import RunFolder
from corpus.run.problems import training_problems
from corpus.run.weights import AS_TRAINED, load_shape, load_weights
from corpus.runtime.runtime import Runtime, resolve
from corpus.solve.candidates import Candidate
from corpus.solve.retrieve import neighbour_ballots
from corpus.solve.solver import Solver
from corpus.solve.vote import Ballot, ballots_of, vote
from corpus.text.tokenizer import EOS, Tokenizer

_Scored = tuple[dict[str, Any], list[dict[str, Any]], dict[str, float]]


def evaluate_run(config: RunConfig, request: Request) -> Scores:
    """Score a run as `request` asks, and write its `output`, which has the form of `scores.json`.

    The outcome of each problem is written into the run only with the run's own scores. Those keep
    what they say of text where no text is measured.
    """
    folder, output, reach = request.folder, request.output, request.reach
    looks_for_overlap = request.overlap and bool(request.problems)
    sets = request.sets
    require_writable(output)
    if looks_for_overlap:
        require_text(folder)
    # Scoring is cheap beside training, and fp32 gives the same answers on every machine.
    runtime = resolve(replace(config.runtime, precision="fp32"))
    model, tokenizer = load_weights(folder, runtime, reach=reach, in_int8=request.in_int8)
    kept_in = "int8" if request.in_int8 else "fp32"
    say(f"weights    {kept_in}, {num_bytes(model) / 1e6:.1f} MB of memory")
    known = read_scores(folder)["text"] if request.is_in_run and output.exists() else {}
    if config.evaluate.text if request.text is None else request.text:
        known = score_all_text(folder, model, runtime, reach, in_int8=request.in_int8)
    scores: Scores = {"text": known, "problems": {}}
    if request.in_int8:
        scores["weights"] = {"kept_in": "int8"}
    if not reach.is_as_trained:
        scores["model"] = to_plain(model.config)
    seconds: dict[str, dict[str, float]] = {}
    if sets:
        reference = build_reference(config, folder)
        for name, problems in sets.items():
            problems = problems[: config.evaluate.problems_limit or None]
            length = load_shape(folder).context_length

            def score(solver: Solver) -> _Scored:
                return _score_set(name, problems, solver, reference, config, length)  # noqa: B023

            result, records, seconds[name] = _with_room(
                score, model, tokenizer, runtime, config.evaluate
            )
            if looks_for_overlap:
                right = [record["right"] for record in records]
                result["overlap"] = measure_overlap(problems, folder, right=right)
            scores["problems"][name] = result
            if request.is_in_run:
                lines = "".join(json.dumps(record) + "\n" for record in records)
                write_text(folder.outcomes / f"{name}.jsonl", lines)
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
    """Return `score` of a solver, which decodes fewer programs together where the device has no memory for as many.

    Raises `DeviceError` where there is none for the programs of a single problem.
    """
    rows, least = (
        settings.batch_size,
        max(settings.votes, default=1),
    )  # a problem's programs are decoded together
    while True:
        solver = Solver(
            model,
            tokenizer,
            runtime,
            max_program_tokens=settings.max_program_tokens,
            batch_size=rows,
            constrained=settings.constrained,
        )
        try:
            return score(solver)
        except torch.OutOfMemoryError:
            if rows <= least:
                raise DeviceError(
                    f"the device ran out of memory decoding {least} programs of one problem (evaluate.votes). Free some of its memory, and run the "
                    "command again"
                ) from None
            rows = max(rows // 2, least)
            warn(f"out of memory while scoring: from now on {rows} programs at a time")


def build_reference(config: RunConfig, folder: RunFolder) -> Reference:
    """Return what the run was given to learn from, for the baselines and for telling seen from unseen templates.

    Every training problem counts, also one that fine-tuning left out: its text was there to be read, by the tokenizer at least, and
    a stronger nearest neighbour is the more honest company. Where a run neither fine-tunes nor reads problems, nothing was seen.
    """
    problems = training_problems(folder)
    read = (
        config.train.finetune_share > 0
        or config.curriculum.anneal > 0
        or config.prepare.problems_as_text
    )
    return Reference.build(problems, has_read=read)


def _score_set(
    name: str,
    problems: Sequence[Problem],
    solver: Solver,
    reference: Reference,
    config: RunConfig,
    trained_length: int,
) -> _Scored:
    """Return scores, outcomes, and seconds a problem: of one greedy program, votes of the likeliest, and votes in which similar training problems take part."""
    texts, settings, seconds = [problem.text for problem in problems], config.evaluate, {}
    with progress(f"solving {name}", len(problems), "problems") as task:
        start = time.perf_counter()
        greedy = solver.greedy(texts, done=task.update)
        seconds["accuracy"] = time.perf_counter() - start
    others: dict[str, list[Program | None]] = {}
    found: list[list[Candidate]] = [[] for _ in texts]
    for count in sorted(settings.votes):
        with progress(
            f"solving {name} with {count} programs each", len(problems), "problems"
        ) as task:
            start = time.perf_counter()
            found = solver.search(texts, count, done=task.update)
            seconds[f"accuracy_{vote_way(count)}"] = time.perf_counter() - start
        others |= _count_votes(
            vote_way(count), problems, [ballots_of(candidates) for candidates in found]
        )
    if settings.retrieval:
        start = time.perf_counter()
        ballots = [
            ballots_of(candidates) + neighbour_ballots(text, reference.neighbours)
            for text, candidates in zip(texts, found)
        ]
        others |= _count_votes(RETRIEVAL, problems, ballots)
        seconds["accuracy_retrieval"] = (
            seconds[f"accuracy_{vote_way(max(settings.votes))}"] + time.perf_counter() - start
        )
    per_problem = {way: round(spent / max(1, len(problems)), 5) for way, spent in seconds.items()}
    say(
        f"{name}: milliseconds a problem: "
        + ", ".join(f"{way} {1000 * spent:.1f}" for way, spent in per_problem.items())
    )
    predicted = [each.program if each else None for each in greedy]
    gold = [
        parse(each.program) if each.program else None for each in problems
    ]  # not the model's: how long that is, is its doing
    beyond = [length > trained_length for length in solver.lengths(texts, gold)]
    scores, records = score_problems(problems, predicted, reference, others=others, beyond=beyond)
    return (
        {**scores, "constrained": settings.constrained},
        records,
        {way: round(spent / max(1, len(problems)), 5) for way, spent in seconds.items()},
    )


def _count_votes(
    way: str, problems: Sequence[Problem], ballots: Sequence[list[Ballot]]
) -> dict[str, list[Program | None]]:
    """Return the programs that win, where the options are not known and, in a set that has options, where they are."""
    names = [way, way + OPTIONS] if any(problem.options for problem in problems) else [way]
    found: dict[str, list[Program | None]] = {name: [] for name in names}
    for problem, cast in zip(problems, ballots):
        for name in names:
            options = problem.options if name != way else ()
            won = vote(cast, options, num_numbers=len(problem.quantities))
            found[name].append(won.winner.program if won else None)
    return found


def score_all_text(
    folder: RunFolder,
    model: Transformer,
    runtime: Runtime,
    reach: Reach = AS_TRAINED,
    *,
    in_int8: bool = False,
) -> dict[str, Any]:
    """Score held-out text by source: the final model, the pre-trained one (both in int8, or neither), and a unigram model."""
    prepared = Prepared.open(folder.prepared)
    eos = prepared.tokenizer.token_id(EOS)
    has_two = folder.pretrained_weights.exists()
    pretrained = (
        load_weights(folder, runtime, name="pretrained", reach=reach, in_int8=in_int8)[0]
        if has_two
        else None
    )
    found = {}
    with progress(
        "reading held-out text",
        prepared.validation.num_tokens * (1 if pretrained is None else 2),
        "tokens",
    ) as task:
        for source, shard in prepared.validation.items():
            score = score_text(model, runtime, shard.tokens, eos_id=eos, task=task)
            unigram = score_unigram(
                shard.tokens,
                prepared.unigram(source),
                context_length=model.config.context_length,
                eos_id=eos,
            )
            found[source] = {
                "loss": score.loss,
                "accuracy": score.accuracy,
                "bits_per_byte": bits_per_byte(score.loss, shard),
                "unigram_loss": unigram.loss,
                "unigram_accuracy": unigram.accuracy,
                "unigram_bits_per_byte": bits_per_byte(unigram.loss, shard),
                "num_tokens": score.num_tokens,
                "loss_pretrained": None,
            }
            if pretrained is not None:
                found[source]["loss_pretrained"] = score_text(
                    pretrained, runtime, shard.tokens, eos_id=eos, task=task
                ).loss
    return found
