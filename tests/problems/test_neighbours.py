"""Nearest problems, against a plain computation of the same similarity."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.problems import neighbours
from corpus.problems.neighbours import NeighbourIndex
from corpus.problems.problem import Problem


def problem(text: str, program: str | None = "add(n0,n1)", index: int = 0) -> Problem:
    return Problem("made", "train", index, text, (), None, program, "")


TEXTS = [
    "a train covers 120 km in 2 hours . what is its speed ?",
    "a train covers 60 km in 3 hours . what is its speed ?",
    "a man buys 5 pens for 20 dollars . what does a pen cost ?",
    "what is 20 % of 50 ?",
    "find the area of a square of side 5 cm .",
    "find the area of a circle of radius 5 cm .",
    "the ages of two boys are 3 and 5 . what is their sum ?",
]


def plain_similarities(query: str, templates: list[str], limit: float) -> list[float]:
    """TF-IDF cosine, word by word; too common words count in the entries' lengths alone."""

    def words(template: str) -> Counter[str]:
        single = template.split()
        return Counter(single + [" ".join(pair) for pair in zip(["", *single], [*single, ""])])

    counted = [words(template) for template in templates]
    holders = Counter(word for each in counted for word in each)
    rarity = {
        word: math.log((1 + len(templates)) / (1 + count)) + 1 for word, count in holders.items()
    }
    similarities = []
    for each in counted:
        length = math.sqrt(sum((count * rarity[word]) ** 2 for word, count in each.items()))
        shared = [word for word in words(query) if word in each and holders[word] <= limit]
        similarities.append(
            sum(words(query)[word] * each[word] * rarity[word] ** 2 for word in shared) / length
        )
    return similarities


@given(
    st.lists(st.sampled_from(" ".join(TEXTS).split()), min_size=1, max_size=12).map(" ".join),
    st.booleans(),
)
def test_the_order_is_that_of_the_plain_computation(query: str, cut_common: bool) -> None:
    problems, asked = [problem(text) for text in TEXTS[1:]], Problem.question(query)
    templates = [each.template for each in problems]
    with pytest.MonkeyPatch.context() as patch:
        if cut_common:
            patch.setattr(neighbours, "RARE", 0)
        limit = neighbours.COMMON * len(templates) if cut_common else math.inf
        expected = plain_similarities(asked.template, templates, limit)
        index = NeighbourIndex(problems)
    found = index.nearest(asked, k=len(problems))
    if asked.template not in templates:
        assert [expected[index] for index in found] == pytest.approx(
            sorted(expected, reverse=True), abs=1e-6
        )
    assert sorted(found) == list(range(len(problems)))


def plain_scores(query: str, templates: list[str], limit: float) -> list[np.float32]:
    """The dot products in float32, one product and one addition at a time, in the query's order."""

    def words(template: str) -> Counter[str]:
        single = template.split()
        return Counter(single + [" ".join(pair) for pair in zip(["", *single], [*single, ""])])

    counted = [words(template) for template in templates]
    holders = Counter(word for each in counted for word in each)
    idf = {word: np.log((1 + len(templates)) / (1 + holders[word])) + 1 for word in holders}
    scores = []
    for each in counted:
        squares = 0.0
        for word, count in each.items():
            squares += (count * idf[word]) ** 2
        score = np.float32(0)
        for word, count in words(query).items():
            if word in each and holders[word] <= limit:
                weight = np.float32(each[word] * idf[word] / np.sqrt(squares))
                score += np.float32(count * idf[word]) * weight
        scores.append(score)
    return scores


TEMPLATES = st.lists(st.sampled_from(list("abcdef")), min_size=1, max_size=8).map(" ".join)


