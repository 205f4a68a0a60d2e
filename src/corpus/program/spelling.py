"""MathQA's spelling: the model reads every problem in it."""

import re

NUMBER = r"\d+(?:,\d+)*(?:\.\d+)?|(?<!\w)\.\d+"
"""One number. As in MathQA, digits joined by commas are one number, also `15,18`; `.5` is 0.5, but
`rs.500` is 500."""

_NOT = re.compile(r"(?<=[a-z])n['’]t\b")
_TOKEN = re.compile(rf"({NUMBER})|[^\W\d_²³¹½¼¾]+|_+|\S")


def normalize(text: str) -> str:
    """Return `text` in lower case, with one space around every word, number and sign. Idempotent.

    The numbers keep their order and their values.
    """
    words = []
    for match in _TOKEN.finditer(_NOT.sub(" n ' t", text.lower())):
        words.append("0" + match[0] if match[1] and match[0].startswith(".") else match[0])
    return " ".join(words)
