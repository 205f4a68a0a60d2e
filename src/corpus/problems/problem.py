"""One record for the problems of every set, and files of them.

A problem is read once: what is derived from its text is kept with it.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from types import NoneType
from typing import Any

from corpus.base.files import atomic_path, read_lines
from corpus.base.plain import short
from corpus.program.domain import AnswerOption, Domain, Quantity
from corpus.program.domains import domain_of
from corpus.program.language import MAX_NUMBERS, Program, parse

GENERATED, SYMBOLIC = "generated", "symbolic"
"""The sets that we generate: over numbers, and over expressions."""


@dataclass(frozen=True)
class Problem:
    """A problem with its options, gold answer and gold program, as far as its set has them."""

    set_name: str
    """The set it belongs to, such as `mathqa`; empty for a question that a user typed."""
    split: str
    """The part of the set, such as `train` or `dev`."""
    index: int
    """Its place in the file, from 0."""
    text: str
    """The question as the set gives it."""
    options: tuple[AnswerOption, ...]
    """The answers to choose from; empty where the set has none."""
    correct: str | None
    """The letter of the gold option."""
    program: str | None
    """The gold program in canonical form; None if there is none, or none in the language."""
    category: str
    """The set's own name for the kind of problem."""
    answer: float | None = None
    """The gold answer, a number, where a problem has no options."""
    expression: str | None = None
    """The gold answer of a problem over expressions: an expression (right up to a constant if
    it has the letter C), an equation, or a set of solutions `{-2, 2}`."""
    family: str | None = None
    """What it was varied from: the formula that generated it, or its story in SVAMP. None where a
    set has no families."""

    @classmethod
    def question(cls, text: str, options: tuple[AnswerOption, ...] = ()) -> "Problem":
        """Return a question whose answer is not known."""
        return cls("", "", 0, text, options, correct=None, program=None, category="")

    def __getstate__(self) -> dict[str, Any]:
        """Leave what is derived from the text out of copies and pickles."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def id(self) -> str:
        """`set/split/index`, such as `mathqa/dev/17`."""
        return f"{self.set_name}/{self.split}/{self.index}"

    @property
    def gold_answer(self) -> Quantity | None:
        """The gold answer of a problem without options: a number or an expression."""
        return self.answer if self.expression is None else self.expression

    @cached_property
    def domain(self) -> Domain[Any]:
        """The kind of problem, which the text decides."""
        return domain_of(self.text)

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """The quantities n0, n1, …: numbers, or the texts of expressions."""
        return tuple(span.value for span in self.domain.find(self.text))

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """The words around the quantities that have a symbol, in MathQA's spelling."""
        return tuple(self.domain.pieces(self.text, MAX_NUMBERS))

    @cached_property
    def template(self) -> str:
        """The text in lower case, each quantity replaced by one mark, runs of white space folded.

        Two problems with one template differ in their quantities alone. A problem is
        *template-seen* if its template was trained on.
        """
        return " ".join(self.domain.mask(self.text.lower()).split())

    @cached_property
    def gold_program(self) -> Program | None:
        """The gold program, parsed."""
        return None if self.program is None else parse(self.program)

    @property
    def cluster(self) -> str:
        """The cluster of the problem, for cluster-robust intervals.

        A model tends to have all problems of a cluster right or all wrong. The cluster is the
        family where a set has families, else the template of the text.
        """
        if self.family is None and self.set_name in (GENERATED, SYMBOLIC):
            return str(self.program)  # runs of older versions have no families
        return self.group

    @property
    def group(self) -> str:
        """Its family, or the template of its text: what is held out as a whole."""
        return self.family or self.template

    def to_json(self) -> dict[str, Any]:
        """Return the problem as JSON values."""
        plain = asdict(self)
        for name in ("expression", "family"):  # most sets have none
            if plain[name] is None:
                del plain[name]
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Problem":
        """Read what `to_json` returns.

        Raises `ValueError`, `KeyError` or `TypeError` for anything else.
        """
        for name, value in plain.items():
            if not isinstance(value, _TYPES.get(name, object)) or isinstance(value, bool):
                raise ValueError(f"{name} is {short(value)}")
        if not plain["text"].strip():
            raise ValueError(f"text is {plain['text']!r}, expected a question")
        program = None if plain["program"] is None else str(parse(plain["program"]))
        options = tuple(map(_read_option, plain["options"]))
        return cls(**{**plain, "program": program, "options": options})


_TYPES: dict[str, Any] = {
    **dict.fromkeys(("set_name", "split", "text", "category"), str),
    **dict.fromkeys(("correct", "program", "expression", "family"), (str, NoneType)),
    "index": int,
    "options": (list, tuple),
    "answer": (int, float, NoneType),
}
"""The types of the fields in JSON."""


def _read_option(plain: Any) -> AnswerOption:
    option = AnswerOption(**plain)
    is_value = option.value is None or isinstance(option.value, (int, float))
    if not (isinstance(option.letter, str) and isinstance(option.text, str) and is_value):
        raise ValueError(f"an option is {short(plain)}")
    return option


def write_problems(path: Path, problems: Iterable[Problem]) -> int:
    """Write one problem a line, atomically; return how many."""
    count = 0
    with (
        atomic_path(Path(path)) as temporary,
        open(temporary, "w", encoding="utf-8", newline="\n") as file,
    ):
        for problem in problems:
            file.write(json.dumps(problem.to_json(), ensure_ascii=False) + "\n")
            count += 1
    return count


def read_problems(path: Path, *, fix: str = "Prepare the data again.") -> list[Problem]:
    """Read what `write_problems` wrote.

    Raises `ArtifactError` naming file, line and `fix` where it is missing or damaged.
    """
    return read_lines(path, Problem.from_json, what="a problem", fix=fix)
