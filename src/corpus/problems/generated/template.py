"""A template: wordings with slots for words and quantities, and the formula that solves them."""

import random
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from corpus.base.errors import DataError, did_you_mean
from corpus.problems.generated.formula import linearize, shape
from corpus.problems.generated.options import FRACTION
from corpus.problems.generated.reader import Numbers
from corpus.problems.generated.words import SLOT, slots
from corpus.program.language import Program
from corpus.program.tree import Node, names_in, walk

CATEGORIES = ("general", "gain", "geometry", "physics", "probability", "other")
"""MathQA's categories, each with a file of templates and one of stories, in a fixed order."""

NUMBER = re.compile(r"<([a-z_0-9]+)>")
CHOICE = re.compile(r"\[([^\[\]]*)\]")
SO_FAR = "@"
"""Stands for the text inside a part, as `it` stands for the formula inside it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Template:
    """A family of problems that one formula solves, over named quantities: numbers or expressions.

    In a text, `<price>` is a quantity, `{item}` a word (see `words`), `[buys|orders]` a choice.
    """

    name: str
    """Unique among all templates of a generator."""
    formula: Node
    """The solution (see `formula.parse_formula`)."""
    texts: tuple[str, ...]
    """The wordings."""
    heldout: bool = False
    """It is scored and never trained on."""

    @cached_property
    def programs(self) -> tuple[Program, ...]:
        """The program of each text: the formula, its quantities numbered as in that text."""
        return tuple(linearize(self.formula, NUMBER.findall(text)) for text in self.texts)

    @cached_property
    def family(self) -> str:
        """Its formula as a program, the quantities counted as the formula has them.

        So it is the same for every order of the numbers in the text, and for templates that tell
        other stories about one formula.
        """
        used = names_in(self.formula)
        order = dict.fromkeys(each for each in walk(self.formula) if each in used)
        return str(linearize(self.formula, [str(name) for name in order]))

    @cached_property
    def shapes(self) -> frozenset[str]:
        """The shapes of its programs."""
        return frozenset(map(shape, self.programs))

    def check(self) -> None:
        """Raise `ValueError` where the formula has no program."""
        if isinstance(self.formula, str):
            raise ValueError("formula is no operation; a problem needs at least one step")


@dataclass(frozen=True, kw_only=True, eq=False)
class WordTemplate(Template):
    """A family of word problems. A number that the formula does not use is there to distract."""

    numbers: Numbers
    """The values each number may take; those of one problem differ from each other."""
    category: str = ""
    """One of `CATEGORIES`; the default is the one that the file is named after."""
    answer: str = "#"
    """How an option is written, `#` standing for the value (`{$} #`, `# %`), or `fraction`."""
    whole: bool = False
    """The answer must be a whole number (it counts something)."""
    highest: float = 1e7
    """The largest sensible answer, in the answer's unit."""

    def check(self) -> None:
        """Raise `ValueError` where formula, numbers, texts and answer do not fit together."""
        super().check()
        if self.category not in ("", *CATEGORIES):
            raise ValueError(f"category is {self.category!r}, expected {', '.join(CATEGORIES)}")
        check_numbers(self.formula, self.numbers, self.texts)
        check_answer(self.answer)


Kind = TypeVar("Kind", bound=Template)


def without(some: Iterable[Kind], others: Iterable[Template]) -> tuple[Kind, ...]:
    """Return the templates in `some` that share no program shape with one of `others`."""
    shapes = frozenset[str]().union(*(each.shapes for each in others))
    return tuple(each for each in some if not each.shapes & shapes)


def check_names(templates: Iterable[Template]) -> None:
    """Raise `DataError` if two templates, of one file or of two, have the same name."""
    names = set[str]()
    for template in templates:
        if template.name in names:
            raise DataError(f"two templates are named {template.name!r}. Rename one of them.")
        names.add(template.name)


def make_choices(text: str, rng: random.Random) -> str:
    """Return a text with one of the alternatives of each `[buys|orders]`."""
    return CHOICE.sub(lambda match: rng.choice(match[1].split("|")), text)


def check_numbers(
    formula: Node, numbers: Numbers, texts: Collection[str], *, shown: Collection[str] = ()
) -> None:
    """Check as `check_texts` does, and that each of the numbers is used. Raises `ValueError`."""
    check_texts(formula, texts, known=numbers, shown=shown)
    used = names_in(formula).union(*(NUMBER.findall(text) for text in texts))
    if unused := sorted(set(numbers) - used):
        raise ValueError(f"numbers has {unused[0]!r}, which nothing uses. Remove it.")


def check_texts(
    formula: Node, texts: Collection[str], *, known: Collection[str], shown: Collection[str] = ()
) -> None:
    """Raise `ValueError` unless a formula uses known quantities, and each text shows all of them.

    Quantities that are `shown` elsewhere need not be known, nor be in the texts.
    """
    needed = names_in(formula) - set(shown)
    if unknown := sorted(needed - set(known)):
        raise ValueError(
            f"formula has {unknown[0]!r}, expected {', '.join(known) or 'no number'}."
            f"{did_you_mean(unknown[0], known)}"
        )
    for text in texts:
        _check_text(text, needed, known)


def _check_text(text: str, needed: set[str], known: Collection[str]) -> None:
    names, bare = NUMBER.findall(text), NUMBER.sub("", text)
    for kind, name, names_known in (
        *(("number", name, known) for name in names),
        *(("words", slot, slots()) for slot, _ in SLOT.findall(bare)),
    ):
        if name not in names_known:
            raise ValueError(f"no {kind} {name!r} for {text!r}.{did_you_mean(name, names_known)}")
    if len(set(names)) < len(names) or not needed <= set(names):
        shown = ", ".join(f"<{name}>" for name in sorted(needed))
        raise ValueError(f"{text!r} must show {shown}, each name once")
    if any(NUMBER.search(choice) or SO_FAR in choice for choice in CHOICE.findall(text)):
        raise ValueError(f"a number stands inside a choice in {text!r}, so its place is not fixed")
    plain = CHOICE.sub(lambda match: match[1].replace("|", " "), SLOT.sub("", bare))
    if stray := set("<>{}[]|") & set(plain):
        raise ValueError(f"{text!r} has a stray {min(stray)!r}; write <number>, {{word}}, [a|b]")


def check_around(formula: Node, texts: Collection[str]) -> None:
    """Raise `ValueError` unless a formula uses `it`, and each text holds `@` once."""
    if "it" not in names_in(formula):
        raise ValueError("formula does not use `it`, what it is put around")
    if wrong := [text for text in texts if text.count(SO_FAR) != 1]:
        raise ValueError(f"{wrong[0]!r} must hold {SO_FAR} once, for what it is put around")


def check_answer(answer: str) -> None:
    """Raise `ValueError` unless an answer is `fraction` or holds `#` once."""
    if answer != FRACTION:
        _check_text(answer, set(), ())
        if answer.count("#") != 1:
            raise ValueError(f"answer is {answer!r}, expected {FRACTION!r} or a text with one #")
