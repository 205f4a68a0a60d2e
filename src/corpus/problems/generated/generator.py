"""The generator: a seed and an index in, one checked problem out; the same on every machine."""

import random
from functools import cache

from corpus.base.errors import ConfigError, DataError, did_you_mean
from corpus.base.seeds import derive
from corpus.problems.generated.catalogue import SPLITS, Split, templates
from corpus.problems.generated.formula import linearize, mistakes
from corpus.problems.generated.options import FRACTION, choose_options, digits_for
from corpus.problems.generated.template import NUMBER, WordTemplate, make_choices
from corpus.problems.generated.words import Wording
from corpus.problems.problem import GENERATED as SET_NAME
from corpus.problems.problem import Problem
from corpus.program.arithmetic.answer import nearest_option
from corpus.program.arithmetic.interpreter import execute
from corpus.program.arithmetic.options import parse_options
from corpus.program.domains import ARITHMETIC
from corpus.program.language import Program

_SMALLEST = 0.05
_ATTEMPTS = 5_000
_UNTIDY = 0.2
"""Probability of accepting a value that needs more than two decimals."""
_THOUSANDS = 0.3
"""Probability of writing a number of a thousand or more with a comma."""
_MOST_MISTAKES = 12


def generate(count: int, *, seed: int, split: Split = "train") -> list[Problem]:
    """Return `count` problems; problem i depends on `seed`, `split` and i alone.

    Each template of the split is as likely as any other. Raises `ConfigError` where there is no
    such split, `DataError` where a file of templates is malformed.
    """
    if split not in SPLITS:
        raise ConfigError(
            f"generated problems have no split {split!r}; expected {' or '.join(SPLITS)}."
            f"{did_you_mean(split, SPLITS)}"
        )
    problems = []
    for index in range(count):
        rng = random.Random(derive(seed, SET_NAME, split, index))
        problems.append(make_problem(rng.choice(templates()[split]), rng, split=split, index=index))
    return problems


def make_problem(template: WordTemplate, rng: random.Random, *, split: str, index: int) -> Problem:
    """Return one problem of a template, its program executed and its options checked.

    Raises `DataError` if the template's ranges give no sensible problem, or its text does not show
    its numbers in order.
    """
    place = rng.randrange(len(template.texts))
    program = template.programs[place]
    for _ in range(_ATTEMPTS):
        numbers = _draw_numbers(template, place, rng)
        value = _sensible_value(template, program, numbers, rng)
        if value is None:
            continue
        digits = None if template.answer == FRACTION else digits_for(value)
        wrong = [
            outcome.value
            for mistake in _some_mistakes(template, place, rng)
            if (outcome := execute(mistake, numbers)).value
        ]
        found = choose_options(value, wrong, digits, rng)
        if found is None:
            continue
        wording = Wording(rng)
        text = _write_text(template, place, numbers, wording, rng)
        options = parse_options(_write_options(template, found[0], wording, rng))
        correct = options[found[1]].letter
        if nearest_option(value, options) != correct:
            raise DataError(
                f"template {template.name}: {value!r} is not nearest to {correct} of {options}"
            )
        return Problem(
            SET_NAME,
            split,
            index,
            text,
            options,
            correct,
            str(program),
            template.category,
            family=template.family,
        )
    raise DataError(
        f"template {template.name}: no sensible numbers in {_ATTEMPTS} attempts; widen their ranges"
    )


def _draw_numbers(template: WordTemplate, place: int, rng: random.Random) -> list[float]:
    """Draw the numbers of a text, in its order."""
    return [rng.choice(template.numbers[name]) for name in NUMBER.findall(template.texts[place])]


def _sensible_value(
    template: WordTemplate, program: Program, numbers: list[float], rng: random.Random
) -> float | None:
    """Return the program's value, or None where it is not sensible: a negative step, half a pen."""
    if len(set(numbers)) < len(numbers):
        return None
    outcome = execute(program, numbers)
    value = outcome.value
    if value is None or min(outcome.results) <= 0 or not value <= template.highest:
        return None
    if template.answer == FRACTION:
        return value
    tidy = abs(value - round(value, 0 if template.whole else 2)) < 1e-9
    if (
        value < _SMALLEST
        or digits_for(value) is None
        or (not tidy and (template.whole or rng.random() > _UNTIDY))
    ):
        return None
    return value


@cache
def _wrong_programs(template: WordTemplate, place: int) -> tuple[Program, ...]:
    order = NUMBER.findall(template.texts[place])
    return tuple(linearize(mistake, order) for mistake in mistakes(template.formula))


def _some_mistakes(template: WordTemplate, place: int, rng: random.Random) -> list[Program]:
    programs = _wrong_programs(template, place)
    return rng.sample(programs, min(len(programs), _MOST_MISTAKES))


def _write_text(
    template: WordTemplate, place: int, numbers: list[float], wording: Wording, rng: random.Random
) -> str:
    """Fill in choices, words and numbers; check that the numbers are found again in order."""
    text = make_choices(template.texts[place], rng)
    written = iter([_write_number(number, rng) for number in numbers])
    text = " ".join(NUMBER.sub(lambda _: next(written), wording.fill(text)).split())
    if [span.value for span in ARITHMETIC.find(text)] != [float(number) for number in numbers]:
        raise DataError(f"template {template.name}: the numbers of {text!r} are not {numbers}")
    return text


def _write_number(number: float, rng: random.Random) -> str:
    if number == int(number):
        return f"{int(number):,}" if rng.random() < _THOUSANDS else str(int(number))
    return str(number)


def _write_options(
    template: WordTemplate, values: list[str], wording: Wording, rng: random.Random
) -> str:
    """Write options as MathQA does, `a ) 24 , b ) 30 , …`, with the unit or without it."""
    bare = template.answer == FRACTION or rng.random() < 0.5
    unit = "#" if bare else wording.fill(template.answer)
    return " , ".join(
        f"{letter} ) {unit.replace('#', value)}" for letter, value in zip("abcde", values)
    )
