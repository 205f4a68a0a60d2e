"""The templates: phrases put inside phrases, each of them an operation, and questions of their own.

`what is the largest zero of the derivative of the product of 3x and x + 2 ?` is a question around two phrases around an opening. Some such
combinations, and some questions of their own, are held out: scored and never trained on, though each of their parts is trained on elsewhere.
"""

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from corpus.problems.generated.formula import Node, linearize, parse_formula, shape
from corpus.problems.generated.template import number_order
from corpus.problems.symbolic import draw
from corpus.program.language import Program

Split = Literal["train", "heldout"]

_MOST_STEPS = 5
_HELD_OUT = 6
"""One of so many combinations is held out."""


@dataclass(frozen=True, kw_only=True)
class SymbolicTemplate:
    """A family of problems that one formula solves; in a text, `<f>` is a quantity and `[find|give]` a choice."""

    name: str
    formula: str
    """The solution over the names of the quantities (see `generated.formula.parse_formula`)."""
    draw: draw.Draw
    texts: tuple[str, ...]

    @cached_property
    def node(self) -> Node:
        """The formula, read."""
        return parse_formula(self.formula)

    @cached_property
    def programs(self) -> tuple[Program, ...]:
        """The program of each text: the same formula, the quantities counted in the order of that text."""
        return tuple(linearize(self.node, number_order(text)) for text in self.texts)

    @property
    def category(self) -> str:
        """The operation that gives the answer."""
        return self.programs[0].steps[-1].operation


@dataclass(frozen=True, kw_only=True)
class Part:
    """An operation on what was said so far (`it` in the formula, `@` in the texts)."""

    name: str
    formula: str
    texts: tuple[str, ...]
    kind: str = "curve"
    """What it is asked of where no phrase stands around it; only of a question."""


def _part(name: str, formula: str, *texts: str, kind: str = "curve") -> Part:
    return Part(name=name, formula=formula, texts=texts, kind=kind)


_X = "variable(f)"
_PHRASES = (
    _part(
        "derivative",
        f"differentiate(it, {_X})",
        "the derivative of @",
        "the first derivative of @",
        "the slope of @",
    ),
    _part(
        "second",
        f"differentiate(differentiate(it, {_X}), {_X})",
        "the second derivative of @",
        "the derivative of the derivative of @",
    ),
    _part(
        "integral",
        f"integrate(it, {_X})",
        "an antiderivative of @",
        "the indefinite integral of @",
        "the antiderivative of @",
    ),
    _part("sum", "add(it, g)", "the sum of @ and <g>", "the result of adding <g> to @"),
    _part(
        "difference",
        "subtract(it, g)",
        "the difference of @ and <g>",
        "the result of subtracting <g> from @",
    ),
    _part(
        "product",
        "multiply(it, g)",
        "the product of @ and <g>",
        "the result of multiplying @ by <g>",
    ),
    _part("square", "power(it, 2)", "the square of @", "the second power of @"),
)
_ASKS = (
    _part(
        "find", "it", "[find|compute|determine] @ .", "what is @ ?", "work out @ .", "calculate @ ."
    ),
    _part(
        "value",
        "substitute(it, at)",
        "what is @ [at|when|for] <at> ?",
        "find the value of @ at <at> .",
        "evaluate @ at the point <at> .",
    ),
    _part(
        "zeros",
        f"solve(it, {_X})",
        "where is @ zero ?",
        "find the [zeros|roots] of @ .",
        "for what values does @ vanish ?",
        kind="quadratic",
    ),
    _part(
        "largest",
        f"largest(solve(it, {_X}))",
        "what is the largest [zero|root] of @ ?",
        "find the greatest root of @ .",
        kind="quadratic",
    ),
    _part(
        "smallest",
        f"smallest(solve(it, {_X}))",
        "what is the smallest [zero|root] of @ ?",
        "find the least root of @ .",
        kind="quadratic",
    ),
    _part(
        "definite",
        f"subtract(substitute(integrate(it, {_X}), b), substitute(integrate(it, {_X}), a))",
        "find the integral of @ from <a> to <b> .",
        "how large is the area under @ between <a> and <b> ?",
        "integrate @ from <a> to <b> .",
    ),
    _part(
        "change",
        "subtract(substitute(it, b), substitute(it, a))",
        "by how much does @ [change|grow] between <a> and <b> ?",
        "what is the change of @ from <a> to <b> ?",
    ),
    _part(
        "meets",
        f"solve(equate(it, g), {_X})",
        "where is @ equal to <g> ?",
        "at what points does @ meet <g> ?",
        kind="quadratic",
    ),
    _part(
        "expand",
        "expand(it)",
        "expand @ .",
        "multiply out @ .",
        "write @ without brackets .",
        kind="bracketed",
    ),
    _part(
        "factor",
        "factor(it)",
        "factor @ .",
        "factorise @ .",
        "write @ as a product of factors .",
        kind="quadratic",
    ),
    _part(
        "simplify",
        "simplify(it)",
        "simplify @ .",
        "write @ as simply as possible .",
        "reduce @ to its simplest form .",
        kind="fraction",
    ),
    _part(
        "differentiate",
        f"differentiate(it, {_X})",
        "differentiate @ .",
        "take the derivative of @ .",
    ),
    _part(
        "differentiate_by",
        "differentiate(it, x)",
        "differentiate @ with respect to <x> .",
        "find d / d <x> of @ .",
    ),
    _part(
        "integrate",
        f"integrate(it, {_X})",
        "integrate @ .",
        "find the general antiderivative of @ .",
    ),
    _part(
        "integrate_by",
        "integrate(it, x)",
        "integrate @ with respect to <x> .",
        "find the integral of @ d <x> .",
    ),
)
_ABOUT_ZEROS = ("zeros", "largest", "smallest", "meets")
_ORDER = {"derivative": 1, "second": 2, "differentiate": 1, "differentiate_by": 1}
_HIGHEST_ORDER = 2
"""Of derivatives; little is left of a cubic after three."""
_DIRECTION = {
    **dict.fromkeys(("derivative", "second", "differentiate", "differentiate_by"), "down"),
    **dict.fromkeys(("integral", "integrate", "integrate_by", "definite"), "up"),
}
"""Of what takes a derivative, and of what takes it back."""
_OPENINGS = ("<f>", "<f>", "the expression <f>", "the function f ( x ) = <f>", "y = <f>")
_KINDS = {
    kind.__name__: kind
    for kind in (draw.quadratic, draw.cubic, draw.curve, draw.bracketed, draw.fraction)
}


