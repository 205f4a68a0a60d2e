"""Scores of a problem set, and the outcome of each problem.

`accuracy` always means: one greedy program a problem, executed, nearest option, or, in a set
without options, the answer itself; no retrieval, no majority voting; a program that does not
execute counts as wrong. Other ways to choose a program are scored by the same rule under names of
their own, and so are the baselines and the gold programs. Every share is of all problems it speaks
of, with its 95 % cluster-robust interval; where there are no problems, both are null.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from corpus.evaluate.baselines import Reference
from corpus.evaluate.bins import bin_scores
from corpus.evaluate.scores import (
    GOLD,
    MADE,
    MAJORITY,
    MODEL,
    NEAREST,
    NOVEL,
    VALUE,
    share_fields,
)
from corpus.problems.check import Judged, judge
from corpus.problems.problem import Problem
from corpus.problems.registry import PROBLEM_SETS
from corpus.program.language import Program, parse

_Hits = Sequence[bool | None]
"""Which problems count for a share; None for those that it is not about."""


def score_problems(
    problems: Sequence[Problem],
    predicted: Sequence[Program | None],
    reference: Reference,
    *,
    others: Mapping[str, Sequence[Program | None]] = MappingProxyType({}),
    beyond: Sequence[bool] | None = None,
    clean: Sequence[int] | None = None,
    form: Callable[[Program], Program] = lambda program: program,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the scores of a set and one outcome a problem, both JSON-ready.

    Args:
        problems: the set.
        predicted: the model's program for each, None if it wrote none.
        reference: what the model was trained on.
        others: programs chosen in another way, such as by majority voting or by a baseline, by
            the field of their score.
        beyond: which problems are longer, with their gold programs, than sequences were in
            training; None if that is not known.
        clean: the places of problems without a copy in training, where that was looked for.
        form: brings a program into the form that the model was trained to write.

    Scores, each share with `<name>_interval` beside it:
        num_problems, num_seen, num_unseen: problems; those whose template was trained on, and the
            others.
        accuracy: problems answered rightly.
        accuracy_value: problems whose value is right, without the help of the options.
        baseline_nearest: the program of the most similar training problem, with the new quantities
            put in.
        ceiling_gold: the gold programs themselves: as far as a perfect predictor of programs gets;
            null, as the two matches are, where no problem has one.
        baseline_majority: gold letters that are the most common one of training, or gold answers
            that are its most common answer; null where training had none.
        num_seen_checked, num_seen_unchecked: seen problems with a twin in training whose program is
            right, and those without one; accuracy and baseline_nearest have a share for each.
        <field>_seen, <field>_unseen: the same by template, for each of these and of `others`.
        novel, accuracy_novel, accuracy_novel_value: problems with a program that no training
            problem has, those of them that are answered rightly, and whose value is right.
        executes: predicted programs that give a value.
        program_match: exact match with the gold program, both in the form of training.
        value_match: predicted programs with the gold program's value.
        by_words, by_operations, by_similarity, beyond_context: accuracy and baseline_nearest in
            parts of the set; see `bins.py`.
        clean: with `clean`, all of these for those problems alone.
    """
    if len(problems) != len(predicted):
        raise ValueError(f"{len(predicted)} programs for {len(problems)} problems")
    copies = [reference.neighbours.copy_program(problem) for problem in problems]
    programs: dict[str, Sequence[Program | None]] = {
        MODEL: predicted,
        **others,
        NEAREST: [program for program, _ in copies],
        GOLD: [problem.gold_program for problem in problems],
    }
    judged = {
        name: [judge(problem, program) for problem, program in zip(problems, each, strict=True)]
        for name, each in programs.items()
    }
    answered = _AnsweredSet(
        problems=problems,
        judged=judged,
        seen=[reference.has_seen(problem) for problem in problems],
        checked=[reference.has_checked_twin(problem) for problem in problems],
        guesses=[reference.guess(problem) for problem in problems],
        novel=_novel(problems, predicted, reference, form),
        others=_other_shares(problems, predicted, judged, form),
        similarity=[similarity for _, similarity in copies],
        beyond=beyond,
    )
    made = any(PROBLEM_SETS[each].makes_programs for each in _known_sets(problems))
    about = {"gold_programs": MADE} if made else {}
    scores = answered.scores(range(len(problems))) | about
    if clean is not None:
        scores["clean"] = answered.scores(clean) | about
    return scores, answered.records(predicted)


def _known_sets(problems: Sequence[Problem]) -> set[str]:
    return {each.set_name for each in problems} & PROBLEM_SETS.keys()


