"""Held-out templates of the generators share neither program nor wording with training ones."""

import itertools
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from corpus.problems.generated.catalogue import templates as generated_templates
from corpus.problems.generated.template import CHOICE, NUMBER
from corpus.problems.symbolic.catalogue import templates as symbolic_templates
from corpus.program.arithmetic.interpreter import execute
from corpus.program.language import Program

Tree = str | tuple[Any, ...]
Catalogue = Callable[[], Mapping[Any, Sequence[Any]]]

_ANY_ORDER = ("add", "multiply")
_SLOT = re.compile(r"\{[^{}]*\}")

KNOWN_EQUALS = {
    "cylinder_volume": "heldout_round_floor_cost",
    "not_of_three_colors": "heldout_either_color",
    "items/shared/percent_lost": "heldout_percent_gone_then_shared",
    "items/times/sell_all/divide_money": "heldout_recipe_cost",
    "items/shared/multiply/sell_all": "heldout_recipe_cost",
    "items/boxes/multiply/share": "heldout_recipe_cost",
    "items/boxes/multiply/pack": "heldout_recipe_cost",
    "bills/one/discount/orders": "heldout_discount_on_many",
    "bills/many/orders/split": "heldout_recipe_cost",
    "areas/rectangle/percent_rest": "heldout_discount_on_many",
    "solids/box/used": "heldout_machines_good_output",
    "solids/box/fill": "heldout_recipe_cost",
    "times/leg/times/cost": "heldout_recipe_cost",
    "machines/several/boxes": "heldout_recipe_cost",
    "machines/one/days/boxes": "heldout_recipe_cost",
    "chances/three_colors/not": "heldout_either_color",
    "chances/lottery/games/prize": "heldout_recipe_cost",
    "numbers/quotient/lower": "heldout_percent_gone_then_shared",
    "numbers/quotient/divide_into/multiply": "heldout_recipe_cost",
    "recipes/bags/days/bags_of": "heldout_recipe_cost",
}
"""Training templates that compute what a held-out one computes by other steps, such as
`1 - a / (a + b + c)` for `(b + c) / (a + b + c)`. Their programs and wordings differ."""


def _tree(program: Program) -> Tree:
    """Return a program as nested operations, numbers masked, sums and products in any order."""
    results: list[Tree] = []
    for step in program.steps:
        arguments: list[Tree] = []
        for name in step.arguments:
            inner = results[int(name[1:])] if name.startswith("#") else name
            if isinstance(inner, tuple) and inner[0] == step.operation in _ANY_ORDER:
                arguments += inner[1:]
            else:
                arguments.append("n" if name.startswith("n") else inner)
        if step.operation in _ANY_ORDER:
            arguments.sort(key=str)
        results.append((step.operation, *arguments))
    return results[-1]


def _wordings(text: str) -> Iterator[str]:
    """Yield a template's text with every choice made in every way, numbers and words masked."""
    pieces = re.split(CHOICE, _SLOT.sub("{}", NUMBER.sub("<>", text)))
    ways = [piece.split("|") if place % 2 else [piece] for place, piece in enumerate(pieces)]
    yield from (" ".join("".join(way).split()) for way in itertools.product(*ways))


def _in_both(found: Mapping[Any, Mapping[str, set[str]]]) -> dict[Any, Any]:
    return {key: names for key, names in found.items() if len(names) > 1}


@pytest.mark.parametrize("catalogue", [generated_templates, symbolic_templates])
def test_no_program_is_in_both_splits(catalogue: Catalogue) -> None:
    found: dict[Tree, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for split, templates in catalogue().items():
        for template in templates:
            for program in template.programs:
                found[_tree(program)][split].add(template.name)
    assert {split for names in found.values() for split in names} == {"train", "heldout"}
    assert not _in_both(found)


@pytest.mark.parametrize("catalogue", [generated_templates, symbolic_templates])
def test_no_wording_is_in_both_splits(catalogue: Catalogue) -> None:
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for split, templates in catalogue().items():
        for template in templates:
            for wording in itertools.chain.from_iterable(map(_wordings, template.texts)):
                found[wording][split].add(template.name)
    assert {split for names in found.values() for split in names} == {"train", "heldout"}
    assert not _in_both(found)


def test_held_out_programs_are_of_one_formula_a_template() -> None:
    programs = {
        str(program) for each in generated_templates()["heldout"] for program in each.programs
    }
    assert (len(programs), len(generated_templates()["heldout"])) == (36, 22)


_DRAW = random.Random(0)
_POINTS = (
    *([_DRAW.uniform(2, 40) for _ in range(8)] for _ in range(2)),
    *([float(value) for value in _DRAW.sample(range(2, 16), 8)] for _ in range(2)),
)


def _num_numbers(program: Program) -> int:
    return len({name for step in program.steps for name in step.arguments if name[0] == "n"})


def _value(program: Program, order: Sequence[int], point: Sequence[float]) -> float | None:
    """Return what a program computes at a point, the numbers that it uses given in `order`."""
    used = sorted({int(n[1:]) for step in program.steps for n in step.arguments if n[0] == "n"})
    numbers = [0.0] * (used[-1] + 1)
    for place, number in enumerate(used):
        numbers[number] = point[order[place]]
    value = execute(program, numbers).value
    return None if value is None else float(f"{value:.8e}")


def _values(program: Program, order: Sequence[int]) -> tuple[float | None, ...]:
    return tuple(_value(program, order, point) for point in _POINTS)


def test_no_function_is_in_both_splits_but_those_known() -> None:
    """By values at random points, the numbers in every order, whatever the steps are."""
    held: dict[tuple[int, float | None], dict[tuple[float | None, ...], str]] = defaultdict(dict)
    for template in generated_templates()["heldout"]:
        program, count = template.programs[0], _num_numbers(template.programs[0])
        values = _values(program, range(count))
        assert values.count(None) <= 2, f"{template.name} is defined at too few points"
        held[count, values[0]][values] = template.name
    most, equal = max(count for count, _ in held), {}
    for template in generated_templates()["train"]:
        program, count = template.programs[0], _num_numbers(template.programs[0])
        for order in itertools.permutations(range(count)) if count <= most else ():
            alike = held.get((count, _value(program, order, _POINTS[0])))
            if alike and (name := alike.get(_values(program, order))):
                equal[template.name] = name
    assert equal == KNOWN_EQUALS
