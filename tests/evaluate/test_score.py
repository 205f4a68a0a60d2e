"""Scores of a small set that can be counted by hand, and the baselines beside them."""

import json
from dataclasses import replace

import pytest

from corpus.evaluate.baselines import Reference, common_answer, majority_letter
from corpus.evaluate.intervals import clustered
from corpus.evaluate.score import score_problems
from corpus.problems.check import judge
from corpus.problems.problem import Problem
from corpus.program.arithmetic.normal_form import NormalForms
from corpus.program.arithmetic.options import parse_options
from corpus.program.domains import ARITHMETIC
from corpus.program.language import parse


def problem(text: str, correct: str | None, program: str | None, index: int = 0) -> Problem:
    options = parse_options("a ) 2 , b ) 3 , c ) 4 , d ) 5 , e ) none")
    return Problem("made", "dev", index, text, options, correct, program, "")


TRAIN = [
    problem("add 1 and 2", "b", "add(n0,n1)"),
    problem("take 1 from 6", "d", "subtract(n1,n0)"),
    problem("share 8 pens by 2", "c", "divide(n0,n1)"),
    problem("share 6 hats by 2", "b", "divide(n0,n1)"),
]
SET = [
    problem("add 1 and 1", "a", "add(n0,n1)", index=0),  # seen; predicted exactly
    problem(
        "take 2 from 5", "b", "subtract(n1,n0)", index=1
    ),  # seen; another program with the same value
    problem("share 8 caps by 2", "c", "divide(n0,n1)", index=2),  # unseen; wrong program
    problem("share 9 caps among 3", "b", None, index=3),  # unseen; no gold; right
    problem(
        "share 9 caps among 0", "e", "divide(n0,n1)", index=4
    ),  # unseen; gold does not execute, and the key has no value
]
PREDICTED = [
    parse(text) if text else None
    for text in ("add(n0,n1)", "negate(n0)|add(#0,n1)", "add(n0,n1)", "divide(n0,n1)", None)
]


def test_every_share_is_what_counting_gives() -> None:
    scores, _ = score_problems(SET, PREDICTED, Reference.build(TRAIN))
    expected = {
        "num_problems": 5,
        "num_seen": 2,
        "num_unseen": 3,
        "num_seen_checked": 2,
        "num_seen_unchecked": 0,
        "accuracy_seen_checked": 2 / 2,
        "accuracy_seen_unchecked": None,
        "baseline_nearest_seen_checked": 2 / 2,
        "baseline_nearest_seen_unchecked": None,
        "accuracy": 3 / 5,
        "accuracy_seen": 2 / 2,
        "accuracy_unseen": 1 / 3,
        "novel": 1 / 5,
        "novel_seen": 1 / 2,
        "novel_unseen": 0 / 3,
        "accuracy_novel": 1 / 5,
        "accuracy_novel_seen": 1 / 2,
        "accuracy_novel_unseen": 0 / 3,
        "accuracy_novel_value": 1 / 5,
        "accuracy_novel_value_seen": 1 / 2,
        "accuracy_novel_value_unseen": 0 / 3,
        "executes": 4 / 5,
        "program_match": 1 / 5,
        "value_match": 2 / 5,
        "baseline_majority": 2 / 5,
        "baseline_majority_seen": 1 / 2,
        "baseline_majority_unseen": 1 / 3,
        "baseline_nearest": 4 / 5,
        "baseline_nearest_seen": 2 / 2,
        "baseline_nearest_unseen": 2 / 3,
        "ceiling_gold": 3 / 5,
        "ceiling_gold_seen": 2 / 2,
        "ceiling_gold_unseen": 1 / 3,
        "accuracy_value": 3 / 5,
        "accuracy_value_seen": 2 / 2,
        "accuracy_value_unseen": 1 / 3,
        "baseline_nearest_value": 4 / 5,
        "baseline_nearest_value_seen": 2 / 2,
        "baseline_nearest_value_unseen": 2 / 3,
        "ceiling_gold_value": 3 / 5,
        "ceiling_gold_value_seen": 2 / 2,
        "ceiling_gold_value_unseen": 1 / 3,
    }
    assert {name: scores[name] for name in expected} == expected
    assert scores["accuracy_interval"] == list(
        clustered([True, True, False, True, False], "vwxyy") or ()
    )
    assert scores["baseline_nearest_unseen_interval"] == list(
        clustered([True, True, False], "xyy") or ()
    )
    shares = {f"{name}_interval" for name in expected if not name.startswith("num_")}
    assert scores.keys() == expected.keys() | shares | {
        "by_words",
        "by_operations",
        "by_similarity",
    }


def test_a_program_is_novel_only_if_training_has_no_equal_one() -> None:
    """With a form, an equal program is another spelling of the same one."""
    other = replace(TRAIN[0], program="negate(n0)|add(#0,n1)")
    reference = Reference.build([*TRAIN, other])
    scores, _ = score_problems(SET, PREDICTED, reference)
    assert scores["novel"] == 0
    forms = NormalForms(parse(str(each.program)) for each in TRAIN)
    scores, _ = score_problems(SET, PREDICTED, Reference.build(TRAIN), form=forms.of)
    assert scores["novel"] == 0, "negate(n0)|add(#0,n1) is subtract(n1,n0)"


