"""Text that others wrote, made safe to show: in a terminal, an escape sequence is a command."""

import re

_HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""Control characters, marks of the direction of reading, and what UTF-8 or XML cannot hold."""


def visible(text: str) -> str:
    """Replace characters that cannot be shown, or that change how their neighbours are shown."""
    return _HIDDEN.sub("\ufffd", text)
