"""What a score stands beside: guessing, copying, and the gold programs themselves.

- majority: always the most common letter among the trained problems, or, without options, their most common answer;
- nearest neighbour: the program of the most similar trained problem with the new numbers put in (of ten, those with as many quantities first,
  the first whose program executes);
- gold ceiling: the data's own programs, which is as far as a perfect program predictor gets.

All are judged by the same rule as the model's programs.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from corpus.evaluate.judge import Judged, judge
from corpus.problems.neighbours import NeighbourIndex
from corpus.problems.numbers import template_of
from corpus.problems.problem import Problem
from corpus.program.answer import is_answer
from corpus.program.language import parse


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What a run was trained on, as far as scoring needs it."""

    majority: Mapping[str, str | None]
    """By set the most common key, None where no trained problem of it has options; under "" of all sets together."""
    common_answer: Mapping[str, float | None]
    """By set the most common answer of trained problems without options, None where there are none; under "" of all sets together."""
    neighbours: NeighbourIndex
    templates: frozenset[str]
    """Templates of every text that was trained on."""

    @classmethod
    def build(cls, train_problems: Sequence[Problem], *, has_read: bool = True) -> "Reference":
        """Return the reference of a run trained on `train_problems`.

        `has_read` is False for a run that read none of `train_problems`.
        """
        trained = (
            {template_of(problem.text) for problem in train_problems} if has_read else set[str]()
        )
        by_set: dict[str, list[Problem]] = {"": list(train_problems)}
        for problem in train_problems:
            by_set.setdefault(problem.set_name, []).append(problem)
        return cls(
            majority={name: majority_letter(problems) for name, problems in by_set.items()},
            common_answer={name: common_answer(problems) for name, problems in by_set.items()},
            neighbours=NeighbourIndex(train_problems),
            templates=frozenset(trained),
        )

    def has_seen(self, problem: Problem) -> bool:
        """True where a problem with the same template was trained on."""
        return template_of(problem.text) in self.templates

    def guesses(self, problem: Problem) -> bool | None:
        """True where the most common key is the problem's; None where training had none of its kind, or the key is an expression.

        It is that of the problem's own set where that was trained on, and of all sets together otherwise.
        """
        if problem.expression is not None:
            return None
        if problem.options:
            letter = self.majority.get(problem.set_name) or self.majority[""]
            return None if letter is None else problem.correct == letter
        answer = self.common_answer.get(problem.set_name)
        answer = self.common_answer[""] if answer is None else answer
        return None if answer is None else is_answer(answer, problem.answer)


def majority_letter(problems: Iterable[Problem]) -> str | None:
    """Return the most common key, the first in the alphabet of equals; None where no problem has one."""
    counts = Counter(problem.correct for problem in problems if problem.correct is not None)
    return min(counts, key=lambda letter: (-counts[letter], letter)) if counts else None


def common_answer(problems: Iterable[Problem]) -> float | None:
    """Return the most common answer of problems without options, the smallest of equals; None where there are none."""
    counts = Counter(
        problem.answer for problem in problems if problem.answer is not None and not problem.options
    )
    return min(counts, key=lambda answer: (-counts[answer], answer)) if counts else None


def judge_neighbours(
    problems: Iterable[Problem], reference: Reference
) -> tuple[list[Judged], list[float | None]]:
    """Judge the copied program of each problem's nearest neighbour, and return how similar that is, 0…1; None where there is none."""
    copies = [(problem, *reference.neighbours.copy_program(problem)) for problem in problems]
    return [judge(problem, program) for problem, program, _ in copies], [
        similarity for _, _, similarity in copies
    ]


def judge_gold(problems: Iterable[Problem]) -> list[Judged]:
    """Judge each problem's own program; a problem without one is wrong."""
    return [
        judge(problem, parse(problem.program) if problem.program is not None else None)
        for problem in problems
    ]