def test_outcomes_tell_what_became_of_each_problem() -> None:
    _, outcomes = score_problems(SET, PREDICTED, Reference.build(TRAIN))
    assert [outcome["id"] for outcome in outcomes] == [f"made/dev/{index}" for index in range(5)]
    assert outcomes[1] == {
        "id": "made/dev/1",
        "text": "take 2 from 5",
        "options": [
            {"letter": option.letter, "text": option.text, "value": option.value}
            for option in SET[1].options
        ],
        "correct": "b",
        "numbers": [2.0, 5.0],
        "gold": "subtract(n1,n0)",
        "predicted": "negate(n0)|add(#0,n1)",
        "results": [-2.0, 3.0],
        "value": 3.0,
        "answer": None,
        "error": None,
        "chosen": "b",
        "right": True,
        "seen": True,
        "nearest": "b",
        "cluster": "take <n> from <n>",
        "ways": {
            name: {"value": 3.0, "right": True, "value_right": True}
            for name in ("accuracy", "baseline_nearest", "ceiling_gold")
        }
        | {"baseline_majority": {"value": None, "right": True, "value_right": None}},
    }
    last = outcomes[4]
    assert (last["predicted"], last["value"], last["chosen"], last["right"]) == (
        None,
        None,
        None,
        False,
    )
    assert last["error"] == "there is no program"
    assert json.loads(json.dumps(outcomes, allow_nan=False)) == outcomes


def test_a_value_is_right_without_the_luck_of_the_nearest_option() -> None:
    """5 is nearest to option d, 5; 4.7 chooses it as well, and is no right value."""
    lucky = problem("half of 9.4", "d", "divide(n0,const_2)")
    exact = problem("half of 10", "d", "divide(n0,const_2)")
    programs = [parse("divide(n0,const_2)")] * 2
    scores, records = score_problems([lucky, exact], programs, Reference.build(TRAIN))
    assert (scores["accuracy"], scores["accuracy_value"]) == (1.0, 0.5)
    assert [each["ways"]["accuracy"]["value_right"] for each in records] == [False, True]


def test_the_part_without_copies_is_scored_as_the_whole_is() -> None:
    others = {"accuracy_vote_2": PREDICTED[::-1], "baseline_neighbours": PREDICTED}
    scores, _ = score_problems(SET, PREDICTED, Reference.build(TRAIN), others=others, clean=[1, 3])
    part = {name: each[1:4:2] for name, each in others.items()}
    alone, _ = score_problems(SET[1:4:2], PREDICTED[1:4:2], Reference.build(TRAIN), others=part)
    alone["ceiling_gold_unseen"] = 0.0  # the set has gold programs, this part of it has none
    different = {name for name, value in alone.items() if scores["clean"][name] != value}
    assert different <= {"ceiling_gold_unseen_interval", "ceiling_gold_value_unseen"}


def test_exact_match_compares_programs_in_the_form_that_was_trained() -> None:
    """The model was trained to write a difference the other way round."""
    turned = {parse("negate(n0)|add(#0,n1)"): parse("subtract(n1,n0)")}
    scores, _ = score_problems(
        SET, PREDICTED, Reference.build(TRAIN), form=lambda program: turned.get(program, program)
    )
    assert scores["program_match"] == 2 / 5


def test_a_seen_template_without_a_right_program_is_told_apart() -> None:
    wrong = [replace(each, program="multiply(n0,n1)") for each in TRAIN[:1]] + TRAIN[1:]
    scores, _ = score_problems(SET, PREDICTED, Reference.build(wrong))
    names = ("num_seen", "num_seen_checked", "num_seen_unchecked", "accuracy_seen_unchecked")
    assert [scores[name] for name in names] == [2, 1, 1, 1.0]


def test_gold_programs_score_the_ceiling() -> None:
    gold = [parse(each.program) if each.program else None for each in SET]
    scores, _ = score_problems(SET, gold, Reference.build(TRAIN))
    assert scores["accuracy"] == scores["ceiling_gold"] == 3 / 5
    assert scores["program_match"] == 4 / 5


def test_what_has_no_problems_is_null() -> None:
    scores, outcomes = score_problems([], [], Reference.build(TRAIN))
    assert outcomes == []
    assert all(scores[name] == 0 for name in ("num_problems", "num_seen", "num_unseen"))
    assert (
        scores.pop("by_words") == scores.pop("by_operations") == scores.pop("by_similarity") == []
    )
    assert {value for name, value in scores.items() if not name.startswith("num_")} == {None}
    scores, _ = score_problems(SET[:2], PREDICTED[:2], Reference.build(TRAIN))
    assert (
        scores["accuracy_unseen"]
        is scores["accuracy_unseen_interval"]
        is scores["baseline_nearest_unseen"]
        is None
    )


