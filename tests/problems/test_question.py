"""The question in front: which words it is, and that nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.problems.question import Item, question_first


def _items(text: str) -> list[Item]:
    return [int(word) if word.isdigit() else word for word in text.split()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a train covers 0 km . what is its speed ?", "what is its speed ? a train covers 0 km ."),
        ("if it covers 0 km , how long does it take ?", "how long does it take ? if it covers 0 km ,"),
        ("it has 0 m . in how many s does it cross 1 m ?", "in how many s does it cross 1 m ? it has 0 m ."),
        ("find the sides . their sum is 0 .", "find the sides . their sum is 0 ."),
        ("the sum is 0 . find the sides . one is 1 .", "find the sides . the sum is 0 . one is 1 ."),
        ("what is the remainder when 0 is divided by 1 ?", "what is the remainder when 0 is divided by 1 ?"),
        ("their sum is 0 . the second is ?", "the second is ? their sum is 0 ."),
        ("he has rs . 0 . she has rs . 1 more", "she has rs . 1 more he has rs . 0 ."),
        ("he has rs . 0 . then she has rs . x more", "then she has rs . x more he has rs . 0 ."),
        ("it is 0 . 1 of what is it ?", "of what is it ? it is 0 . 1"),
        ("what is the units digit of 0 ! + 1 ! + 2 !", "what is the units digit of 0 ! + 1 ! + 2 !"),
        ("how many zeros does 0 ! end with ?", "how many zeros does 0 ! end with ?"),
        ("anna has 0 . how many has mr . smith ?", "how many has mr . smith ? anna has 0 ."),
        ("it is 0 a . m . how long to 1 p . m . is it ?", "how long to 1 p . m . is it ? it is 0 a . m ."),
        ("what is 0 + 1 ? 2 men share it .", "what is 0 + 1 ? 2 men share it ."),
        ("the sum is ( 0 + x ) . find x", "find x the sum is ( 0 + x ) ."),
        ("he knows how to bake 0 . will he bake 1 ?", "will he bake 1 ? he knows how to bake 0 ."),
        ("is it 0 ? is what 1 ? is it 2 ?", "what 1 ? is it 0 ? is is it 2 ?"),
        ("find x ; it is 0 ! ! then y is 1", "find x ; it is 0 ! ! then y is 1"),
        ("what ?", "what ?"),
        ("", ""),
        ("0", "0"),
        (". . .", ". . ."),
    ],
)
def test_the_question_comes_first(text: str, expected: str) -> None:
    assert question_first(_items(text)) == _items(expected)


@given(st.lists(st.sampled_from(["what", "how", "in", "rs", ".", "?", ",", "x", 0, 1, 2]), max_size=20))
def test_nothing_is_lost_and_the_rest_keeps_its_order(items: list[Item]) -> None:
    moved = question_first(items)
    assert sorted(map(str, moved)) == sorted(map(str, items))
    splits = [(start, end) for start in range(len(items) + 1) for end in range(start, len(items) + 1)]
    assert any(moved == [*items[start:end], *items[:start], *items[end:]] for start, end in splits)
