"""Quantities with units: budgets ("45m", "2M tokens", "120 steps"), counts and durations."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from corpus.base.errors import ConfigError

_SECONDS = {
    **dict.fromkeys(("s", "sec", "second"), 1),
    **dict.fromkeys(("m", "min", "minute"), 60),
    **dict.fromkeys(("h", "hour"), 3600),
    **dict.fromkeys(("d", "day"), 86400),
}
_SCALE = {"": 1, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")
_COUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kmbt]?)\s*(tokens?|steps?)")


MAX_CHARACTERS = 100
"""Of a budget or a duration."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long to train: wall-clock seconds, tokens, or optimizer steps."""

    kind: Literal["seconds", "tokens", "steps"]
    amount: float

    @property
    def is_clock(self) -> bool:
        """True if the budget is wall-clock time: progress then depends on the machine's speed."""
        return self.kind == "seconds"

    def __str__(self) -> str:
        if self.is_clock:
            return format_duration(self.amount)
        return f"{format_count(self.amount)} {self.kind}"


def parse_budget(text: str) -> Budget:
    """Read `45m`, `1h30m`, `90s`, `2M tokens` or `120 steps`. Raises `ConfigError`."""
    _check_length(text)
    clean = str(text).strip().lower()
    if re.fullmatch(r"[\d.]+\s*M", str(text).strip()):
        number = clean.removesuffix("m").strip()
        raise ConfigError(
            f"budget {text!r} could be minutes or millions; write {number}m for minutes or "
            f"{number}M tokens"
        )
    if match := _COUNT.fullmatch(clean):
        kind = "tokens" if match[3].startswith("token") else "steps"
        amount = round(float(match[1]) * _SCALE[match[2]], 6)
        if not amount.is_integer():
            raise ConfigError(f"budget {text!r} is {amount:g} {kind}; expected a whole number")
        budget = Budget(kind=kind, amount=amount)
    else:
        budget = Budget(kind="seconds", amount=parse_duration(clean))
    if budget.amount <= 0:
        raise ConfigError(f"budget {text!r} is zero; expected a positive time, tokens or steps")
    return budget


def parse_duration(text: str) -> float:
    """Return the seconds in `90s`, `45m`, `1h30m`. Raises `ConfigError`."""
    _check_length(text)
    clean = text.strip().lower().replace(" ", "")
    parts = _DURATION.findall(clean)
    if not parts or "".join(number + unit for number, unit in parts) != clean:
        raise ConfigError(
            f"{text!r} is not a budget; write a time (45m, 2h, 1h30m, 90s), tokens (2M tokens) or "
            "steps (120 steps)"
        )
    total = 0.0
    for number, unit in parts:
        singular = unit.removesuffix("s") if len(unit) > 2 else unit  # "mins", but not "ms"
        scale = _SECONDS.get(unit) or _SECONDS.get(singular)
        if scale is None:
            raise ConfigError(
                f"{text!r} has an unknown unit {unit!r}; write s, m, h or d (45m), or tokens or "
                "steps (120 steps)"
            )
        total += float(number) * scale
    return total


def _check_length(text: str) -> None:
    """Raise `ConfigError` for a text that is too long to be a quantity: reading takes longer."""
    if len(str(text)) > MAX_CHARACTERS:
        raise ConfigError(
            f"{str(text)[:20]!r}… has {len(str(text)):,} characters; write a time (45m, 2h, 1h30m, "
            "90s), tokens (2M tokens) or steps (120 steps)"
        )


def format_duration(seconds: float) -> str:
    """Write seconds for people: `42s`, `3m 20s`, `1h 05m`; `?` if they are not finite."""
    if not math.isfinite(seconds):
        return "?"
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m {seconds % 60:02d}s"
    minutes = round(seconds / 60)
    return f"{minutes // 60}h {minutes % 60:02d}m"


def format_count(count: float) -> str:
    """Write a count in at most four digits: `950`, `9,871`, `12.3K`, `4.56M`; `?` if not finite."""
    if not math.isfinite(count):
        return "?"
    if abs(count) < 9_999.5:
        return f"{count:,.0f}"
    for power, suffix in enumerate("KMBT", start=1):
        scaled = count / 1000**power
        if abs(scaled) < 999.5:
            return f"{scaled:.3g}{suffix}"
    return f"{count / 1e12:,.0f}T"
