"""Scores of a problem set, and the outcome of each problem.

`accuracy` always means: one greedy program a problem, executed, nearest option, or, in a set
without options, the answer itself; no retrieval, no majority voting; a program that does not
execute counts as wrong. Other ways to choose a program are scored by the same rule under names of
their own, and so are the baselines and the gold programs. Every share is of all problems it speaks
of, with its 95 % cluster-robust interval; where there are no problems, both are null.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from corpus.evaluate.baselines import Reference
from corpus.evaluate.bins import bin_scores
from corpus.evaluate.scores import share_fields
from corpus.problems.check import Judged, judge
from corpus.problems.problem import Problem
from corpus.program.language import Program

MODEL, NEAREST, GOLD = "accuracy", "baseline_nearest", "ceiling_gold"


def score_problems(
    problems: Sequence[Problem],
    predicted: Sequence[Program | None],
    reference: Reference,
    *,
    others: Mapping[str, Sequence[Program | None]] = MappingProxyType({}),
    beyond: Sequence[bool] | None = None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the scores of a set and one outcome a problem, both JSON-ready.

    Args:
        problems: the set.
        predicted: the model's program for each, None if it wrote none.
        reference: what the model was trained on.
        others: programs chosen in another way, such as by majority voting, by its name.
        beyond: which problems are longer, with their gold programs, than sequences were in
            training; None if that is not known.

    Scores, each share with `<name>_interval` beside it:
        num_problems, num_seen, num_unseen: problems; those whose template was trained on, and the
            others.
        accuracy, accuracy_seen, accuracy_unseen: problems answered rightly.
        accuracy_<way>, accuracy_<way>_seen, accuracy_<way>_unseen: the same for each of `others`.
        executes: predicted programs that give a value.
        program_match: exact match with the gold program in canonical form.
        value_match: predicted programs with the gold program's value.
        baseline_majority: gold letters that are the most common one of training, or gold answers
            that are its most common answer; null where training had none.
        baseline_nearest, baseline_nearest_seen, baseline_nearest_unseen: the program of the most
            similar training problem, with the new quantities put in.
        ceiling_gold: the gold programs themselves: as far as a perfect predictor of programs gets;
            null, as the two matches are, where no problem has one.
        by_words, by_operations, by_similarity, beyond_context: accuracy and baseline_nearest in
            parts of the set; see `bins.py`.
    """
    if len(problems) != len(predicted):
        raise ValueError(f"{len(predicted)} programs for {len(problems)} problems")
    copies = [reference.neighbours.copy_program(problem) for problem in problems]
    programs: dict[str, Sequence[Program | None]] = {
        MODEL: predicted,
        **{f"{MODEL}_{way}": each for way, each in others.items()},
        NEAREST: [program for program, _ in copies],
        GOLD: [problem.gold_program for problem in problems],
    }
    judged = {
        name: [judge(problem, program) for problem, program in zip(problems, each, strict=True)]
        for name, each in programs.items()
    }
    seen = [reference.has_seen(problem) for problem in problems]
    scores: dict[str, Any] = {
        "num_problems": len(seen),
        "num_seen": sum(seen),
        "num_unseen": seen.count(False),
    }
    clusters = [problem.cluster for problem in problems]
    for name, hits in _hits(problems, predicted, judged, seen, reference).items():
        scores |= share_fields(name, hits, clusters)
    right, nearest = ([each.right for each in judged[name]] for name in (MODEL, NEAREST))
    scores |= bin_scores(problems, right, nearest, [each for _, each in copies], beyond)
    records = zip(problems, predicted, judged[MODEL], judged[NEAREST], seen)
    return scores, [_record(*each) for each in records]


def _hits(
    problems: Sequence[Problem],
    predicted: Sequence[Program | None],
    judged: Mapping[str, Sequence[Judged]],
    seen: Sequence[bool],
    reference: Reference,
) -> dict[str, list[bool | None]]:
    """Return for every share which problems count for it; None for those that it is not about."""
    right = {name: [each.right for each in found] for name, found in judged.items()}
    hits: dict[str, list[bool | None]] = {}
    for name in right:
        if name not in (NEAREST, GOLD):
            hits |= _by_template(name, right[name], seen)
    mine, gold = judged[MODEL], judged[GOLD]
    known = any(problem.program is not None for problem in problems) or None
    hits["executes"] = [each.outcome.executes for each in mine]
    hits["program_match"] = [
        known and program is not None and program == problem.gold_program
        for problem, program in zip(problems, predicted)
    ]
    hits["value_match"] = [
        known and problem.domain.same(its.outcome.value, theirs.outcome.value)
        for problem, its, theirs in zip(problems, mine, gold)
    ]
    hits["baseline_majority"] = [reference.guess(problem) for problem in problems]
    hits |= _by_template(NEAREST, right[NEAREST], seen)
    hits[GOLD] = [known and each for each in right[GOLD]]
    return hits


def _by_template(
    name: str, right: Sequence[bool], seen: Sequence[bool]
) -> dict[str, list[bool | None]]:
    """Return which of all problems are right, and of those with seen and unseen templates."""
    return {
        name: [*right],
        f"{name}_seen": [hit if is_seen else None for hit, is_seen in zip(right, seen)],
        f"{name}_unseen": [None if is_seen else hit for hit, is_seen in zip(right, seen)],
    }


def _record(
    problem: Problem, program: Program | None, judged: Judged, nearest: Judged, seen: bool
) -> dict[str, Any]:
    return {
        "id": problem.id,
        "text": problem.text,
        "options": [
            {"letter": each.letter, "text": each.text, "value": each.value}
            for each in problem.options
        ],
        "correct": problem.correct,
        "numbers": list(problem.quantities),
        "gold": problem.program,
        "predicted": None if program is None else str(program),
        "results": list(judged.outcome.results),
        "value": judged.outcome.value,
        "answer": problem.gold_answer,
        "error": judged.outcome.error,
        "chosen": judged.chosen,
        "right": judged.right,
        "seen": seen,
        "nearest": nearest.chosen,
    }