@dataclass(frozen=True, kw_only=True)
class _AnsweredSet:
    """A set with all answers judged; any part of it can be scored."""

    problems: Sequence[Problem]
    judged: Mapping[str, Sequence[Judged]]
    seen: Sequence[bool]
    checked: Sequence[bool]
    """Whether a training problem with the same template has a right program."""
    guesses: _Hits
    """Of the most common answer."""
    novel: Sequence[bool]
    """Whether no training problem has the model's program."""
    others: Mapping[str, _Hits]
    """Of the shares that are not told apart by template."""
    similarity: Sequence[float | None]
    beyond: Sequence[bool] | None

    def scores(self, places: Sequence[int]) -> dict[str, Any]:
        """Return the scores of the problems at `places`."""
        problems = [self.problems[place] for place in places]
        seen = [self.seen[place] for place in places]
        clusters = [problem.cluster for problem in problems]
        scores: dict[str, Any] = {
            "num_problems": len(seen),
            "num_seen": sum(seen),
            "num_unseen": seen.count(False),
        }
        for name, each in self._by_template().items():
            own = [each[place] for place in places]
            scores |= share_fields(name, own, clusters)
            for ending, wanted in (("_seen", True), ("_unseen", False)):
                part = [hit if is_seen is wanted else None for hit, is_seen in zip(own, seen)]
                scores |= share_fields(name + ending, part, clusters)
        for ending, wanted in (("_seen_checked", True), ("_seen_unchecked", False)):
            counts = [self.seen[place] and self.checked[place] is wanted for place in places]
            scores[f"num{ending}"] = sum(counts)
            for name in (MODEL, NEAREST):
                own = [self.judged[name][place].right for place in places]
                part = [hit if counted else None for hit, counted in zip(own, counts)]
                scores |= share_fields(name + ending, part, clusters)
        for name, each in self.others.items():
            scores |= share_fields(name, [each[place] for place in places], clusters)
        right, nearest = (
            [self.judged[name][place].right for place in places] for name in (MODEL, NEAREST)
        )
        similarity = [self.similarity[place] for place in places]
        beyond = None if self.beyond is None else [self.beyond[place] for place in places]
        return scores | bin_scores(problems, right, nearest, similarity, beyond)

    @property
    def _has_gold(self) -> bool:
        return any(problem.program is not None for problem in self.problems)

    def _by_template(self) -> dict[str, _Hits]:
        """Return the shares that are told apart by template: answers and values, by field."""
        hits: dict[str, _Hits] = {MAJORITY: self.guesses}
        for name, found in self.judged.items():
            counts = self._has_gold or None if name == GOLD else True
            hits[name] = [counts and each.right for each in found]
            hits[name + VALUE] = [counts and each.value_right for each in found]
        own = self.judged[MODEL]
        hits[NOVEL] = self.novel
        by_novel = f"{MODEL}_{NOVEL}"
        hits[by_novel] = [new and each.right for new, each in zip(self.novel, own)]
        hits[by_novel + VALUE] = [new and each.value_right for new, each in zip(self.novel, own)]
        return hits

    def records(self, predicted: Sequence[Program | None]) -> list[dict[str, Any]]:
        """Return the outcome of each problem."""
        return [
            {
                **_record(problem, program, self.judged[MODEL][place], self.judged[NEAREST][place]),
                "seen": self.seen[place],
                "cluster": problem.cluster,
                "ways": self._ways(place),
            }
            for place, (problem, program) in enumerate(zip(self.problems, predicted))
        ]

    def _ways(self, place: int) -> dict[str, dict[str, Any]]:
        """Return what every way of answering gave for one problem."""
        ways: dict[str, dict[str, Any]] = {
            name: {
                "value": each[place].outcome.value,
                "right": each[place].right,
                "value_right": each[place].value_right,
            }
            for name, each in self.judged.items()
            if name != GOLD or self._has_gold
        }
        if None not in self.guesses:  # a letter is guessed, not a value
            ways[MAJORITY] = {"value": None, "right": self.guesses[place], "value_right": None}
        return ways


def _other_shares(
    problems: Sequence[Problem],
    predicted: Sequence[Program | None],
    judged: Mapping[str, Sequence[Judged]],
    form: Callable[[Program], Program],
) -> dict[str, _Hits]:
    """Return which problems count for each share of the model's programs."""
    mine, golden = judged[MODEL], judged[GOLD]
    known = any(problem.program is not None for problem in problems) or None
    return {
        "executes": [each.outcome.executes for each in mine],
        "program_match": [
            known and _match(problem, program, form)
            for problem, program in zip(problems, predicted)
        ],
        "value_match": [
            known and problem.domain.same(its.outcome.value, theirs.outcome.value)
            for problem, its, theirs in zip(problems, mine, golden)
        ],
    }


def _novel(
    problems: Sequence[Problem],
    predicted: Sequence[Program | None],
    reference: Reference,
    form: Callable[[Program], Program],
) -> list[bool]:
    """Return whether each program is one that no training problem has, both in the form of
    training.
    """
    known = {parse(text) for text in reference.programs}
    formed = {form(program) for program in known}
    return [
        program is not None
        and program not in known
        and not (problem.domain.has_normal_form and form(program) in formed)
        for problem, program in zip(problems, predicted, strict=True)
    ]


def _match(problem: Problem, program: Program | None, form: Callable[[Program], Program]) -> bool:
    """Return whether a program is the gold program, both in the form of training."""
    gold = problem.gold_program
    if program is None or gold is None or not problem.domain.has_normal_form:
        return program is not None and program == gold
    return form(program) == form(gold)


def _record(
    problem: Problem, program: Program | None, judged: Judged, nearest: Judged
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
        "nearest": nearest.chosen,
    }
