"""The problems of a run as files: cleaned, written, repaired, counted."""

from typing import Any

from corpus.base.console import say, warn
from corpus.base.files import write_lines
from corpus.problems.contamination import (
    COUNTS,
    LIST,
    CleanProblems,
    KnownProblems,
    add_counts,
    clean_rows,
)
from corpus.problems.held_out import TUNING
from corpus.problems.problem import Problem, write_problems
from corpus.problems.registry import PROBLEM_SETS
from corpus.problems.repair import (
    KINDS,
    REPAIR_COUNTS,
    REPAIRS,
    count_repairs,
    find_repairs,
    write_repairs,
)
from corpus.run.folder import RunFolder
from corpus.run.problems import EVALUATION, NOT_SETS, TRAIN

Sets = dict[str, dict[str, list[Problem]]]
"""Problems by set and split."""


def write_sets(
    sets: Sets,
    folder: RunFolder,
    *,
    known: KnownProblems | None = None,
    drop_twins: bool = False,
    repair: bool = False,
) -> dict[str, Any]:
    """Write the run's own copies of its problems; return their counts by set and split.

    With `known`, training problems that contain a known one are left out, counted, and listed in
    `contamination.jsonl`; of a set that known ones were made from, their twins as well. With
    `repair`, better programs for the others are written to `repairs.jsonl`; the problems
    themselves keep the programs of the data.
    """
    counts: dict[str, Any] = {}
    clean: dict[str, CleanProblems] = {}
    training: list[Problem] = []
    for name, splits in sets.items():
        if known is not None and TRAIN in splits:
            clean[name] = clean_rows(
                splits[TRAIN],
                known,
                drop_twins=drop_twins,
                drop_near_twins=_is_source_of_known(name, known),
            )
            splits = {**splits, TRAIN: clean[name].kept}
        counts[name] = {
            split: write_problems(folder.problems / f"{name}.{split}.jsonl", each)
            for split, each in splits.items()
        }
        training += splits.get(TRAIN, [])
    if known is not None:
        dropped = (record for each in clean.values() for record in each.dropped)
        write_lines(folder.problems / LIST, dropped)
        rows = add_counts(each.counts for each in clean.values())
        counts[COUNTS] = {"known": known.sets, "rows": rows}
    if repair and (repairs := find_repairs(training)):
        write_repairs(folder.problems / REPAIRS, repairs)
        counts[REPAIR_COUNTS] = count_repairs(repairs)
    return counts


def _is_source_of_known(name: str, known: KnownProblems) -> bool:
    """True if known problems were made from those of this set, so that many have twins in it."""
    there = {problem.set_name for problem in known.problems}
    return name in PROBLEM_SETS and bool(PROBLEM_SETS[name].source_of & there)


def say_counts(counts: dict[str, Any], folder: RunFolder) -> None:
    """Say what `write_sets` has written."""
    for name, parts in counts.items():
        if name in NOT_SETS:
            continue
        if not parts.keys() & {TUNING, *EVALUATION}:
            warn(
                f"{name} has no dev split here, so this run does not score it; to score it: "
                f"corpus evaluate RUN --problems {name}=FILE"
            )
        splits = ", ".join(f"{count:,} {split} problems" for split, count in parts.items())
        say(f"{name}: {splits}")
    if COUNTS in counts:
        _say_decontamination(counts[COUNTS], folder)
    else:
        warn("training problems may contain evaluation problems: problems.decontaminate is off")
    if REPAIR_COUNTS in counts:
        _say_repairs(counts[REPAIR_COUNTS], folder)


def _say_decontamination(counts: dict[str, Any], folder: RunFolder) -> None:
    rows = counts["rows"]
    known = ", ".join(f"{count:,} of {name}" for name, count in counts["known"].items())
    say(f"evaluation problems known: {known or 'none'}")
    if rows["dropped"]:
        twins = f", {rows['twins_dropped']:,} are twins" if rows["twins_dropped"] else ""
        say(
            f"  {rows['dropped']:,} of {rows['rows']:,} training problems contain one and are left "
            f"out ({rows['equal']:,} have the same words{twins}): {folder.problems / LIST}"
        )
    if rows["twins"]:
        say(
            f"  {rows['twins']:,} training problems are twins, which differ only in their numbers; "
            "they are kept (problems.drop_twins leaves them out)"
        )


def _say_repairs(counts: dict[str, int], folder: RunFolder) -> None:
    kinds = ", ".join(f"{counts[kind]:,} by {what}" for kind, what in KINDS.items() if counts[kind])
    say(
        f"  {sum(counts[kind] for kind in KINDS):,} training problems get another program, since "
        f"theirs does not give the gold answer: {folder.problems / REPAIRS}"
    )
    say(f"  ({kinds}; problems.repair false keeps the data's)")


def delete_others(folder: RunFolder, counts: dict[str, dict[str, Any]]) -> None:
    """Delete the files of sets that an earlier preparation of other data left here."""
    kept = {
        f"{name}.{split}.jsonl"
        for name, splits in counts.items()
        if name not in NOT_SETS
        for split in splits
    }
    if COUNTS in counts:
        kept.add(LIST)
    if REPAIR_COUNTS in counts:
        kept.add(REPAIRS)
    for path in folder.problems.glob("*.jsonl"):
        if path.name not in kept:
            path.unlink()