@given(st.lists(TEMPLATES, min_size=1, max_size=12, unique=True), TEMPLATES, st.booleans())
def test_scores_and_ties_are_those_of_a_plain_loop_to_the_bit(
    templates: list[str], query: str, cut_common: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if cut_common:
            patch.setattr(neighbours, "RARE", 0)
        index = NeighbourIndex([problem(text) for text in templates])
        limit = neighbours.COMMON * len(templates) if cut_common else math.inf
    scores = plain_scores(query, templates, limit)
    assert index._score(query).tolist() == [float(score) for score in scores]
    if query in templates:
        scores[templates.index(query)] = np.float32(math.inf)
    order = sorted(range(len(templates)), key=lambda position: (-scores[position], position))
    assert index.nearest(Problem.question(query), k=len(templates)) == order


def test_a_text_without_a_known_word_scores_nothing() -> None:
    index = NeighbourIndex([problem(text) for text in TEXTS[1:]])
    for text in ("", "zebra"):
        asked = Problem.question(text)
        assert index.nearest(asked, k=3) == [0, 1, 2]
        assert [similarity for _, similarity in index.similar(asked, 3)] == [0.0, 0.0, 0.0]


def test_equally_similar_problems_are_in_order_also_where_they_are_cut_off() -> None:
    things = [("pens", "hats", "cups")[place * place % 3] for place in range(60)]
    index = NeighbourIndex([problem(f"{thing} x{'y' * i}") for i, thing in enumerate(things)])
    asked = Problem.question("pens and cups")
    everything = index.nearest(asked, k=60)
    for k in range(1, 60):
        assert index.nearest(asked, k=k) == everything[:k]


def test_an_exact_twin_comes_first() -> None:
    index = NeighbourIndex([problem(text) for text in TEXTS])
    for place, text in enumerate(TEXTS[1:], start=1):
        twin = text.replace("5", "17").upper()
        assert index.nearest(Problem.question(twin))[0] in (place, 0 if place == 1 else place)


def test_an_exact_twin_comes_first_even_of_common_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "RARE", 0)
    fillers = [f"the the {letter}" for letter in "abcdefghij"]
    index = NeighbourIndex([problem(text) for text in ["pens", "the " * 30 + "pens", *fillers]])
    assert index.nearest(Problem.question("the " * 30 + "pens"), k=2) == [1, 0]


def test_twins_are_one_entry_with_their_most_common_program() -> None:
    programs = ["add(n0,n1)", "divide(n0,n1)", "divide(n0,n1)", None]
    index = NeighbourIndex(
        [problem(f"go {place} km in 2 hours", program) for place, program in enumerate(programs)]
    )
    assert index.nearest(Problem.question("go 9 km in 9 hours"), k=5) == [1]


def test_a_program_is_copied_with_the_new_numbers() -> None:
    index = NeighbourIndex(
        [
            problem(TEXTS[0], "speed(n0,n1)"),
            problem(TEXTS[3], "multiply(n0,n1)|divide(#0,const_100)"),
        ]
    )
    assert (
        str(
            index.copy_program(
                problem("a bus covers 90 km in 3 hours . what is its speed ?", None)
            )[0]
        )
        == "speed(n0,n1)"
    )


def test_candidates_with_as_many_numbers_come_first() -> None:
    problems = [
        problem("share 6 pens among 2 boys now", "inverse(n0)"),
        problem("share 6 pens", "negate(n0)"),
    ]
    index = NeighbourIndex(problems)
    query = problem("share 6 pens among some boys now", None)
    assert index.nearest(query)[0] == 0
    assert str(index.copy_program(query)[0]) == "negate(n0)"


def test_a_program_that_does_not_execute_gives_way_to_the_next() -> None:
    index = NeighbourIndex(
        [
            problem("share 6 pens among 2 boys", "divide(n0,n1)"),
            problem("share 6 pens and 2 caps", "add(n0,n1)"),
        ]
    )
    assert str(index.copy_program(problem("share 6 pens among 0 boys", None))[0]) == "add(n0,n1)"
    assert index.copy_program(problem("share some pens among boys", None))[0] is None


def test_problems_without_a_program_and_empty_indices_give_nothing() -> None:
    index = NeighbourIndex([problem(TEXTS[0], None)])
    assert index.nearest(Problem.question(TEXTS[0]), k=3) == []
    assert index.copy_program(problem(TEXTS[0]))[0] is None


def test_similarities_are_cosines() -> None:
    index = NeighbourIndex([problem(text, index=place) for place, text in enumerate(TEXTS)])
    found = index.similar(Problem.question("find the area of a square of side 7 cm ."), 10)
    assert found[0][0].text == TEXTS[4]
    assert found[0][1] == pytest.approx(1.0)
    assert found[1][0].text == TEXTS[5]
    similarities = [similarity for _, similarity in found]
    assert similarities == sorted(similarities, reverse=True)
    assert all(0 <= similarity <= 1 for similarity in similarities)
    assert [each.index for each, _ in found[:3]] == [
        index._problems[place].index for place in index.nearest(found[0][0], 3)
    ]
    assert all(
        similarity == 0
        for _, similarity in index.similar(Problem.question("wieviel kostet brot"), 3)
    )


@given(st.sampled_from(TEXTS), st.text(st.sampled_from("abc xyz12"), max_size=20))
def test_a_text_with_further_words_is_less_similar(text: str, more: str) -> None:
    index = NeighbourIndex([problem(each, index=place) for place, each in enumerate(TEXTS)])
    ((_, alone),) = index.similar(Problem.question(text), 1)
    ((_, longer),) = index.similar(Problem.question(f"{text} unheard {more}"), 1)
    assert longer < alone == pytest.approx(1.0)
