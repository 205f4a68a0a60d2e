"""The generator: a seed and an index in, one problem with its program and its answer out; the same on every machine."""

import random
import re
from collections.abc import Callable

from corpus.base.seeds import derive
from corpus.problems.generated.template import CHOICE, NUMBER
from corpus.problems.problem import SYMBOLIC as SET_NAME
from corpus.problems.problem import Problem
from corpus.problems.symbolic.catalogue import TEMPLATES, Split, SymbolicTemplate
from corpus.program.domains import EXPRESSIONS
from corpus.program.expressions.marks import TICK
from corpus.program.expressions.operations import FORMS
from corpus.program.expressions.reader import read, variables_in

_ATTEMPTS = 200
_LONGEST = 60
"""Characters of an answer, and of each result on the way; those that are longer are no answers that a teacher would ask for."""
_OF_FUNCTIONS = ("differentiate", "integrate", *FORMS)
"""Operations that are asked for where a function comes of them, not a number."""


def generate(
    count: int, *, seed: int, split: Split, done: Callable[[int], None] | None = None
) -> list[Problem]:
    """Return `count` problems; problem i depends on `seed`, `split` and i alone. Each of the split's templates is as likely as any other.

    Programs are executed in the sandbox, some dozens a second; `done` is told how many are made.
    """
    problems = []
    for index in range(count):
        rng = random.Random(derive(seed, SET_NAME, split, index))
        problems.append(make_problem(rng.choice(TEMPLATES[split]), rng, split=split, index=index))
        if done:
            done(len(problems))
    return problems


def make_problem(
    template: SymbolicTemplate, rng: random.Random, *, split: str, index: int
) -> Problem:
    """Return one problem of a template: quantities drawn, its program executed, its answer found sensible.

    Raises `ValueError` where the template's draws give no sensible problem, or its text does not show its quantities in order.
    """
    place = rng.randrange(len(template.texts))
    program, words = template.programs[place], template.texts[place]
    for _ in range(_ATTEMPTS):
        drawn = template.draw(rng)
        text = CHOICE.sub(lambda match: rng.choice(match[1].split("|")), words)
        quantities = [drawn[name] for name in NUMBER.findall(text)]
        text = NUMBER.sub(lambda match: f"{TICK}{drawn[match[1]]}{TICK}", text)  # noqa: B023 used at once
        if [each.value for each in EXPRESSIONS.find(text)] != quantities:
            raise ValueError(
                f"template {template.name}: the quantities of {text!r} are not {quantities}"
            )
        outcome = EXPRESSIONS.execute(program, quantities)
        if outcome.value is None or not all(map(_is_sensible, outcome.results)):
            continue
        if template.category in _OF_FUNCTIONS and not variables_in(read(outcome.value)):
            continue  # nothing is left to factor, say
        return Problem(
            set_name=SET_NAME,
            split=split,
            index=index,
            text=text,
            options=(),
            correct=None,
            program=str(program),
            category=template.category,
            expression=EXPRESSIONS.show_answer(program, outcome.value, 0),
        )
    raise ValueError(
        f"template {template.name}: no sensible quantities found in {_ATTEMPTS} attempts; widen its draws"
    )


def _is_sensible(text: str) -> bool:
    return len(text) <= _LONGEST and not re.search(r"\d{7}", text)
