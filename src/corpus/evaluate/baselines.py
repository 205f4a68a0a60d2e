"""What a run was trained on, for the baselines and for telling seen from unseen templates."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.problems.check import is_checked, is_gold
from corpus.problems.neighbours import NeighbourIndex
from corpus.problems.problem import Problem
from corpus.program.domain import Domain

_Group = tuple[str, Domain[Any]]
"""A set, or all sets together (""), and a domain."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The training problems, as far as scoring needs them."""

    majority: Mapping[_Group, str | None]
    """The most common gold letter of each group, None if none of its problems has options."""
    common_answer: Mapping[_Group, float | None]
    """The most common gold answer of each group's problems without options, None without any."""
    neighbours: NeighbourIndex
    given: NeighbourIndex | None
    """The same problems with the programs of the data, where some were repaired."""
    templates: frozenset[str]
    """Templates of every text that was trained on."""
    checked_templates: frozenset[str]
    """Those of them with a problem whose program gives the gold answer."""

    programs: frozenset[str]
    """The programs of the training problems."""

    @classmethod
    def build(
        cls,
        train_problems: Sequence[Problem],
        *,
        given: Sequence[Problem] | None = None,
        has_read: bool = True,
    ) -> "Reference":
        """Return the reference of a run trained on `train_problems`.

        `given` are the same problems with the programs of the data, where some were repaired.
        `has_read` is False for a run that read none of `train_problems`.
        """
        groups: dict[_Group, list[Problem]] = defaultdict(list)
        for problem in train_problems:
            for name in (problem.set_name, ""):
                groups[name, problem.domain].append(problem)
        return cls(
            majority={group: majority_letter(problems) for group, problems in groups.items()},
            common_answer={group: common_answer(problems) for group, problems in groups.items()},
            neighbours=NeighbourIndex(train_problems),
            given=NeighbourIndex(given) if given is not None else None,
            programs=frozenset(each.program for each in train_problems if each.program),
            templates=frozenset(each.template for each in train_problems if has_read),
            checked_templates=frozenset(
                each.template for each in train_problems if has_read and is_checked(each)
            ),
        )

    def has_seen(self, problem: Problem) -> bool:
        """True if a problem with the same template was trained on."""
        return problem.template in self.templates

    def has_checked_twin(self, problem: Problem) -> bool:
        """True if a problem with the same template and a right program was trained on."""
        return problem.template in self.checked_templates

    def guess(self, problem: Problem) -> bool | None:
        """Return whether the most common gold answer of training is the problem's.

        Training's answer is that of the problem's own set if the set was trained on, else that of
        all sets together. None if training had no problem of this kind.
        """
        own, every = (problem.set_name, problem.domain), ("", problem.domain)
        if problem.options:
            letter = self.majority.get(own) or self.majority.get(every)
            return None if letter is None else is_gold(problem, letter)
        answer = self.common_answer.get(own)
        answer = self.common_answer.get(every) if answer is None else answer
        if answer is None:
            return None
        return problem.domain.is_answer(answer, problem.gold_answer, problem.gold_program)


def majority_letter(problems: Iterable[Problem]) -> str | None:
    """Return the most common gold letter; ties go to the first letter. None without any."""
    return _most_common(problem.correct for problem in problems)


def common_answer(problems: Iterable[Problem]) -> float | None:
    """Return the most common gold answer of problems without options; ties go to the smallest.

    None if there are none.
    """
    return _most_common(problem.answer for problem in problems if not problem.options)


def _most_common(values: Iterable[Any]) -> Any:
    counts = Counter(value for value in values if value is not None)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else None
