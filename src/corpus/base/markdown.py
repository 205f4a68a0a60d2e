"""Text that others wrote, made safe for Markdown."""

import re

from corpus.base.visible import visible

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!$]|:(?=//)|(?<=www)\.)")
_LINE_START = re.compile(r"^(\s*)([-+=]|\d+[.)])(?=\s|$)")


def clean(text: str) -> str:
    """Escape a text for a line of Markdown: no markup, no line break, no control characters."""
    return _LINE_START.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", one_line(text)))


def one_line(text: str) -> str:
    """Return a text in one line, without control characters."""
    return " ".join(visible(text).split())
