"""ASDiv: 2,305 elementary-school word problems with formulas; ASDiv-A is its 1,218 with arithmetic.

Reference: Miao et al. 2020, "A diverse corpus for evaluating and developing English math word
problem solvers", ACL.
"""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from corpus.base.compressed import DAMAGE, decompressed, first_bytes
from corpus.base.errors import DataError
from corpus.problems.problem import Problem
from corpus.problems.records import MEND, read_rows, text_field
from corpus.problems.written import program_of_equation
from corpus.program.arithmetic.values import parse_value
from corpus.program.plain_numbers import plain_numbers

NAME = "asdiv"
COLUMNS = ("Body", "Question", "Answer", "Formula")

_TAGS = (b"<Problem ", b"<Body>", b"<Formula>")
_UNIT = re.compile(r"\s*\(.*", re.DOTALL)


def load_asdiv(path: Path, split: str) -> list[Problem]:
    """Read an ASDiv file: the official XML, or the same records as JSON or Parquet.

    A problem keeps its place without a program if its formula cannot be traced to its text, and
    without a gold answer if that is no number. Raises `DataError` naming file, row and value where
    a row is malformed.
    """
    rows = _xml_rows(path) if is_xml(path) else read_rows(path, COLUMNS, set_title="ASDiv")
    return [_problem(row, split, index, f"{path}, row {index}") for index, row in enumerate(rows)]


def problem_ids(path: Path) -> list[str]:
    """Return the id of each problem, such as `nluds-0001`, in the order of the file."""
    rows = _xml_rows(path) if is_xml(path) else read_rows(path, COLUMNS, set_title="ASDiv")
    return [
        text_field(row, "@ID" if "@ID" in row else "ID", f"{path}, row {index}")
        for index, row in enumerate(rows)
    ]


def is_xml(path: Path) -> bool:
    """True for a file that begins like ASDiv's XML: a problem with a body and a formula."""
    try:
        start = first_bytes(path, 1 << 16).lstrip(b"\xef\xbb\xbf \r\n\t")
    except (*DAMAGE, OSError):
        return False
    return start.startswith(b"<") and all(tag in start for tag in _TAGS)


def _xml_rows(path: Path) -> list[dict[str, str | None]]:
    """Return the fields of each problem. Raises `DataError` for anything but well-formed XML."""
    try:
        data = b"".join(decompressed(path))
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            raise DataError(f"{path} declares entities, which ASDiv does not. Get it again.")
        root = ElementTree.fromstring(data)
    except (*DAMAGE, ElementTree.ParseError, OSError, ValueError) as error:
        raise DataError(f"{path} is not readable XML ({error}). Get it again.") from None
    rows = [
        {**problem.attrib, **{each.tag: each.text for each in problem}}
        for problem in root.iter("Problem")
    ]
    if not rows:
        raise DataError(f"{path} holds no problem of ASDiv. Give a complete file.")
    return rows


def _problem(row: dict[str, Any], split: str, index: int, where: str) -> Problem:
    # The question of some says all.
    body = text_field(row, "Body", where).strip() if row.get("Body") else ""
    question, formula = (text_field(row, name, where).strip() for name in ("Question", "Formula"))
    answer = parse_value(_UNIT.sub("", text_field(row, "Answer", where)))
    text = plain_numbers(f"{body} {question}".strip(), words=True).text
    if not any(map(str.isalnum, text)):
        raise DataError(f"{where}: Question is {question!r}; expected a question. {MEND}")
    kind, left = row.get("Solution-Type"), formula.partition("=")[0]
    return Problem(
        set_name=NAME,
        split=split,
        index=index,
        text=text,
        options=(),
        correct=None,
        program=None if answer is None else program_of_equation(text, left, answer),
        category=kind if isinstance(kind, str) else "",
        answer=answer,
    )
