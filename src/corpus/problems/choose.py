"""Which problem sets a run trains on, which it only scores, and which it leaves out.

By default, a run trains on MathQA alone if the data has it: nothing shows that another set helps.
Without MathQA, it trains on every set that it can, but on AQuA-RAT only by name. Sets that
`problems.sets` names all belong to the run: one without a train file is only scored.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from corpus.base.errors import ConfigError, did_you_mean
from corpus.problems.registry import PROBLEM_SETS, ProblemFile

ALONE = "mathqa"
"""Beside this set, other sets are used only if `problems.sets` names them."""


@dataclass(frozen=True, kw_only=True)
class ChosenSets:
    """The sets of a run."""

    train: tuple[str, ...] = ()
    """Sets that are trained on, in the order of the registry."""
    scored: dict[str, str] = field(default_factory=dict)
    """Sets that are scored and not trained on, each with the reason."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Sets that were found and are not used, each with the reason."""
    held_out: frozenset[str] = frozenset()
    """Sets of `train` without a dev file: a part of their training problems is scored instead."""

    def describe(self) -> list[str]:
        """Return lines that say how each set is used."""
        lines = [f"problem sets trained on: {', '.join(self.train) or 'none of those found'}"]
        lines += [f"  only scored: {name}: {reason}" for name, reason in self.scored.items()]
        return lines + [f"  left out: {name}: {reason}" for name, reason in self.left_out.items()]


def choose_sets(files: Sequence[ProblemFile], named: Sequence[str] = ()) -> ChosenSets:
    """Choose among the sets of `files`.

    Args:
        files: what was found; test files are ignored, and files without a split in their name.
        named: `problems.sets`; if empty, the default above applies.

    Raises `ConfigError` where a set is not known or not among the files, is named twice, or where
    none of the named can be trained on.
    """
    splits = {
        name: {file.split for file in files if file.set_name == name} & {"train", "dev"}
        for name, known in PROBLEM_SETS.items()
        if known.load
    }
    found = [name for name in splits if splits[name]]
    _check_named(named, found, list(splits))
    alone = not named and "train" in splits[ALONE]
    sets = [name for name in found if (name in named if named else name == ALONE or not alone)]
    reasons = {name: reason for name in sets if (reason := _why_not(name, splits[name], named))}
    train = tuple(name for name in sets if name not in reasons)
    if named and not train:
        why = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise ConfigError(
            f"problems.sets names no set that can be trained on ({why}); name one that can, "
            "or leave it empty"
        )
    scored = {name: reason for name, reason in reasons.items() if "dev" in splits[name] and train}
    left_out = {name: reason for name, reason in reasons.items() if name not in scored}
    other = (
        f"{ALONE} is trained on alone unless problems.sets names others"
        if alone
        else "problems.sets does not name it"
    )
    left_out |= {name: other for name in found if name not in sets}
    return ChosenSets(
        train=train,
        scored=scored,
        left_out=left_out,
        held_out=frozenset(name for name in train if "dev" not in splits[name]),
    )


def _why_not(name: str, splits: Collection[str | None], named: Collection[str]) -> str:
    """Return why a set is not trained on; empty where it is."""
    if PROBLEM_SETS[name].only_if_named and name not in named:
        return "trained on only if problems.sets names it"
    return "" if "train" in splits else "there is no train file"


def _check_named(named: Sequence[str], found: Sequence[str], known: Sequence[str]) -> None:
    for name in named:
        if name not in known:
            raise ConfigError(
                f"problems.sets names {name!r}.{did_you_mean(name, known)} Sets: {', '.join(known)}"
            )
        if name not in found:
            there = ", ".join(found) or "none"
            raise ConfigError(
                f"problems.sets names {name}, of which the data has no train or dev file; "
                f"found: {there}"
            )
    if len(set(named)) < len(named):
        raise ConfigError(f"problems.sets names a set twice: {', '.join(named)}")
