"""How a story is told: an opening gives a quantity, one or two events change it, and the last event asks for it.

It is told in sentences (`{person} buys 4 pens at $ 3 each . a tax of 5 % is added . what is the total cost ?`) or, where its parts
know how, in one phrase inside another (`what is 5 % of the sum of 4 and 3 ?`), which brings the numbers in other orders.
"""

import itertools
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from corpus.base.seeds import derive
from corpus.problems.generated.template import NUMBER, Template

_TEXTS = 4
"""Wordings of one combination."""
_SO_FAR = "@"
"""Where an event's words hold what was said before it; sentences without it follow what was said before."""
_ROUND = ("circle", "circumface", "cylinder")
_NAME = re.compile(r"\b[a-z]\b")


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A first sentence and the quantity it speaks of."""

    name: str
    kind: str
    """What the quantity is (`items`, `money` …): only events that take this kind may follow."""
    formula: str
    """The quantity, over numbers with one-letter names."""
    numbers: Mapping[str, Sequence[float]]
    texts: tuple[str, ...]
    """Sentences."""
    phrases: tuple[str, ...] = ()
    """The same as a noun phrase, where the story can be told in one sentence."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that turns the quantity (`it` in the formula) into another one."""

    name: str
    takes: str
    gives: str | None
    """The kind of the new quantity, or None where no event can follow."""
    formula: str
    asks: tuple[str, ...]
    """Sentences for the end of a story, with the question."""
    numbers: Mapping[str, Sequence[float]] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    """Sentences for the middle of a story; empty where the event always ends it."""
    phrases: tuple[str, ...] = ()
    """Noun phrases for the new quantity around `@`, the phrase for the old one."""
    wraps: tuple[str, ...] = ()
    """Sentences for the end around `@`, the phrase for the old quantity, with the question."""
    answer: str = "#"
    whole: bool = False


@dataclass(frozen=True, kw_only=True)
class Story:
    """Openings and events that go together."""

    name: str
    category: str
    openings: tuple[Opening, ...]
    events: tuple[Event, ...]
    most: int = 60
    """Combinations of an opening with two events to keep at most; those with one event are all kept."""


def tell(story: Story) -> tuple[Template, ...]:
    """Return the templates of a story: every opening with one event that fits it, and a fixed choice of those with two."""
    single = [
        (opening, event)
        for opening in story.openings
        for event in story.events
        if event.takes == opening.kind
    ]
    double = [
        (opening, first, last)
        for opening, first in single
        for last in story.events
        if first.texts and first.gives == last.takes and first is not last
    ]
    random.Random(derive(0, "stories", story.name)).shuffle(double)
    return tuple(
        combine(story, *parts)
        for parts in [
            *filter(_can_be, single),
            *itertools.islice(filter(_can_be, double), story.most),
        ]
    )


def _can_be(parts: tuple[Opening, *tuple[Event, ...]]) -> bool:
    """True unless a story counts whole things that a circle gave: there are no such numbers."""
    last = parts[-1]
    return not (
        isinstance(last, Event)
        and last.whole
        and any(word in part.formula for part in parts for word in _ROUND)
    )


def combine(story: Story, opening: Opening, *events: Event) -> Template:
    """Return the template of an opening and events, the numbers of event i renamed `m` → `m_i`."""
    formula, numbers = opening.formula, dict(opening.numbers)
    for place, event in enumerate(events, start=1):
        renamed = _NAME.sub(lambda match, place=place: f"{match[0]}_{place}", event.formula)
        formula = re.sub(r"\bit\b", f"({formula})", renamed)
        numbers |= {f"{name}_{place}": values for name, values in event.numbers.items()}
    name = "/".join([story.name, opening.name, *(event.name for event in events)])
    rng = random.Random(derive(0, "wordings", name))
    told = [
        _in_one(opening, events, rng) if place % 2 else _in_sentences(opening, events, rng)
        for place in range(_TEXTS)
    ]
    return Template(
        name=name,
        category=story.category,
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
        text = sentence.replace(_SO_FAR, text) if _SO_FAR in sentence else f"{text} {sentence}"
    return text


def _in_one(opening: Opening, events: Sequence[Event], rng: random.Random) -> str:
    """Tell the story as a phrase inside a phrase where all its parts have one, else in sentences."""
    *middle, last = events
    if not (opening.phrases and all(event.phrases for event in middle) and last.wraps):
        return _in_sentences(opening, events, rng)
    text = rng.choice(opening.phrases)
    for place, event in enumerate(middle, start=1):
        text = _numbered(rng.choice(event.phrases), place).replace(_SO_FAR, text)
    return _numbered(rng.choice(last.wraps), len(events)).replace(_SO_FAR, text)


def _numbered(text: str, place: int) -> str:
    """Return an event's words with its numbers named after its place in the story."""
    return NUMBER.sub(lambda match: f"<{match[1]}_{place}>", text)


def opening(
    name: str,
    kind: str,
    formula: str,
    numbers: Mapping[str, Sequence[float]],
    *texts: str,
    phrases: tuple[str, ...] = (),
) -> Opening:
    """A short way to write an opening."""
    return Opening(
        name=name, kind=kind, formula=formula, numbers=numbers, texts=texts, phrases=phrases
    )
