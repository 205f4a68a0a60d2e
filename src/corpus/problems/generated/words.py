"""The words of `words.toml` for the slots of templates: `{item}`, or `{item2}` for another one."""

import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from corpus.problems.generated.reader import read_file

SLOT = re.compile(r"\{([a-z_$]+?)(\d?)\}", re.ASCII)
_BETWEEN = " | "


@dataclass(frozen=True, eq=False)
class _Group:
    """Slots filled from the same row; a row has a form for each slot, ` | ` between them."""

    slots: tuple[str, ...]
    rows: tuple[str, ...]

    def check(self) -> None:
        for row in self.rows:
            if len(row.split(_BETWEEN)) != len(self.slots):
                raise ValueError(
                    f"the row {row!r} must have a form for each of {', '.join(self.slots)}, "
                    f"with {_BETWEEN!r} between them"
                )


@dataclass(frozen=True)
class _Words:
    groups: tuple[_Group, ...]

    def check(self) -> None:
        slots = [slot for group in self.groups for slot in group.slots]
        for slot in slots:
            if slots.count(slot) > 1 or not SLOT.fullmatch(f"{{{slot}}}") or slot[-1].isdecimal():
                raise ValueError(
                    f"slots has {slot!r}, expected names that differ, of letters a-z, _ and $"
                )


@cache
def slots() -> dict[str, tuple[_Group, int]]:
    """Return every slot that a template may use, without digits: its group and its place there."""
    groups = read_file(Path(__file__).with_name("words.toml"), _Words).groups
    return {slot: (group, place) for group in groups for place, slot in enumerate(group.slots)}


class Wording:
    """The words of one problem: a slot keeps its word; with another digit it gets another word."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._rows: dict[tuple[_Group, str], int] = {}

    def fill(self, text: str) -> str:
        """Return `text` with every slot replaced by its word."""
        return SLOT.sub(lambda match: self._word(match[1], match[2]), text)

    def _word(self, name: str, digit: str) -> str:
        group, place = slots()[name]
        if (group, digit) not in self._rows:
            used = {row for (other, _), row in self._rows.items() if other is group}
            self._rows[group, digit] = self._rng.choice(
                [row for row in range(len(group.rows)) if row not in used]
            )
        return group.rows[self._rows[group, digit]].split(_BETWEEN)[place]
