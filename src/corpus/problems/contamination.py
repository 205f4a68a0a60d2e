"""Contamination: evaluation problems, and training data without them."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from corpus.base.errors import ConfigError, DataError
from corpus.problems.overlap import NGRAM, SHARE, Match, OverlapIndex
from corpus.problems.problem import Problem
from corpus.program.spelling import normalize

LIST = "contamination.jsonl"
"""The file name of the list of what was left out; problems and prepared text each have one."""

COUNTS = "contamination"
"""The key of its counts in the manifests of problems and prepared text."""


@dataclass(frozen=True)
class KnownProblems:
    """Evaluation problems, to be looked for in training data."""

    problems: Sequence[Problem]
    ngram: int = NGRAM
    share: float = SHARE
    """The overlap from which a text contains a problem; see `corpus.problems.overlap`."""

    def __post_init__(self) -> None:
        if self.ngram < 2 or not 0 < self.share <= 1:
            raise ConfigError(
                f"ngram is {self.ngram} and share {self.share:g}; expected 2 words or more, "
                "and a share above 0, up to 1"
            )

    def __len__(self) -> int:
        """The number of problems."""
        return len(self.problems)

    @cached_property
    def index(self) -> OverlapIndex:
        """The index of their words."""
        return OverlapIndex(
            (problem.text for problem in self.problems), ngram=self.ngram, share=self.share
        )

    def has_twin(self, problem: Problem) -> bool:
        """True if one of them differs from `problem` in its numbers alone."""
        return _template(problem) in self._templates

    @cached_property
    def _templates(self) -> frozenset[str]:
        """Their templates in MathQA's spelling; a twin shares one of them."""
        return frozenset(map(_template, self.problems))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of their texts."""
        return hashlib.sha256(
            "\x1f".join(problem.text for problem in self.problems).encode("utf-8", "replace")
        ).hexdigest()

    @property
    def sets(self) -> dict[str, int]:
        """How many there are of each set and split, such as `mathqa/dev`."""
        return dict(
            sorted(
                Counter(f"{problem.set_name}/{problem.split}" for problem in self.problems).items()
            )
        )

    def record(self, match: Match) -> dict[str, Any]:
        """Return the entry of a problem in the list of overlaps, JSON-ready."""
        problem = self.problems[match.problem]
        return {
            "problem": problem.id,
            "overlap": round(match.share, 3),
            "problem_text": problem.text,
        }


@dataclass(frozen=True)
class CleanProblems:
    """Training problems without those that contain an evaluation problem."""

    kept: list[Problem]
    dropped: list[dict[str, Any]]
    """One record for each that was left out."""
    counts: dict[str, int]
    """`rows`; `dropped`, of these `equal` (same words) and `twins_dropped`; `twins` (kept)."""


def clean_rows(
    rows: Sequence[Problem],
    known: KnownProblems,
    *,
    drop_twins: bool = False,
    drop_near_twins: bool = False,
) -> CleanProblems:
    """Leave out the problems that contain an evaluation problem; with `drop_twins` its twins too,
    with `drop_near_twins` everything that contains it with other numbers.

    Options are not compared.
    """
    kept, dropped = [], []
    names = ("rows", "dropped", "equal", "twins", "twins_dropped")
    counts: dict[str, int] = dict.fromkeys(names, 0)
    nothing: dict[str, Any] = dict.fromkeys(("problem", "overlap", "problem_text"))
    for row, matches in zip(rows, known.index.find_each(row.text for row in rows), strict=True):
        counts["rows"] += 1
        found = next((match for match in matches if not match.other_numbers), None)
        is_twin = found is None and known.has_twin(row)
        is_near = found is None and (is_twin or bool(matches))
        if found is None and not (is_twin and drop_twins) and not (is_near and drop_near_twins):
            counts["twins"] += is_twin
            kept.append(row)
            continue
        counts["twins_dropped" if found is None else "equal"] += found is None or found.is_equal
        reason, overlap = ("twin", nothing) if found is None else ("overlap", known.record(found))
        dropped.append({"row": row.id, "reason": reason, **overlap, "row_text": row.text})
    counts["dropped"] = len(dropped)
    if rows and not kept:
        raise DataError(
            f"every one of the {len(rows):,} training problems holds an evaluation problem, such "
            f"as {dropped[0]['row']}. Is the same file there as train and as another split? Give "
            "other data, or turn problems.decontaminate off (and problems.drop_twins)."
        )
    return CleanProblems(kept, dropped, counts)


def _template(problem: Problem) -> str:
    """Return the template with the spelling of sets made equal: `km/hr` and `km / hr`."""
    return normalize(problem.template)


def add_counts(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Add up the counts of several sets, name by name."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)
