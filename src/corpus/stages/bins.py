"""Accuracy by length and by number of operations, told on the console."""

from collections.abc import Mapping
from typing import Any

from corpus.base.console import say
from corpus.evaluate.bins import KINDS, bin_title


def say_bins(score: Mapping[str, Any]) -> None:
    """Print a line for each kind of bin: accuracy, problems and nearest neighbour, bin by bin; and what lies beyond the context."""
    for kind, name in KINDS:
        if bins := score.get(kind):
            say(f"  by {name}: " + ", ".join(f"{bin_title(each)}: {_both(each)}" for each in bins))
    beyond = score.get("beyond_context")
    if beyond and beyond["num_problems"]:
        say(f"  problems longer than the trained context, solved all the same: {_both(beyond)}")


def _both(part: Mapping[str, Any]) -> str:
    return f"{part['accuracy']:.0%} of {part['num_problems']:,} (nearest {part['baseline_nearest']:.0%})"
