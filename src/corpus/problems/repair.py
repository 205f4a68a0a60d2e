"""Repaired programs: other training problems say which program of a wording is right.

A third of MathQA's programs do not give the gold answer. Twins, which differ only in their numbers,
ask for the same program. So a program that gives the gold answers of most twins is the program of
their wording, whatever the data says. Where no program is, that of a similar problem counts if it
gives the gold answers of half of the twins. Nothing is read but training problems.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.base.files import read_lines, write_lines
from corpus.problems.check import gives_gold, gold_bounds, is_checkable, is_checked
from corpus.problems.problem import Problem
from corpus.program.arithmetic.trie import ProgramTrie
from corpus.program.language import MAX_NUMBERS, Program, parse

if TYPE_CHECKING:
    from corpus.problems.neighbours import NeighbourIndex

REPAIRS = "repairs.jsonl"
"""The file name of the list of repairs, beside the problems."""

REPAIR_COUNTS = "repairs"
"""The key of their counts in the manifest of problems."""

KINDS = {
    "twin": "the program of a twin, which differs only in its numbers",
    "other": "the program of another training problem that is right for most twins",
    "similar": "the program of a similar problem",
}

LEAST_TWINS, SHARE = 3, 0.75
"""A program is that of a wording if it gives this many of its gold answers, and this share."""

MOST_TWINS, MOST_PROGRAMS = 64, 64
"""Twins of a wording that are asked, and programs of them that are tried: more cost time only."""

SIMILAR, NUM_SIMILAR = 0.5, 32
"""Least similarity of a problem whose program is taken over, and how many are looked at."""


@dataclass(frozen=True, kw_only=True)
class Repair:
    """A problem that gets another program."""

    problem: str
    """Its id."""
    kind: str
    """One of `KINDS`."""
    before: str | None
    """The program of the data, if there is one."""
    after: str
    because: tuple[str, ...]
    """The ids of the problems that speak for it: twins whose gold answers it gives, or the similar
    problem that it comes from."""


def find_repairs(problems: Sequence[Problem]) -> list[Repair]:
    """Return the repairs of training problems, in the order of the problems.

    Problems whose program gives the gold answer keep it, as do those without a gold answer and
    those over expressions.
    """
    known, left = _RightPrograms(problems), _wordings(problems)
    repairs: list[Repair] = []
    for wording in left:
        if own := wording.own_program:
            repairs += wording.repairs("twin", own)
    left = [wording for wording in left if wording.own_program is None]
    others = known.of_wordings(left)
    for place, wording in enumerate(left):
        if place in others:
            repairs += wording.repairs("other", others[place])
        elif other := known.similar(wording):
            repairs += wording.repairs("similar", str(other.program), because=(other.id,))
    places = {problem.id: place for place, problem in enumerate(problems)}
    return sorted(repairs, key=lambda repair: places[repair.problem])


def _wordings(problems: Sequence[Problem]) -> "list[_Wording]":
    """Return the wordings that have a problem whose program does not give its gold answer."""
    twins: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.domain.has_normal_form:
            twins[problem.template].append(problem)
    wordings = map(_Wording, twins.values())
    return [wording for wording in wordings if wording.wrong]


class _Wording:
    """The twins of one wording."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = problems
        checkable = [problem for problem in problems if is_checkable(problem)]
        self.wrong = [problem for problem in checkable if not is_checked(problem)]
        """Those whose program does not give the gold answer."""
        self.checkable = distinct(checkable)[:MOST_TWINS]
        """Those that say which program is right: copies of one problem count once."""
        self.needed = max(LEAST_TWINS, _most_of(len(self.checkable)))
        """The gold answers that a program must give to be that of the wording."""

    def given(self, program: Program) -> list[Problem]:
        """Return the problems whose gold answer a program gives."""
        return [problem for problem in self.checkable if gives_gold(problem, program)]

    def best(self, programs: Mapping[str, int]) -> str | None:
        """Return the program that gives most gold answers, if they are enough; of several the one
        with the highest count.
        """
        if len(self.checkable) < self.needed:
            return None
        given = {text: len(self.given(parse(text))) for text in programs}
        best = max(programs, key=lambda text: (given[text], programs[text]), default=None)
        return best if best is not None and given[best] >= self.needed else None

    @cached_property
    def _own(self) -> dict[str, int]:
        """The most common programs of the twins, each with the gold answers that it gives."""
        counts = Counter(each.program for each in self.problems if each.program is not None)
        return {text: len(self.given(parse(text))) for text, _ in counts.most_common(MOST_PROGRAMS)}

    @cached_property
    def own_program(self) -> str | None:
        """The twins' own program that is right for the wording, None if none is."""
        best = max(self._own, key=self._own.__getitem__, default=None)
        return best if best is not None and self._own[best] >= self.needed else None

    def similar(self, others: Iterable[Problem]) -> Problem | None:
        """Return the problem whose program gives most gold answers, of several the first.

        It must give half of them, two if there are two, and more than any program of the twins.
        """
        count = len(self.checkable)
        most = max(self._own.values(), default=0)
        most = max(most, min(2, count) - 1, math.ceil(count / 2) - 1)
        chosen = None
        for other in others:
            given = len(self.given(parse(str(other.program))))
            if given > most:
                most, chosen = given, other
        return chosen

    def repairs(
        self, kind: str, program: str, *, because: tuple[str, ...] | None = None
    ) -> Iterator[Repair]:
        """Yield the repairs of the wrong problems; by default the twins speak for them."""
        if because is None:
            because = tuple(problem.id for problem in self.given(parse(program)))
        for problem in self.wrong:
            if problem.program != program:
                yield Repair(
                    problem=problem.id,
                    kind=kind,
                    before=problem.program,
                    after=program,
                    because=tuple(each for each in because if each != problem.id),
                )


