"""The interpreter: every operation's meaning, bounds, and never an exception."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.program.arithmetic.interpreter import execute
from corpus.program.arithmetic.operations import OPERATIONS
from corpus.program.language import CONSTANTS, Program, Step, parse

MEANINGS: dict[str, list[tuple[tuple[float, ...], float]]] = {
    "add": [((2, 3), 5)],
    "subtract": [((2, 3), -1)],
    "multiply": [((2, 3), 6)],
    "divide": [((3, 2), 1.5)],
    "power": [((2, 10), 1024), ((2, -1), 0.5), ((9, 0.5), 3)],
    "sqrt": [((81,), 9)],
    "inverse": [((4,), 0.25)],
    "negate": [((4,), -4)],
    "floor": [((2.7,), 2), ((-2.1,), -3), ((3 - 1e-12,), 3)],
    "reminder": [((17, 5), 2), ((-1, 5), 4), ((7.5, 2), 1.5)],
    "log": [((8,), 3)],
    "max": [((2, 3), 3)],
    "min": [((2, 3), 2)],
    "gcd": [((12, 18), 6)],
    "lcm": [((4, 6), 12)],
    "factorial": [((0,), 1), ((5,), 120), ((5.0000000001,), 120)],
    "choose": [((10, 3), 120), ((3, 10), 120), ((5, 0), 1)],
    "permutation": [((5, 2), 20), ((2, 5), 20)],
    "negate_prob": [((0.3,), 0.7)],
    "p_after_gain": [((25, 80), 100)],
    "original_price_before_gain": [((25, 100), 80)],
    "original_price_before_loss": [((20, 80), 100)],
    "speed": [((120, 2), 60)],
    "speed_in_still_water": [((10, 6), 8)],
    "stream_speed": [((10, 6), 8)],
    "sine": [((math.pi / 2,), 1)],
    "cosine": [((0,), 1)],
    "tangent": [((math.pi / 4,), 1)],
    "square_area": [((3,), 9)],
    "square_perimeter": [((3,), 12)],
    "square_edge_by_area": [((9,), 3)],
    "square_edge_by_perimeter": [((12,), 3)],
    "rectangle_area": [((3, 4), 12)],
    "rectangle_perimeter": [((3, 4), 14)],
    "diagonal": [((3, 4), 5)],
    "rhombus_area": [((6, 8), 24)],
    "rhombus_perimeter": [((5,), 20)],
    "quadrilateral_area": [((10, 3, 5), 40)],
    "triangle_area": [((6, 5), 15)],
    "triangle_area_three_edges": [((3, 4, 5), 6)],
    "triangle_perimeter": [((3, 4, 5), 12)],
    "circle_area": [((2,), 4 * math.pi)],
    "circumface": [((2,), 4 * math.pi)],
    "volume_cube": [((3,), 27)],
    "surface_cube": [((3,), 54)],
    "cube_edge_by_volume": [((27,), 3), ((1000,), 10)],
    "volume_rectangular_prism": [((2, 3, 4), 24)],
    "surface_rectangular_prism": [((2, 3, 4), 52)],
    "volume_cylinder": [((2, 5), 20 * math.pi)],
    "surface_cylinder": [((2, 5), 28 * math.pi)],
    "volume_cone": [((3, 4), 12 * math.pi)],
    "volume_sphere": [((3,), 36 * math.pi)],
    "surface_sphere": [((3,), 36 * math.pi)],
}


def test_every_operation_has_a_meaning_that_is_tried() -> None:
    assert MEANINGS.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_operations_compute_what_they_say(name: str) -> None:
    for arguments, expected in MEANINGS[name]:
        program = Program(
            (Step(name, tuple(f"n{index}" for index in range(OPERATIONS[name].arity))),)
        )
        assert execute(program, arguments).value == pytest.approx(expected, rel=1e-12)


def test_results_are_kept_step_by_step() -> None:
    outcome = execute(parse("divide(n0,n1)|multiply(#0,const_100)"), (1, 4))
    assert outcome.executes
    assert outcome.results == (0.25, 25.0)
    assert outcome.value == 25.0


@pytest.mark.parametrize(
    ("formula", "numbers", "reason"),
    [
        ("divide(n0,n1)", (1, 0), "division by zero"),
        ("inverse(n0)", (0,), "division by zero"),
        ("reminder(n0,n1)", (1, 0), "division by zero"),
        ("add(n0,n1)", (1,), "n1 is beyond the 1 numbers"),
        ("sqrt(n0)", (-1,), "not defined for -1"),
        ("log(n0)", (0,), "not defined for 0"),
        ("power(n0,n1)", (-8, 0.5), "not real"),
        ("power(n0,n1)", (10, 1000), "too large"),
        ("factorial(n0)", (171,), "not between 0! and 170!"),
        ("factorial(n0)", (-1,), "not between 0! and 170!"),
        ("factorial(n0)", (2.5,), "not a whole number"),
        ("choose(n0,n1)", (5, -1), "cannot be taken"),
        ("choose(n0,n1)", (2.5, 1), "not a whole number"),
        ("lcm(n0,n1)", (2.5, 4), "not a whole number"),
        ("multiply(n0,n0)", (1e200,), "not finite"),
    ],
)
def test_what_cannot_be_computed_is_an_error_in_words(
    formula: str, numbers: tuple[float, ...], reason: str
) -> None:
    outcome = execute(parse(formula), numbers)
    assert not outcome.executes
    assert outcome.value is None
    assert outcome.error is not None
    assert outcome.error.startswith(f"step 0, {formula}: ")
    assert reason in outcome.error


def test_an_error_keeps_the_results_before_it() -> None:
    outcome = execute(parse("add(n0,n0)|divide(#0,const_0)|negate(#1)"), (3,))
    assert outcome.results == (6.0,)
    assert outcome.error is not None
    assert outcome.error.startswith("step 1")


@pytest.mark.parametrize(
    ("formula", "numbers"),
    [
        ("power(n0,n0)|power(#0,#0)|power(#1,#1)|power(#2,#2)", (9.0,)),
        ("factorial(n0)|factorial(#0)|factorial(#1)", (100.0,)),
        ("choose(n0,n1)", (1e15, 5e14)),
        ("choose(n0,n1)", (1e9, 5e8)),
        ("permutation(n0,n1)", (1e15, 1e14)),
        ("lcm(n0,n1)|lcm(#0,n0)", (999999999999989.0, 999999999999947.0)),
        (
            "|".join(
                ["multiply(n0,n0)"] + [f"multiply(#{index},#{index})" for index in range(9998)]
            ),
            (1.0000001,),
        ),
        (
            "|".join(["lcm(n0,n1)"] + [f"lcm(#{index},n1)" for index in range(9998)]),
            (99991.0, 99989.0),
        ),
    ],
)
def test_hostile_programs_take_no_time(formula: str, numbers: tuple[float, ...]) -> None:
    start = time.monotonic()
    execute(parse(formula), numbers)
    assert time.monotonic() - start < 2


def test_hand_made_nonsense_is_an_error_too() -> None:
    assert not execute(Program(()), ()).executes
    for step in (
        Step("frobnicate", ("n0",)),
        Step("add", ("n0",)),
        Step("negate", ("x0",)),
        Step("negate", ("",)),
        Step("negate", ("#0",)),
    ):
        assert not execute(Program((step,)), (1.0,)).executes
    assert not execute(parse("negate(n0)"), (10**400,)).executes


@given(
    st.sampled_from(list(OPERATIONS.values())),
    st.lists(
        st.floats() | st.integers(-5, 200).map(float) | st.sampled_from([1e15, 1e308, -1e15]),
        min_size=3,
        max_size=3,
    ),
)
def test_no_operation_raises_whatever_it_is_given(operation, numbers: list[float]) -> None:
    outcome = execute(
        Program((Step(operation.name, ("n0", "n1", "n2")[: operation.arity]),)), numbers
    )
    assert outcome.executes == (outcome.error is None) == (outcome.value is not None)
    assert all(math.isfinite(value) for value in outcome.results)


@given(st.integers(0, 60), st.integers(0, 60))
def test_counting_agrees_with_the_standard_library(total: int, taken: int) -> None:
    large, small = max(total, taken), min(total, taken)
    assert execute(parse("choose(n0,n1)"), (total, taken)).value == float(math.comb(large, small))
    assert execute(parse("permutation(n0,n1)"), (total, taken)).value == float(
        math.perm(large, small)
    )


def test_constants_stand_for_the_value_in_their_name() -> None:
    for name, value in CONSTANTS.items():
        digits = name.removeprefix("const_")
        if digits[0].isdigit():
            assert value == pytest.approx(float(digits.replace("_", ".")), rel=0.011)
    assert CONSTANTS["const_deg_to_rad"] * 180 == CONSTANTS["const_pi"] == math.pi
