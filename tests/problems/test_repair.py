"""Repaired programs: what twins and similar problems say, and what they cannot say."""

from dataclasses import replace
from pathlib import Path

import pytest

from corpus.base.errors import ArtifactError
from corpus.problems.check import is_checked
from corpus.problems.problem import Problem
from corpus.problems.repair import (
    Repair,
    count_repairs,
    find_repairs,
    read_repairs,
    repaired,
    write_repairs,
)
from corpus.program.domain import AnswerOption


def problem(text: str, program: str | None, gold: float, index: int) -> Problem:
    options = [AnswerOption("a", f"{gold:g}", gold), AnswerOption("b", "77777", 77777.0)]
    return Problem("made", "train", index, text, tuple(options), "a", program, "")


def trains(programs: list[str | None], *, first: int = 0) -> list[Problem]:
    """Twins: how far a train gets."""
    return [
        problem(
            f"a train runs {30 + i} km an hour for {2 + 3 * i} hours . how far does it get ?",
            program,
            (30 + i) * (2 + 3 * i),
            first + i,
        )
        for i, program in enumerate(programs)
    ]


WRONG, RIGHT = "add(n0,n1)", "multiply(n0,n1)"
PENS = problem("what do 4 pens cost at 3 dollars each ?", RIGHT, 12, 90)


def test_a_twin_s_right_program_is_that_of_all() -> None:
    problems = trains([WRONG, RIGHT, WRONG, None])
    repairs = find_repairs(problems)
    assert [(each.problem, each.kind, each.before, each.after) for each in repairs] == [
        ("made/train/0", "twin", WRONG, RIGHT),
        ("made/train/2", "twin", WRONG, RIGHT),
        ("made/train/3", "twin", None, RIGHT),
    ]
    assert repairs[0].because == ("made/train/1", "made/train/2", "made/train/3")
    assert count_repairs(repairs) == {"twin": 3, "other": 0, "similar": 0, "without_program": 1}
    fixed = repaired(problems, {each.problem: each for each in repairs})
    assert all(map(is_checked, fixed))
    assert fixed[1] is problems[1]


def test_another_wording_s_program_counts_if_most_twins_agree() -> None:
    repairs = find_repairs([*trains([WRONG] * 3), PENS])
    assert {(each.kind, each.after) for each in repairs} == {("other", RIGHT)}


def test_a_wrong_gold_answer_is_outvoted_by_three() -> None:
    odd = problem("a train runs 9 km an hour for 9 hours . how far does it get ?", WRONG, 18.0, 3)
    assert is_checked(odd), "its program gives its gold answer, so it stays"
    wrong = replace(odd, options=(AnswerOption("a", "5", 5.0),))
    for last, expected in ((odd, 3), (wrong, 4)):
        repairs = find_repairs([*trains([WRONG] * 3), last, PENS])
        assert [each.after for each in repairs] == [RIGHT] * expected
    assert "made/train/3" not in repairs[0].because


@pytest.mark.parametrize("count", [1, 2])
def test_copies_of_one_problem_are_one_twin(count: int) -> None:
    (first,) = trains([WRONG])
    copies = [replace(first, index=index) for index in range(3 * count)]
    assert not find_repairs([*copies, PENS])


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_twins_say_nothing(count: int) -> None:
    assert not find_repairs([*trains([WRONG] * count), PENS])


def test_two_of_four_are_too_few_for_any_program() -> None:
    problems = trains([WRONG] * 4)
    problems[:2] = [replace(each, options=(AnswerOption("a", "5", 5.0),)) for each in problems[:2]]
    assert not find_repairs([*problems, PENS])


def test_a_similar_problem_s_program_must_give_every_gold_answer() -> None:
    other = problem("a bus runs 20 km an hour for 3 hours . how far does it get ?", RIGHT, 60, 9)
    (repair,) = find_repairs([*trains([WRONG]), other])
    assert repair == Repair(
        problem="made/train/0",
        kind="similar",
        before=WRONG,
        after=RIGHT,
        because=("made/train/9",),
    )
    two = trains([WRONG] * 2)
    two[1] = replace(two[1], options=(AnswerOption("a", "5", 5.0),))
    assert not find_repairs([*two, other])
    far = replace(other, text="what do 20 pens cost at 3 dollars each ?")
    assert not find_repairs([*trains([WRONG]), far])


def test_a_similar_problem_must_do_better_than_the_twins() -> None:
    other = problem("a bus runs 20 km an hour for 3 hours . how far does it get ?", RIGHT, 60, 9)
    pair = trains([WRONG, WRONG])
    pair[0] = replace(pair[0], options=(AnswerOption("a", "32", 32.0),))
    assert is_checked(pair[0]), "of two gold answers each program gives one"
    assert not find_repairs([*pair, other])
    four = trains([WRONG] * 4)
    for place, gold in ((0, 32.0), (1, 5.0)):
        four[place] = replace(four[place], options=(AnswerOption("a", f"{gold:g}", gold),))
    repairs = find_repairs([*four, other])
    assert [(each.problem, each.kind) for each in repairs] == [
        (f"made/train/{place}", "similar") for place in (1, 2, 3)
    ]


def test_a_problem_without_gold_answer_keeps_its_program() -> None:
    asked = replace(trains([WRONG])[0], correct=None, options=())
    assert not find_repairs([asked, *trains([RIGHT] * 4)[1:]])


def test_right_programs_stay() -> None:
    other = "add(n0,n0)|subtract(#0,n0)|multiply(#0,n1)"
    assert not find_repairs(trains([RIGHT, RIGHT, other.replace("#0,n1", "#1,n1"), RIGHT]))


def test_repairs_survive_a_file(tmp_path: Path) -> None:
    repairs = find_repairs(trains([WRONG, RIGHT, RIGHT, None]))
    path = tmp_path / "repairs.jsonl"
    write_repairs(path, repairs)
    assert read_repairs(path, fix="Prepare again.") == {each.problem: each for each in repairs}
    for damage in ('{"problem": 1}', "{", '{"problem":"a","kind":"twin","after":"x","because":[]}'):
        path.write_text(damage)
        with pytest.raises(ArtifactError, match=r"line 1 is not a repair .*Prepare again"):
            read_repairs(path, fix="Prepare again.")
