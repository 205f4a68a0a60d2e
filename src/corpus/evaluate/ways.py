"""Ways to answer other than one greedy program, as they are named in `scores.json`, and what people call them."""

import re
from collections.abc import Iterable

RETRIEVAL, OPTIONS = "retrieval", "_options"

_WAY = re.compile(r"(?:vote_(\d+)|retrieval)(_options)?")
_FIELD = re.compile(r"accuracy_((?:vote_\d+|retrieval)(?:_options)?)")


def vote_way(count: int) -> str:
    """Return the name of a vote of `count` programs; `OPTIONS` is appended where the options count."""
    return f"vote_{count}"


def ways(fields: Iterable[str]) -> list[tuple[str, str]]:
    """Return name and title of every way that these fields of a score speak of, in their order."""
    found = [match[1] for field in fields if (match := _FIELD.fullmatch(field))]
    return [(way, title(way)) for way in found]


def title(way: str) -> str:
    """Return what a way is called in a sentence or a table."""
    match = _WAY.fullmatch(way)
    assert match is not None
    who = (
        f"votes of {match[1]} programs"
        if match[1]
        else "votes of programs and of similar training problems"
    )
    return who + (", options known" if match[2] else "")
