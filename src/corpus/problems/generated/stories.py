"""A story: an opening gives a quantity, one or two events change it, and the last asks for it.

It is told in sentences (`{person} buys 4 pens at $ 3 each . a tax of 5 % is added . what is the
total cost ?`) or, where its parts have phrases, in one phrase inside another (`what is 5 % of the
sum of 4 and 3 ?`), which brings the numbers in other orders.
"""

import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from corpus.base.seeds import derive
from corpus.problems.generated.reader import Numbers
from corpus.problems.generated.template import (
    NUMBER,
    SO_FAR,
    WordTemplate,
    check_answer,
    check_around,
    check_numbers,
)
from corpus.program.tree import Node, operations_in, substitute

_TEXTS = 4
"""Wordings of one combination."""
_ROUND = ("circle", "circumface", "cylinder")


@dataclass(frozen=True, kw_only=True, eq=False)
class Opening:
    """A first sentence and the quantity it speaks of."""

    name: str
    gives: str
    """The kind of the quantity (`items`, `money` …): only events that take this kind may follow."""
    formula: Node
    numbers: Numbers
    texts: tuple[str, ...]
    """Sentences."""
    phrases: tuple[str, ...] = ()
    """The same as noun phrases, for a story told in one sentence."""

    def check(self) -> None:
        """Raise `ValueError` where formula, numbers and texts do not fit together."""
        check_numbers(self.formula, self.numbers, (*self.texts, *self.phrases))


@dataclass(frozen=True, kw_only=True, eq=False)
class Event:
    """Something that turns the quantity (`it` in the formula) into another one."""

    name: str
    takes: str
    formula: Node
    asks: tuple[str, ...]
    """Sentences for the end of a story, with the question."""
    gives: str = ""
    """The kind of the new quantity; empty where no event can follow."""
    numbers: Numbers = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    """Sentences for the middle of a story; empty where the event always ends it."""
    phrases: tuple[str, ...] = ()
    """Noun phrases for the new quantity around `@`, the phrase for the old one."""
    wraps: tuple[str, ...] = ()
    """Sentences for the end around `@`, the phrase for the old quantity, with the question."""
    answer: str = "#"
    whole: bool = False

    def check(self) -> None:
        """Raise `ValueError` where formula, numbers and texts do not fit together."""
        around = (*self.phrases, *self.wraps)
        texts = (*self.texts, *self.asks, *around)
        check_numbers(self.formula, self.numbers, texts, shown=("it",))
        check_answer(self.answer)
        check_around(self.formula, around)
        if not self.gives and (self.texts or self.phrases):
            raise ValueError("it ends every story, so its texts and phrases are never used")


@dataclass(frozen=True, kw_only=True, eq=False)
class Story:
    """Openings and events that go together."""

    name: str
    openings: tuple[Opening, ...]
    events: tuple[Event, ...]
    most: int
    """The most combinations with two events to keep; those with one event are all kept."""

    def check(self) -> None:
        """Raise `ValueError` if nothing can precede an event, or a combination has no operation."""
        given = {part.gives for part in (*self.openings, *self.events)}
        for event in self.events:
            if event.takes not in given:
                raise ValueError(
                    f"the event {event.name!r} takes {event.takes!r}, which nothing gives"
                )
        for opening, event in _pairs(self):
            if isinstance(opening.formula, str) and isinstance(event.formula, str):
                raise ValueError(f"{opening.name!r} with {event.name!r} is no operation at all")


def tell(story: Story, category: str) -> tuple[WordTemplate, ...]:
    """Return a story's templates: all with one event, and a fixed choice of those with two."""
    single = _pairs(story)
    double = [
        (opening, first, last)
        for opening, first in single
        for last in story.events
        if first.texts and first.gives == last.takes and first is not last
    ]
    random.Random(derive(0, "stories", story.name)).shuffle(double)
    kept = [
        *filter(_can_be, single),
        *itertools.islice(filter(_can_be, double), story.most),
    ]
    return tuple(_combine(story.name, category, *parts) for parts in kept)


def _pairs(story: Story) -> list[tuple[Opening, Event]]:
    return [
        (opening, event)
        for opening in story.openings
        for event in story.events
        if event.takes == opening.gives
    ]


def _can_be(parts: Iterable[Opening | Event]) -> bool:
    """False if the answer must be whole but the formula has π: then no numbers fit."""
    *_, last = parts
    operations = {name for part in parts for name in operations_in(part.formula)}
    is_round = any(word in name for name in operations for word in _ROUND)
    return not (isinstance(last, Event) and last.whole and is_round)


def _combine(story: str, category: str, opening: Opening, *events: Event) -> WordTemplate:
    """Return the template of an opening and events, the numbers of event i renamed `m` → `m_i`."""
    formula, numbers = opening.formula, dict(opening.numbers)
    for place, event in enumerate(events, start=1):
        renamed = {name: f"{name}_{place}" for name in event.numbers}
        formula = substitute(event.formula, {**renamed, "it": formula})
        numbers |= {renamed[name]: values for name, values in event.numbers.items()}
    name = "/".join([story, opening.name, *(event.name for event in events)])
    rng = random.Random(derive(0, "wordings", name))
    told = [
        _in_one(opening, events, rng) if place % 2 else _in_sentences(opening, events, rng)
        for place in range(_TEXTS)
    ]
    return WordTemplate(
        name=name,
        category=category,
        formula=formula,
        numbers=numbers,
        answer=events[-1].answer,
        texts=tuple(dict.fromkeys(told)),
        whole=events[-1].whole,
    )


def _in_sentences(opening: Opening, events: Sequence[Event], rng: random.Random) -> str:
    """Tell the story one sentence after another."""
    text = rng.choice(opening.texts)
    for place, event in enumerate(events, start=1):
        sentence = _numbered(rng.choice(event.asks if place == len(events) else event.texts), place)
        text = sentence.replace(SO_FAR, text) if SO_FAR in sentence else f"{text} {sentence}"
    return text


def _in_one(opening: Opening, events: Sequence[Event], rng: random.Random) -> str:
    """Tell the story as phrases inside phrases if all parts have some, else in sentences."""
    *middle, last = events
    if not (opening.phrases and all(event.phrases for event in middle) and last.wraps):
        return _in_sentences(opening, events, rng)
    text = rng.choice(opening.phrases)
    for place, event in enumerate(middle, start=1):
        text = _numbered(rng.choice(event.phrases), place).replace(SO_FAR, text)
    return _numbered(rng.choice(last.wraps), len(events)).replace(SO_FAR, text)


def _numbered(text: str, place: int) -> str:
    """Return an event's text with `_place` after the name of each number."""
    return NUMBER.sub(lambda match: f"<{match[1]}_{place}>", text)