def _combined(phrases: tuple[Part, ...], ask: Part) -> SymbolicTemplate:
    """Return the template of a question around phrases around an opening, innermost phrase first."""
    formula, name = "f", "/".join([*(part.name for part in phrases), ask.name])
    for part in (*phrases, ask):
        formula = formula if part.formula == "it" else _inside(part.formula, formula)
    texts = []
    for place in range(8):
        text = _chosen(_OPENINGS, name, place)
        for part in (*phrases, ask):
            text = _chosen(part.texts, name, place, part.name).replace("@", text)
        texts.append(text)
    kind = draw.quantities(_KINDS[_kind(phrases, ask)])
    return SymbolicTemplate(
        name=name, formula=formula, draw=kind, texts=tuple(dict.fromkeys(texts))
    )


def _kind(phrases: tuple[Part, ...], ask: Part) -> str:
    """Return what a combination is asked of, so that its answer can be written down."""
    names = {part.name for part in phrases}
    if not names or names <= {"derivative", "sum", "difference"}:
        return "cubic" if ask.name in _ABOUT_ZEROS and "derivative" in names else ask.kind
    return "cubic" if "second" in names else "quadratic"


def _inside(formula: str, inner: str) -> str:
    return formula.replace("(it", f"({inner}")


def _chosen(texts: tuple[str, ...], *marks: object) -> str:
    return texts[_mark(*marks) % len(texts)]


def _mark(*marks: object) -> int:
    return int.from_bytes(hashlib.sha256("/".join(map(str, marks)).encode()).digest()[:6])


def _combinations() -> Iterator[SymbolicTemplate]:
    """Yield every question around none, one or two phrases that is worth asking."""
    for count in range(3):
        for phrases in itertools.permutations(_PHRASES, count):
            yield from (_combined(phrases, ask) for ask in _ASKS if _is_worth_asking(phrases, ask))


def _is_worth_asking(phrases: tuple[Part, ...], ask: Part) -> bool:
    """False where there is nothing to do, where it is undone at once, where `<g>` would be two things, or where zeros are out of reach."""
    names = [*(part.name for part in phrases), ask.name]
    if (
        names == ["find"]
        or sum(_ORDER.get(name, 0) for name in names) > _HIGHEST_ORDER
        or sum("<g>" in part.texts[0] for part in (*phrases, ask)) > 1
    ):
        return False
    if ask.name in _ABOUT_ZEROS and not set(names[:-1]) <= {
        "derivative",
        "second",
        "sum",
        "difference",
    }:
        return False
    return not any(
        (_DIRECTION.get(first), _DIRECTION.get(second)) in (("up", "down"), ("down", "up"))
        for first, second in itertools.pairwise(names)
    )


def _own(name: str, formula: str, kind: draw.Draw, *texts: str) -> SymbolicTemplate:
    return SymbolicTemplate(name=name, formula=formula, draw=kind, texts=texts)


