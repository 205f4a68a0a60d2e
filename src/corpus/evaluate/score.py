"""Scores of a problem set, and what became of each problem.

`accuracy` always means: one greedy program a problem, executed, nearest option, or, in a set without options, the answer itself; no retrieval, no
votes; a program that does not execute counts as wrong. Other ways to choose a program are scored by the same rule under names of their own. Every
share is of all problems it speaks of and comes with its 95 % interval, which reckons with twins; where there are no problems, both are null.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from corpus.evaluate.baselines import Reference, judge_gold, judge_neighbours
from corpus.evaluate.bins import bin_scores
from corpus.evaluate.intervals import clustered
from corpus.evaluate.judge import Judged, judge, same_outcome
from corpus.problems.kin import kin_of
from corpus.problems.problem import Problem
from corpus.program.language import Program

__all__ = ["Reference", "score_problems"]


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
        predicted: the model's program for each, None where it wrote none.
        reference: what the model was trained on.
        others: programs chosen in another way, such as by votes, by what that way is called.
        beyond: which problems are longer, with their gold programs, than rows were in training; None where that is not known.

    Scores, each share with `<name>_interval` beside it:
        num_problems, num_seen, num_unseen: problems; those whose template was trained on, and the others.
        accuracy, accuracy_seen, accuracy_unseen: problems answered rightly.
        accuracy_<way>, accuracy_<way>_seen, accuracy_<way>_unseen: the same for each of `others`.
        executes: predicted programs that give a value.
        program_match: predicted programs equal to the gold program in canonical form.
        value_match: predicted programs with the gold program's value (relative difference up to 1e-6), or an expression equivalent to it.
        baseline_majority: keys that are the most common letter of training, or answers that are its most common answer; null where
            training had none.
        baseline_nearest, baseline_nearest_seen, baseline_nearest_unseen: the copied program of the nearest trained problem.
        ceiling_gold: the gold programs themselves; null, as the two matches are, where no problem has one.
        by_words, by_operations, by_similarity, beyond_context: accuracy and baseline_nearest in parts of the set; see `bins.py`.
    """
    if len(problems) != len(predicted):
        raise ValueError(f"{len(predicted)} programs for {len(problems)} problems")
    judged = [judge(problem, program) for problem, program in zip(problems, predicted)]
    gold = judge_gold(problems)
    nearest, similarity = judge_neighbours(problems, reference)
    seen = [reference.has_seen(problem) for problem in problems]
    matches = [
        program is not None and str(program) == problem.program
        for problem, program in zip(problems, predicted)
    ]
    values = [same_outcome(mine.outcome, its.outcome) for mine, its in zip(judged, gold)]

    scores: dict[str, Any] = {
        "num_problems": len(problems),
        "num_seen": sum(seen),
        "num_unseen": len(seen) - sum(seen),
    }
    kin = [kin_of(problem) for problem in problems]
    scores |= _split_share("accuracy", judged, seen, kin)
    for way, programs in others.items():
        judged_other = [
            judge(problem, program) for problem, program in zip(problems, programs, strict=True)
        ]
        scores |= _split_share(f"accuracy_{way}", judged_other, seen, kin)
    scores |= _share("executes", (each.outcome.executes for each in judged), kin)
    has_gold = any(problem.program is not None for problem in problems)
    scores |= _share("program_match", (each if has_gold else None for each in matches), kin)
    scores |= _share("value_match", (each if has_gold else None for each in values), kin)
    guesses = [reference.guesses(problem) for problem in problems]
    scores |= _share("baseline_majority", guesses, kin)
    scores |= _split_share("baseline_nearest", nearest, seen, kin)
    scores |= _share("ceiling_gold", (each.right if has_gold else None for each in gold), kin)
    scores |= bin_scores(problems, judged, nearest, similarity, beyond)
    outcomes = [_record(*each) for each in zip(problems, predicted, judged, nearest, seen)]
    return scores, outcomes


def _split_share(
    name: str, judged: Sequence[Judged], seen: Sequence[bool], kin: Sequence[str]
) -> dict[str, Any]:
    return {
        **_share(name, (each.right for each in judged), kin),
        **_share(
            f"{name}_seen",
            (each.right if is_seen else None for each, is_seen in zip(judged, seen)),
            kin,
        ),
        **_share(
            f"{name}_unseen",
            (None if is_seen else each.right for each, is_seen in zip(judged, seen)),
            kin,
        ),
    }


def _share(name: str, hits: Iterable[bool | None], kin: Sequence[str]) -> dict[str, Any]:
    """Return the share of `hits` among those that are not None, with its interval."""
    counted = [(hit, group) for hit, group in zip(hits, kin, strict=True) if hit is not None]
    right = [hit for hit, _ in counted]
    interval = clustered(right, [group for _, group in counted])
    return {
        name: sum(right) / len(right) if right else None,
        f"{name}_interval": list(interval) if interval else None,
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
        "results": list(judged.outcome.expressions or judged.outcome.results),
        "value": judged.outcome.value if problem.expression is None else judged.outcome.expression,
        "answer": problem.answer if problem.expression is None else problem.expression,
        "error": judged.outcome.error,
        "chosen": judged.chosen,
        "right": judged.right,
        "seen": seen,
        "nearest": nearest.chosen,
    }
