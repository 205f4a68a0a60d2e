"""What a template is: wordings with open words and numbers, ranges for the numbers, one formula."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from corpus.problems.generated.formula import Node, linearize, names_in, parse_formula
from corpus.problems.generated.words import known_slots, slots
from corpus.program.language import Program

NUMBER = re.compile(r"<([a-z_0-9]+)>")
CHOICE = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, kw_only=True)
class Template:
    """A family of problems that one formula solves.

    In a text, `<price>` is a number, `{item}` a word (see `words`), `[buys|orders]` a choice. A number that the formula does not
    use only distracts. Raises `ValueError` at construction where names do not fit together.
    """

    name: str
    """Unique among all templates."""
    category: str
    """One of MathQA's six."""
    formula: str
    """The solution over the names of the numbers (see `formula.parse_formula`)."""
    numbers: Mapping[str, Sequence[float]]
    """The values each number may take; those of one problem differ from each other."""
    answer: str
    """How an option is written, `#` standing for the value (`{$} #`, `# %`), or `fraction`."""
    texts: tuple[str, ...]
    """The wordings."""
    whole: bool = False
    """The answer must be a whole number (it counts something)."""
    highest: float = 1e7
    """The largest sensible answer, in the answer's unit."""

    def __post_init__(self) -> None:
        for text in self.texts:
            names, bare = NUMBER.findall(text), NUMBER.sub("", text)
            if len(set(names)) != len(names) or not names_in(self.node) <= set(names) <= set(
                self.numbers
            ):
                raise ValueError(
                    f"template {self.name}: numbers of {text!r} do not fit {self.formula!r} and {sorted(self.numbers)}"
                )
            if unknown := slots(bare) - known_slots():
                raise ValueError(
                    f"template {self.name}: unknown words {sorted(unknown)} in {text!r}"
                )
            if any(NUMBER.search(choice) for choice in CHOICE.findall(text)):
                raise ValueError(
                    f"template {self.name}: a number stands inside a choice in {text!r}, so its place is not fixed"
                )

    @cached_property
    def node(self) -> Node:
        """The formula, read."""
        return parse_formula(self.formula)

    @cached_property
    def programs(self) -> tuple[Program, ...]:
        """The program of each text: the same formula, the numbers counted in the order of that text."""
        return tuple(linearize(self.node, number_order(text)) for text in self.texts)


def number_order(text: str) -> tuple[str, ...]:
    """Return the names of a text's numbers, in order."""
    return tuple(NUMBER.findall(text))


def of_category(category: str) -> Callable[..., Template]:
    """Return a short way to write the templates of one category: `make(name, formula, numbers, answer, *texts, ...)`."""

    def make(
        name: str,
        formula: str,
        numbers: Mapping[str, Sequence[float]],
        answer: str,
        *texts: str,
        whole: bool = False,
        highest: float = 1e7,
    ) -> Template:
        return Template(
            name=name,
            category=category,
            formula=formula,
            numbers=numbers,
            answer=answer,
            texts=texts,
            whole=whole,
            highest=highest,
        )

    return make


def decimals(low: float, high: float, step: float) -> tuple[float, ...]:
    """Return the values from `low` to `high` in steps of `step`, free of binary dust."""
    return tuple(round(low + index * step, 4) for index in range(round((high - low) / step) + 1))