class _RightPrograms:
    """The programs of all training problems that give the gold answer."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self._problems = problems

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(
            str(problem.program)
            for problem in self._problems
            if problem.domain.has_normal_form and is_checked(problem)
        )

    def of_wordings(self, wordings: Sequence[_Wording]) -> dict[int, str]:
        """Return the program of each wording for which there is one, by the wording's place."""
        candidates: dict[int, set[int]] = defaultdict(set)
        texts = sorted(self._counts)
        trie = ProgramTrie([parse(text) for text in texts])
        for owners, numbers, low, high in _by_num_numbers(wordings):
            for program, row in trie.find(numbers, low, high):
                candidates[owners[row]].add(program)
        found = {}
        for owner, places in sorted(candidates.items()):
            chosen = [texts[place] for place in sorted(places)]
            best = wordings[owner].best({text: self._counts[text] for text in chosen})
            if best is not None:
                found[owner] = best
        return found

    @cached_property
    def _index(self) -> "NeighbourIndex":
        from corpus.problems.neighbours import NeighbourIndex  # scipy, which reports do not need

        return NeighbourIndex(self._problems)

    def similar(self, wording: _Wording) -> Problem | None:
        """Return a similar problem whose program is right for a wording, None if there is none."""
        problem = wording.checkable[0]
        return wording.similar(
            other
            for other, similarity in self._index.similar(problem, NUM_SIMILAR)
            if similarity >= SIMILAR and other.template != problem.template
        )


def _by_num_numbers(
    wordings: Sequence[_Wording],
) -> Iterator[tuple[list[int], np.ndarray, np.ndarray, np.ndarray]]:
    """Yield problems by how many numbers they have: their wordings' places, their numbers [rows
    numbers], and the bounds of their gold answers [rows].

    They are the first of each wording, as many as a program cannot miss that gives enough answers.
    """
    groups: dict[int, list[tuple[int, Problem]]] = defaultdict(list)
    for place, wording in enumerate(wordings):
        if len(wording.checkable) < wording.needed:
            continue
        num_first = len(wording.checkable) - wording.needed + 1
        for problem in wording.checkable[:num_first]:
            groups[len(problem.quantities)].append((place, problem))
    for _, rows in sorted(groups.items()):
        owners = [place for place, _ in rows]
        numbers = np.array([problem.quantities[:MAX_NUMBERS] for _, problem in rows], np.float64)
        bounds = np.array([gold_bounds(problem) for _, problem in rows])
        yield owners, numbers.reshape(len(rows), -1), bounds[:, 0], bounds[:, 1]


def distinct(twins: Sequence[Problem]) -> list[Problem]:
    """Return twins that differ in their numbers or gold answers: copies say nothing new."""
    different = {(each.quantities, gold_bounds(each)): each for each in reversed(twins)}
    return list(reversed(different.values()))


def enough_gold_answers(given: Sequence[bool]) -> bool:
    """True if a program is right for a wording, by whether it gives the gold answer of each twin.

    It is if it gives the answers of most; of one or two, all.
    """
    return sum(given) >= (len(given) if len(given) < LEAST_TWINS else _most_of(len(given)))


def _most_of(count: int) -> int:
    return math.ceil(SHARE * count)


def repaired(problems: Iterable[Problem], repairs: Mapping[str, Repair]) -> list[Problem]:
    """Return the problems with their repaired programs; `repairs` are by the problems' ids."""
    return [
        replace(problem, program=repairs[problem.id].after) if problem.id in repairs else problem
        for problem in problems
    ]


def count_repairs(repairs: Iterable[Repair]) -> dict[str, int]:
    """Return how many repairs there are of each kind, and of problems without a program."""
    counts = dict.fromkeys((*KINDS, "without_program"), 0)
    for repair in repairs:
        counts[repair.kind] += 1
        counts["without_program"] += repair.before is None
    return counts


def write_repairs(path: Path, repairs: Iterable[Repair]) -> None:
    """Write one repair a line."""
    write_lines(path, (asdict(repair) for repair in repairs))


def read_repairs(path: Path, *, fix: str) -> dict[str, Repair]:
    """Return what `write_repairs` wrote, by the problems' ids.

    Raises `ArtifactError` with `fix` where the file is missing or damaged.
    """
    repairs = read_lines(path, _from_json, what="a repair", fix=fix)
    return {repair.problem: repair for repair in repairs}


def _from_json(plain: dict[str, Any]) -> Repair:
    after, because = str(parse(plain["after"])), tuple(map(str, plain["because"]))
    return Repair(**{**plain, "after": after, "because": because})
