"""Problems are laid out step by step, and drawn without regard to what they hold."""

from pathlib import Path

from corpus.report.cards import draw as draw_cards
from corpus.report.cards import make_card
from corpus.report.read import Outcome, load_run


def outcome(**changes: object) -> Outcome:
    values = {
        "id": "mathqa/dev/1", "text": "a train covers 120 km in 2 hours", "options": (), "correct": "b", "numbers": (120.0, 2.0),
        "gold": "divide(n0,n1)", "results": (60.0, 6000.0), "value": 6000.0, "error": None, "chosen": "c", "right": False,
        "seen": True,
        "predicted": "divide(n0,n1)|multiply(#0,const_100)",
    }  # fmt: skip
    return Outcome(**(values | changes))  # type: ignore[arg-type]


def test_a_program_is_shown_step_by_step_with_its_numbers() -> None:
    card = make_card(outcome())
    assert card.numbers == (("n0", "120"), ("n1", "2"))
    assert card.steps == (
        ("divide(n0,n1)", "divide(120, 2)", "60"),
        ("multiply(#0,const_100)", "multiply(60, 100)", "6000"),
    )
    assert card.result == "Value 6000, nearest option c, gold answer b."
    assert card.gold == "divide(n0,n1) = 60"


def test_a_program_over_expressions_is_shown_with_them() -> None:
    card = make_card(
        outcome(
            text="differentiate `3x^2` with respect to `x`", numbers=("3x^2", "x"), gold="differentiate(n0,n1)", correct=None,
            predicted="differentiate(n0,n1)|expand(#0)", results=("6*x", "6*x"), value="6*x", answer="6*x", chosen=None,
        )
    )  # fmt: skip
    assert card.steps[0] == ("differentiate(n0,n1)", "differentiate(3x^2, x)", "6*x")
    assert card.result == "Value 6*x, gold answer 6*x."
    assert card.gold == "differentiate(n0,n1) = 6*x"


def test_a_program_that_stops_shows_where() -> None:
    predicted = "subtract(n1,n1)|divide(n0,#0)|add(#1,n7)"
    card = make_card(
        outcome(
            predicted=predicted,
            results=(0.0,),
            value=None,
            error="step 1: division by zero",
            chosen=None,
        )
    )
    assert [result for _, _, result in card.steps] == ["0", "fails", "not reached"]
    assert card.steps[2][1] == "add(#1?, n7?)"
    assert card.result == "No value: step 1: division by zero. It counts as wrong."


def test_what_is_no_program_is_shown_as_it_is() -> None:
    card = make_card(
        outcome(
            predicted="dance(n0)", results=(), value=None, error="unknown operation", chosen=None
        )
    )
    assert card.steps == ()
    assert card.program == "dance(n0)"


def test_three_solved_and_three_failed_are_drawn_alike_every_time(finished_run: Path) -> None:
    outcomes = load_run(finished_run).outcomes["mathqa"]
    for right in (True, False):
        drawn = draw_cards(outcomes, right)
        assert [card.outcome.right for card in drawn] == [right] * 3
        assert drawn == draw_cards(outcomes[::-1], right)
