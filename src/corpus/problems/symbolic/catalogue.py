"""The templates: combinations of phrases, each of them an operation, and templates written whole.

`what is the largest zero of the derivative of the product of 3x and x + 2 ?` is a question around
two phrases around an opening. Some combinations, and some templates written whole, are held out:
scored and never trained on, though each of their parts is trained on elsewhere.
"""

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from corpus.problems.generated.reader import read_file
from corpus.problems.generated.template import (
    SO_FAR,
    Template,
    check_around,
    check_names,
    check_texts,
    without,
)
from corpus.problems.symbolic.draw import DRAWS, EXPRESSIONS, QUANTITIES
from corpus.program.tree import Node, names_in, operations_in, substitute

Split = Literal["train", "heldout"]

_MOST_PHRASES, _MOST_STEPS = 2, 5
_TEXTS = 8
"""Wordings of one combination."""
_HELD_OUT = 6
"""One in this many combinations is held out."""
_HIGHEST_ORDER = 2
"""Of derivatives; the third one of a cubic is a constant."""
_RAISING = ("multiply", "power", "integrate")
"""Operations that raise the degree, so that zeros cannot be written down."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SymbolicTemplate(Template):
    """A family of problems over expressions."""

    draw: str
    """How its quantities are drawn: a name of `draw.DRAWS`."""

    @property
    def category(self) -> str:
        """The operation that gives the answer."""
        return self.programs[0].steps[-1].operation

    def check(self) -> None:
        """Raise `ValueError` where formula and texts do not fit together, or with the draw."""
        super().check()
        _check_draw(self.draw, DRAWS)
        check_texts(self.formula, self.texts, known=QUANTITIES[self.draw])


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """An operation on what stands inside it (`it` in the formula, `@` in the texts)."""

    name: str
    formula: Node
    texts: tuple[str, ...]

    def check(self) -> None:
        """Raise `ValueError` where formula and texts do not fit together."""
        check_around(self.formula, self.texts)
        check_texts(self.formula, self.texts, known=QUANTITIES["curve"], shown=("it", "f"))


@dataclass(frozen=True, kw_only=True, eq=False)
class Question(Part):
    """What is asked."""

    draw: str = "curve"
    """What it asks about, unless its phrases need a simpler one: a name of `draw.EXPRESSIONS`."""

    def check(self) -> None:
        """Raise `ValueError` where formula, texts and draw do not fit together."""
        super().check()
        _check_draw(self.draw, EXPRESSIONS)


@dataclass(frozen=True)
class SymbolicFile:
    """The file of templates: the parts of combinations, and templates written whole."""

    openings: tuple[str, ...]
    phrases: tuple[Part, ...]
    questions: tuple[Question, ...]
    templates: tuple[SymbolicTemplate, ...]

    def check(self) -> None:
        """Raise `ValueError` where an opening does not show `<f>`."""
        check_texts("f", self.openings, known="f")


def _check_draw(draw: str, known: Iterable[str]) -> None:
    if draw not in known:
        raise ValueError(f"draw is {draw!r}, expected one of {', '.join(known)}")


@cache
def templates() -> dict[Split, tuple[SymbolicTemplate, ...]]:
    """Return the templates of each split: no program shape is in both.

    Raises `DataError` if the file of templates is malformed.
    """
    file = read_file(Path(__file__).with_name("templates.toml"), SymbolicFile)
    combined = list(_combinations(file))
    check_names((*file.templates, *combined))
    own = [each for each in file.templates if not each.heldout]
    basic = [each for each in combined if "/" not in each.name]
    held = [
        *(each for each in file.templates if each.heldout),
        *(each for each in combined if _is_held_out(each)),
    ]
    heldout = without(held, [*own, *basic])
    return {"train": without([*own, *combined], heldout), "heldout": heldout}


def _is_held_out(template: SymbolicTemplate) -> bool:
    """Whether a combination is held out; a question without phrases never is."""
    return "/" in template.name and _mark("held out", template.name) % _HELD_OUT == 0


def _combinations(file: SymbolicFile) -> Iterator[SymbolicTemplate]:
    """Yield every question around none, one or two phrases that is worth asking."""
    for count in range(_MOST_PHRASES + 1):
        for phrases in itertools.permutations(file.phrases, count):
            for question in file.questions:
                if _is_worth_asking(phrases, question):
                    template = _combined(file.openings, phrases, question)
                    if len(template.programs[0].steps) <= _MOST_STEPS:
                        yield template


def _combined(
    openings: tuple[str, ...], phrases: tuple[Part, ...], question: Question
) -> SymbolicTemplate:
    """Return the template of a question around phrases, innermost first, around an opening."""
    parts = (*phrases, question)
    formula, name = "f", "/".join(part.name for part in parts)
    for part in parts:
        formula = substitute(part.formula, {"it": formula})
    texts = []
    for place in range(_TEXTS):
        text = _chosen(openings, name, place)
        for part in parts:
            text = _chosen(part.texts, name, place, part.name).replace(SO_FAR, text)
        texts.append(text)
    return SymbolicTemplate(
        name=name,
        formula=formula,
        draw=_draw_of(phrases, question),
        texts=tuple(dict.fromkeys(texts)),
    )


def _draw_of(phrases: tuple[Part, ...], question: Question) -> str:
    """Return how to draw the expression, so that the answer can be written down."""
    if any(_count([phrase], "differentiate") > 1 for phrase in phrases):
        return "cubic"
    if _count(phrases, *_RAISING):
        return "quadratic"
    asks_for_turning_points = _count(phrases, "differentiate") and _count([question], "solve")
    return "cubic" if asks_for_turning_points else question.draw


def _is_worth_asking(phrases: tuple[Part, ...], question: Question) -> bool:
    """False where nothing is asked, a step undoes another, `<g>` comes twice, or zeros are hard."""
    parts = (*phrases, question)
    if (
        all(part.formula == "it" for part in parts)
        or _count(parts, "differentiate") > _HIGHEST_ORDER
        or sum("g" in names_in(part.formula) for part in parts) > 1
        or (_count([question], "solve") and _count(phrases, *_RAISING))
    ):
        return False
    return not any(
        _count([first], one) and _count([second], other)
        for first, second in itertools.pairwise(parts)
        for one, other in itertools.permutations(("differentiate", "integrate"))
    )


def _count(parts: Iterable[Part], *operations: str) -> int:
    """Return how often parts apply one of some operations."""
    return sum(name in operations for part in parts for name in operations_in(part.formula))


def _chosen(texts: tuple[str, ...], *marks: object) -> str:
    return texts[_mark(*marks) % len(texts)]


def _mark(*marks: object) -> int:
    return int.from_bytes(hashlib.sha256("/".join(map(str, marks)).encode()).digest()[:6])