_CURVE, _CUBIC, _QUADRATIC = (
    draw.quantities(draw.curve),
    draw.quantities(draw.cubic),
    draw.quantities(draw.quadratic),
)
_OWN = (
    _own(
        "solve_for",
        "solve(f, x)",
        draw.equation,
        "solve <f> for <x> .",
        "solve the equation <f> for <x> .",
        "find <x> if <f> .",
        "what is <x> when <f> ?",
        "for which <x> is <f> ?",
    ),
    _own(
        "subject",
        "solve(f, x)",
        draw.literal,
        "make <x> the subject of <f> .",
        "solve the formula <f> for <x> .",
        "express <x> by the other letters in <f> .",
        "given <f> , find a formula for <x> .",
    ),
    _own(
        "solve_only",
        f"solve(f, {_X})",
        draw.equation,
        "solve <f> .",
        "solve the equation <f> .",
        "find all solutions of <f> .",
        "what are the solutions of <f> ?",
    ),
    _own(
        "larger_solution",
        f"largest(solve(f, {_X}))",
        draw.equation,
        "find the largest solution of <f> .",
        "what is the greatest solution of the equation <f> ?",
    ),
    _own(
        "turning_points",
        f"solve(differentiate(f, {_X}), {_X})",
        _CUBIC,
        "where does y = <f> have its turning points ?",
        "find the stationary points of f ( x ) = <f> .",
        "at what points is the tangent to y = <f> horizontal ?",
    ),
    _own(
        "tangent_slope",
        f"substitute(differentiate(f, {_X}), at)",
        _CURVE,
        "find the slope of the tangent to y = <f> at <at> .",
        "what is the gradient of the curve y = <f> at the point <at> ?",
        "how steep is y = <f> at <at> ?",
    ),
    _own(
        "prime_at",
        f"substitute(differentiate(f, {_X}), a)",
        _CURVE,
        "let f ( x ) = <f> . find f ' ( <a> ) .",
        "if f ( x ) = <f> , what is f ' ( <a> ) ?",
    ),
    _own(
        "velocity",
        f"substitute(differentiate(f, {_X}), a)",
        _CUBIC,
        "a particle is <f> metres from its start after <x> seconds . how fast is it after <a> seconds ?",
        "the position of a car at time <x> is <f> . find its velocity at time <a> .",
    ),
    _own(
        "distance",
        f"subtract(substitute(integrate(f, {_X}), b), substitute(integrate(f, {_X}), a))",
        _QUADRATIC,
        "the velocity of a train at time <x> is <f> . how far does it go between the times <a> and <b> ?",
        "a body moves with the velocity <f> at time <x> . find its displacement from time <a> to time <b> .",
    ),
)
_OWN_HELD_OUT = (
    _own(
        "turning_values",
        f"substitute(f, solve(differentiate(f, {_X}), {_X}))",
        _CUBIC,
        "what are the values of y = <f> at its turning points ?",
        "find the values that f ( x ) = <f> takes at its stationary points .",
    ),
    _own(
        "acceleration",
        f"substitute(differentiate(differentiate(f, {_X}), {_X}), a)",
        _CUBIC,
        "the position of a car at time <x> is <f> . find its acceleration at time <a> .",
        "a particle is <f> metres from its start after <x> seconds . what is its acceleration after <a> seconds ?",
    ),
    _own(
        "rest",
        f"largest(solve(differentiate(f, {_X}), {_X}))",
        _CUBIC,
        "the position of a car at time <x> is <f> . when does it last stand still ?",
        "where is the rightmost turning point of y = <f> ?",
    ),
)


def _shapes(template: SymbolicTemplate) -> set[str]:
    return {shape(program) for program in template.programs}


def _templates() -> dict[Split, tuple[SymbolicTemplate, ...]]:
    """Return what is trained on and what is only scored; no program of one has the shape of one of the other."""
    combined = [each for each in _combinations() if len(each.programs[0].steps) <= _MOST_STEPS]
    held = [
        each
        for each in combined
        if each.name.count("/") and not _mark("held out", each.name) % _HELD_OUT
    ]
    basic = set[str]().union(
        *map(_shapes, [*_OWN, *(each for each in combined if not each.name.count("/"))])
    )
    heldout = [each for each in [*_OWN_HELD_OUT, *held] if not _shapes(each) & basic]
    reserved = set[str]().union(*map(_shapes, heldout))
    train = [each for each in [*_OWN, *combined] if not _shapes(each) & reserved]
    return {"train": tuple(train), "heldout": tuple(heldout)}


TEMPLATES = _templates()
"""Templates by split, in a fixed order."""
