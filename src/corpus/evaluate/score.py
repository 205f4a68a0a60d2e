"""Scores of a problem set, and what became of each problem.

`accuracy` always means: one greedy program a problem, executed, nearest option, or, in a set without options, the answer itself; no retrieval, no
votes; a program that does not execute counts as wrong. Other ways to choose a program are scored by the same rule under names of their own. Every share is of all problems it speaks of and comes with its 95 % interval; where there are none, both
are null.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from corpus.evaluate.baselines import Reference, judge_gold, judge_neighbours
from corpus.evaluate.bins import bin_scores
from corpus.evaluate.intervals import wilson
from corpus.evaluate.judge import Judged, judge, same_outcome
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
        by_words, by_operations, beyond_context: accuracy and baseline_nearest in parts of the set; see `bins.py`.
    """
    if len(problems) != len(predicted):
        raise ValueError(f"{len(predicted)} programs for {len(problems)} problems")
    judged = [judge(problem, program) for problem, program in zip(problems, predicted)]
    gold = judge_gold(problems)
    nearest = judge_neighbours(problems, reference)
    seen = [reference.has_seen(problem) for problem in problems]
    matches = [program is not None and str(program) == problem.program for problem, program in zip(problems, predicted)]
    values = [same_outcome(mine.outcome, its.outcome) for mine, its in zip(judged, gold)]

    scores: dict[str, Any] = {"num_problems": len(problems), "num_seen": sum(seen), "num_unseen": len(seen) - sum(seen)}
    scores |= _split_share("accuracy", judged, seen)
    for way, programs in others.items():
        judged_other = [judge(problem, program) for problem, program in zip(problems, programs, strict=True)]
        scores |= _split_share(f"accuracy_{way}", judged_other, seen)
    scores |= _share("executes", (each.outcome.executes for each in judged))
    has_gold = any(problem.program is not None for problem in problems)
    scores |= _share("program_match", matches if has_gold else ())
    scores |= _share("value_match", values if has_gold else ())
    guesses = [reference.guesses(problem) for problem in problems]
    scores |= _share("baseline_majority", (guess for guess in guesses if guess is not None))
    scores |= _split_share("baseline_nearest", nearest, seen)
    scores |= _share("ceiling_gold", (each.right for each in gold if has_gold))
    scores |= bin_scores(problems, judged, nearest, beyond)
    outcomes = [_record(*each) for each in zip(problems, predicted, judged, nearest, seen)]
    return scores, outcomes


def _split_share(name: str, judged: Sequence[Judged], seen: Sequence[bool]) -> dict[str, Any]:
    return {
        **_share(name, (each.right for each in judged)),
        **_share(f"{name}_seen", (each.right for each, is_seen in zip(judged, seen) if is_seen)),
        **_share(f"{name}_unseen", (each.right for each, is_seen in zip(judged, seen) if not is_seen)),
    }


def _share(name: str, hits: Iterable[bool]) -> dict[str, Any]:
    hits = list(hits)
    interval = wilson(sum(hits), len(hits))
    return {name: sum(hits) / len(hits) if hits else None, f"{name}_interval": list(interval) if interval else None}


def _record(problem: Problem, program: Program | None, judged: Judged, nearest: Judged, seen: bool) -> dict[str, Any]:
    return {
        "id": problem.id,
        "text": problem.text,
        "options": [{"letter": each.letter, "text": each.text, "value": each.value} for each in problem.options],
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
