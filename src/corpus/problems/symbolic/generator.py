"""The generator: a seed and an index in, one problem out; the same on every machine."""

import random
import re
from collections.abc import Callable

from corpus.base.errors import DataError
from corpus.base.seeds import derive
from corpus.problems.generated.template import NUMBER, make_choices
from corpus.problems.problem import SYMBOLIC as SET_NAME
from corpus.problems.problem import Problem
from corpus.problems.symbolic.catalogue import Split, SymbolicTemplate, templates
from corpus.problems.symbolic.draw import DRAWS
from corpus.program.domains import EXPRESSIONS
from corpus.program.expressions.marks import TICK
from corpus.program.expressions.operations import FORMS
from corpus.program.expressions.reader import read, variables_in

_ATTEMPTS = 200
_LONGEST = 60
"""Most characters of an answer or an intermediate result; a teacher would not ask for more."""
_OF_FUNCTIONS = ("differentiate", "integrate", *FORMS)
"""Operations whose result must be a function, not a number."""


def generate(
    count: int, *, seed: int, split: Split, done: Callable[[int], None] | None = None
) -> list[Problem]:
    """Return `count` problems; problem i depends on `seed`, `split` and i alone.

    Each template of the split is as likely as any other. Programs are executed in the sandbox, some
    dozens a second; `done` is called with the number made so far.
    """
    problems = []
    for index in range(count):
        rng = random.Random(derive(seed, SET_NAME, split, index))
        problems.append(make_problem(rng.choice(templates()[split]), rng, split=split, index=index))
        if done:
            done(len(problems))
    return problems


def make_problem(
    template: SymbolicTemplate, rng: random.Random, *, split: str, index: int
) -> Problem:
    """Return one problem of a template, its program executed and its answer sensible.

    Raises `DataError` where the template's draws give no sensible problem, or its text does not
    show its quantities in order.
    """
    place = rng.randrange(len(template.texts))
    program, words = template.programs[place], template.texts[place]
    for _ in range(_ATTEMPTS):
        drawn = DRAWS[template.draw](rng)
        text = make_choices(words, rng)
        quantities = [drawn[name] for name in NUMBER.findall(text)]
        for name, quantity in drawn.items():
            text = text.replace(f"<{name}>", f"{TICK}{quantity}{TICK}")
        if [each.value for each in EXPRESSIONS.find(text)] != quantities:
            raise DataError(
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
            family=template.family,
        )
    raise DataError(
        f"template {template.name}: no sensible problem in {_ATTEMPTS} attempts; widen its draw"
    )


def _is_sensible(text: str) -> bool:
    return len(text) <= _LONGEST and not re.search(r"\d{7}", text)
