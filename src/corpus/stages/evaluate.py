"""Scores of a run's final weights, beside the baselines; everything it needs lies in the run folder."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from corpus.base.config import to_plain
from corpus.base.console import progress, say, warn
from corpus.base.errors import DeviceError
from corpus.base.files import require_writable, write_json, write_text
from corpus.base.run_folder import RunFolder
from corpus.data.prepared import Prepared
from corpus.evaluate.config import EvaluateConfig
from corpus.evaluate.score import Reference, score_problems
from corpus.evaluate.text import bits_per_byte, score_text, score_unigram
from corpus.evaluate.ways import OPTIONS, RETRIEVAL, vote_way, ways
from corpus.model.int8_weights import num_bytes
from corpus.model.scaling import Reach
from corpus.model.transformer import Transformer
from corpus.problems.problem import Problem
from corpus.program.language import Program, parse
from corpus.recipes.config import RunConfig
from corpus.runtime.runtime import Runtime, resolve
from corpus.solve.candidates import Candidate
from corpus.solve.retrieve import neighbour_ballots
from corpus.solve.solver import Solver
from corpus.solve.vote import Ballot, ballots_of, vote
from corpus.stages.bins import say_bins
from corpus.stages.overlap import measure_overlap, require_text
from corpus.stages.problems import training_problems
from corpus.stages.scores import read_scores
from corpus.stages.weights import AS_TRAINED, load_shape, load_weights
from corpus.text.tokenizer import EOS, Tokenizer

Scores = dict[str, dict[str, Any]]
_Scored = tuple[dict[str, Any], list[dict[str, Any]], dict[str, float]]


def evaluate_run(
    config: RunConfig,
    folder: RunFolder,
    sets: Mapping[str, Sequence[Problem]],
    *,
    output: Path,
    outcomes: Path | None,
    text: bool,
    overlap: bool = False,
    reach: Reach = AS_TRAINED,
    in_int8: bool = False,
) -> Scores:
    """Score the run and write `output`, which has the form of `scores.json`.

    Args:
        config: the run's config.
        folder: the run.
        sets: problems to score, by set.
        output: where the scores go.
        outcomes: folder for what became of each problem; None writes none.
        text: measure held-out text as well; without it, the run's own scores keep what they say of text.
        overlap: look for the problems in what the run was given to train on, for sets that it did not know when it was prepared.
        reach: how far the model reads, where not as trained; what it then was stands in the scores.
        in_int8: score the final weights rounded to int8.
    """
    require_writable(output)
    in_run = output.resolve() == folder.scores.resolve()
    if overlap:
        require_text(folder)
    # Scoring is cheap beside training, and fp32 gives the same answers on every machine.
    runtime = resolve(replace(config.runtime, precision="fp32"))
    model, tokenizer = load_weights(folder, runtime, reach=reach, in_int8=in_int8)
    say(f"weights    {'int8' if in_int8 else 'fp32'}, {num_bytes(model) / 1e6:.1f} MB of memory")
    known = read_scores(folder)["text"] if in_run and output.exists() else {}
    scores: Scores = {
        "text": score_all_text(folder, model, runtime, reach, in_int8=in_int8) if text else known,
        "problems": {},
    }
    if in_int8:
        scores["weights"] = {"kept_in": "int8"}
    if not reach.is_as_trained:
        scores["model"] = to_plain(model.config)
    seconds: dict[str, dict[str, float]] = {}
    if sets:
        reference = build_reference(config, folder)
        for name, problems in sets.items():
            problems = problems[: config.evaluate.problems_limit or None]
            length = load_shape(folder).context_length
            score = lambda solver: _score_set(name, problems, solver, reference, config, length)  # noqa: B023, E731
            result, records, seconds[name] = _with_room(
                score, model, tokenizer, runtime, config.evaluate
            )
            if overlap:
                result["overlap"] = measure_overlap(
                    problems, folder, right=[record["right"] for record in records]
                )
            scores["problems"][name] = result
            if outcomes:
                write_text(
                    outcomes / f"{name}.jsonl",
                    "".join(json.dumps(record) + "\n" for record in records),
                )
    write_json(output, scores)
    if in_run:
        folder.update_manifest(
            seconds_per_problem=seconds
        )  # not among the scores: equal runs have equal scores
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


def say_scores(scores: Scores) -> None:
    """Print the scores, each accuracy beside its baselines, interval and number of problems."""
    if scores["text"]:
        say("held-out text      loss  unigram   next-token accuracy   bits/byte")
        for source, score in scores["text"].items():
            say(
                f"  {source:<15}{score['loss']:>6.3f}{score['unigram_loss']:>9.3f}{score['accuracy']:>13.1%} (unigram "
                f"{score['unigram_accuracy']:.1%}){score['bits_per_byte']:>8.3f}"
            )
    for name, score in scores["problems"].items():
        low, high = score["accuracy_interval"]
        say(
            f"{name}: accuracy {score['accuracy']:.1%} (95 % interval {low:.1%} to {high:.1%}, {score['num_problems']:,} problems)"
        )
        say(
            f"  baselines: majority {_share(score['baseline_majority'])}, nearest neighbour {_share(score['baseline_nearest'])}, "
            f"gold programs {_share(score['ceiling_gold'])}"
        )
        say(
            f"  template seen {_share(score['accuracy_seen'])} of {score['num_seen']:,} (nearest {_share(score['baseline_nearest_seen'])}), "
            f"unseen {_share(score['accuracy_unseen'])} of {score['num_unseen']:,} (nearest {_share(score['baseline_nearest_unseen'])})"
        )
        for way, title in ways(score):
            low, high = score[f"accuracy_{way}_interval"]
            say(
                f"  {title}: {score[f'accuracy_{way}']:.1%} ({low:.1%} to {high:.1%}), template seen {_share(score[f'accuracy_{way}_seen'])}, "
                f"unseen {_share(score[f'accuracy_{way}_unseen'])}"
            )
        say_bins(score)
        say(
            f"  programs that execute {_share(score['executes'])}, equal to gold {_share(score['program_match'])}, equal in value {_share(score['value_match'])}"
        )
        if "overlap" in score:
            _say_overlap(score["overlap"])


def _say_overlap(overlap: dict[str, Any]) -> None:
    """Print how many problems of a set the run was given to train on, and how it does on the others."""
    say(
        f"  overlap with training: {overlap['num_in_rows']:,} problems stand in a training problem ({overlap['num_equal']:,} word for word), "
        f"{overlap['num_in_text']:,} in its text; {overlap['num_twins']:,} more have a twin"
    )
    if overlap["num_clean"] < overlap["num_problems"]:
        say(
            f"  accuracy on the {overlap['num_clean']:,} that do not: {_share(overlap['accuracy_clean'])}"
        )


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.1%}"