def test_problems_without_options_are_scored_by_value() -> None:
    plain = replace(problem("add 1 and 2", None, "add(n0,n1)"), options=(), answer=3.0)
    assert judge(plain, parse("add(n0,n1)")).right
    assert not judge(plain, parse("multiply(n0,n1)")).right
    assert not judge(replace(plain, answer=None), parse("add(n0,n1)")).right
    scores, _ = score_problems([plain], [parse("add(n0,n1)")], Reference.build([plain]))
    assert scores["accuracy"] == scores["baseline_nearest"] == scores["baseline_majority"] == 1
    scores, (outcome,) = score_problems([plain], [parse("add(n0,n1)")], Reference.build(TRAIN))
    assert scores["baseline_majority"] is scores["baseline_majority_interval"] is None, (
        "training had letters, and no answers"
    )
    assert (outcome["answer"], outcome["options"]) == (3.0, [])


def test_without_key_or_program_nothing_is_right() -> None:
    assert not judge(problem("add 1 and 2", None, None), None).right
    assert not judge(problem("add 1 and 2", None, None), parse("add(n0,n1)")).right


def test_majority_is_the_most_common_key() -> None:
    assert majority_letter(TRAIN) == "b"
    assert majority_letter(TRAIN[:2]) == "b"
    assert majority_letter(reversed(TRAIN[:2])) == "b"
    assert majority_letter([]) is None


def test_a_set_without_programs_has_no_ceiling() -> None:
    scores, _ = score_problems(
        [replace(each, program=None) for each in SET], PREDICTED, Reference.build(TRAIN)
    )
    assert scores["accuracy"] == 3 / 5
    assert scores["ceiling_gold"] is scores["program_match"] is scores["value_match"] is None


def test_the_majority_is_that_of_a_problems_own_set() -> None:
    """Thousands of another set's problems make its baseline no weaker."""
    other = [
        replace(problem("2 and 2", "c", None, index=place), set_name="other") for place in range(9)
    ]
    reference = Reference.build([*TRAIN, *other])
    alone = [Reference.build(TRAIN).guess(each) for each in TRAIN]
    assert [reference.guess(each) for each in TRAIN] == alone
    assert reference.guess(other[0]) is True
    assert reference.guess(replace(other[0], set_name="came later")) is True, "that of all together"


def test_the_most_common_answer_is_of_problems_without_options() -> None:
    plain = [
        replace(problem("add 1 and 2", None, None), options=(), answer=value)
        for value in (7.0, 3.0, 7.0, 3.0, 5.0)
    ]
    assert common_answer([*plain, *TRAIN]) == 3.0, "the smallest of equals"
    assert common_answer(TRAIN) is None
    reference = Reference.build([*plain, *TRAIN])
    assert [reference.guess(each) for each in plain] == [False, True, False, True, False]
    symbolic = replace(plain[0], text="differentiate `x^2` by `x`", answer=None, expression="2*x")
    assert reference.guess(symbolic) is None, "no expression is the most common number"
    assert [reference.guess(each) for each in TRAIN] == [True, False, False, True]


def test_a_missing_prediction_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="4 programs for 5 problems"):
        score_problems(SET, PREDICTED[:4], Reference.build(TRAIN))


def test_values_are_equal_within_rounding_alone() -> None:
    assert ARITHMETIC.same(1 / 3, 0.1 + 0.2 + 1 / 30)
    assert ARITHMETIC.same(0.0, 1e-12)
    assert not ARITHMETIC.same(100.0, 100.001)
    assert not ARITHMETIC.same(None, None)


def symbolic(text: str, program: str, key: str) -> Problem:
    return Problem("symbolic", "heldout", 0, text, (), None, program, "", expression=key)


def test_expressions_are_scored_by_equivalence_and_form() -> None:
    problems = [
        symbolic("differentiate `x^2 + x^3` by `x`", "differentiate(n0,n1)", "3x^2 + 2x"),
        symbolic("integrate `2x` by `x`", "integrate(n0,n1)", "x^2 + C"),
        symbolic("expand `x(x + 1)`", "expand(n0)", "x^2 + x"),
        symbolic("solve `x^2 = 4` for `x`", "solve(n0,n1)", "{2, -2}"),
    ]
    programs = (
        "differentiate(n0,n1)|factor(#0)",
        "integrate(n0,n1)|add(#0,const_3)",
        "factor(n0)",
        "solve(n0,n1)|largest(#0)",
    )
    predicted = [parse(each) for each in programs]
    train = [
        symbolic("differentiate `5x` by `x`", "differentiate(n0,n1)", "5"),
        problem("add 1 and 2", "b", "add(n0,n1)"),
    ]
    scores, records = score_problems(problems, predicted, Reference.build(train))
    assert [each["right"] for each in records] == [True, True, False, False], (
        "a form that is asked for, and a whole set, count"
    )
    assert scores["ceiling_gold"] == 1.0
    assert scores["value_match"] == 2 / 4  # the derivative, and x*(x + 1)
    assert scores["num_seen"] == 1
    assert scores["baseline_nearest_seen"] == 1.0
    assert scores["baseline_majority"] is None, "there are no letters"
    assert records[0]["numbers"] == ["x^2 + x^3", "x"]
    assert (records[0]["value"], records[0]["answer"]) == ("x*(3*x + 2)", "3x^2 + 2x")
    json.dumps(records)
