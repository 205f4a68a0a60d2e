"""The evaluation problems that a run knows, and how training is kept free of them."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from corpus.base.errors import ConfigError, DataError
from corpus.problems.numbers import template_of
from corpus.problems.overlap import NGRAM, SHARE, Match, OverlapIndex
from corpus.problems.problem import Problem

LIST = "contamination.jsonl"
"""What was left out of training, beside the problems and beside the prepared text."""

COUNTS = "contamination"
"""How the manifests beside them call its counts."""


@dataclass(frozen=True)
class KnownProblems:
    """Evaluation problems, to be found again in what a run would train on."""

    problems: Sequence[Problem]
    ngram: int = NGRAM
    share: float = SHARE
    """What counts as holding one: see `corpus.problems.overlap`."""

    def __post_init__(self) -> None:
        if self.ngram < 2 or not 0 < self.share <= 1:
            raise ConfigError(
                f"ngram is {self.ngram} and share {self.share:g}; expected 2 words or more, and a share above 0, up to 1"
            )

    def __len__(self) -> int:
        """The number of problems."""
        return len(self.problems)

    @cached_property
    def index(self) -> OverlapIndex:
        """Where their words are looked up."""
        return OverlapIndex(
            (problem.text for problem in self.problems), ngram=self.ngram, share=self.share
        )

    @cached_property
    def templates(self) -> frozenset[str]:
        """Their templates: what a twin shares with one of them."""
        return frozenset(template_of(problem.text) for problem in self.problems)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of their texts: it changes when what is looked for does."""
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
        """Return what a list of overlaps says of a problem that was found, JSON-ready."""
        problem = self.problems[match.problem]
        return {
            "problem": problem.id,
            "overlap": round(match.share, 3),
            "problem_text": problem.text,
        }


@dataclass(frozen=True)
class CleanRows:
    """Training problems without those that hold an evaluation problem."""

    kept: list[Problem]
    dropped: list[dict[str, Any]]
    """One record for each that was left out: which row, which problem, the overlap."""
    counts: dict[str, int]
    """`rows` looked at, `dropped`, of these `equal` (the same words) and `twins_dropped`; `twins` among those kept."""


def clean_rows(
    rows: Sequence[Problem], known: KnownProblems, *, drop_twins: bool = False
) -> CleanRows:
    """Leave out the rows whose question holds an evaluation problem, whatever their options; with `drop_twins` its twins too."""
    kept, dropped = [], []
    counts: dict[str, int] = dict.fromkeys(
        ("rows", "dropped", "equal", "twins", "twins_dropped"), 0
    )
    for row, matches in zip(rows, known.index.find_each(row.text for row in rows), strict=True):
        counts["rows"] += 1
        found = next((match for match in matches if not match.other_numbers), None)
        is_twin = found is None and template_of(row.text) in known.templates
        if found is not None:
            counts["equal"] += found.is_equal
            dropped.append(
                {"row": row.id, "reason": "overlap", **known.record(found), "row_text": row.text}
            )
        elif is_twin and drop_twins:
            counts["twins_dropped"] += 1
            dropped.append(
                {
                    "row": row.id,
                    "reason": "twin",
                    "problem": None,
                    "overlap": None,
                    "problem_text": None,
                    "row_text": row.text,
                }
            )
        else:
            counts["twins"] += is_twin
            kept.append(row)
    counts["dropped"] = len(dropped)
    if rows and not kept:
        raise DataError(
            f"every one of the {len(rows):,} training problems holds an evaluation problem, such as {dropped[0]['row']}. Is the same file there as "
            "train and as another split? Give other data, or turn problems.decontaminate off (and problems.drop_twins)."
        )
    return CleanRows(kept, dropped, counts)


def add_counts(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Add up the counts of several sets, name by name."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)
