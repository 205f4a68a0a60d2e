"""Bins of a set: every problem is in one, and each is scored as a set of its own would be."""

import itertools
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.evaluate.baselines import Reference
from corpus.evaluate.bins import OPERATIONS, SIMILARITY, WORDS, bin_title
from corpus.evaluate.score import score_problems
from corpus.problems.problem import Problem
from corpus.program.arithmetic.options import parse_options
from corpus.program.language import Program, parse

OPTIONS = parse_options("a ) 2 , b ) 3 , c ) 4 , d ) 5 , e ) none")
REFERENCE = Reference.build(
    [Problem("made", "train", 0, "add 1 and 2", OPTIONS, "b", "add(n0,n1)", "")]
)


def _problem(index: int, words: int, operations: int, key: str) -> Problem:
    text = " ".join(["1", "2", *["pens"] * (words - 2)])
    steps = ["add(n0,n1)", *(f"add(#{at},n0)" for at in range(operations - 1))]
    return Problem(
        "made", "dev", index, text, OPTIONS, key, "|".join(steps) if operations else None, ""
    )


def _scores(
    problems: list[Problem], predicted: list[Program | None], beyond: list[bool] | None = None
) -> dict:
    return score_problems(problems, predicted, REFERENCE, beyond=beyond)[0]


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(2, 120), st.integers(0, 14), st.sampled_from("abc"), st.booleans()),
        min_size=1,
        max_size=30,
    )
)
def test_a_bin_is_scored_as_a_set_of_its_own(made: list[tuple[int, int, str, bool]]) -> None:
    problems = [_problem(index, *each[:3]) for index, each in enumerate(made)]
    predicted = [parse("add(n0,n1)") if each[3] else None for each in made]
    scores = _scores(problems, predicted)
    for field, place, bounds in (("by_words", 0, WORDS), ("by_operations", 1, OPERATIONS)):
        found = scores[field]
        assert sum(each["num_problems"] for each in found) == len(problems)
        for each in found:
            if each["from"] is None:
                members = [i for i, size in enumerate(made) if size[place] == 0]
            else:
                assert (each["from"], each["to"]) in bounds
                members = [
                    i
                    for i, size in enumerate(made)
                    if each["from"] <= size[place] <= (each["to"] or 999)
                ]
            alone = _scores([problems[i] for i in members], [predicted[i] for i in members])
            expected = (
                "num_problems",
                "accuracy",
                "accuracy_interval",
                "baseline_nearest",
                "baseline_nearest_interval",
            )
            assert {name: each[name] for name in expected} == {
                name: alone[name] for name in expected
            }


def test_bounds_leave_no_gap() -> None:
    for bounds in (WORDS, OPERATIONS):
        assert bounds[0][0] == 1
        assert bounds[-1][1] is None
        assert all(
            last is not None and last + 1 == first
            for (_, last), (first, _) in itertools.pairwise(bounds)
        )


def test_similarity_is_that_of_the_most_similar_trained_problem() -> None:
    """A twin, one with half of its words in training, one with none; each beside what copying
    gives."""
    assert (SIMILARITY[0][0], SIMILARITY[-1]) == (0, (100, 100))
    assert all(last + 1 == first for (_, last), (first, _) in itertools.pairwise(SIMILARITY))
    texts = ("add 7 and 8", "add 1 and 2 pens", "which colour is it ?")
    problems = [
        Problem("made", "dev", index, text, OPTIONS, "b", "add(n0,n1)", "")
        for index, text in enumerate(texts)
    ]
    shares = [REFERENCE.neighbours.copy_program(problem)[1] for problem in problems]
    assert shares[0] == 1.0
    assert shares[2] == 0.0
    found = _scores(problems, [None, parse("add(n0,n1)"), None])["by_similarity"]
    assert [(each["num_problems"], each["accuracy"]) for each in found] == [
        (1, 0.0),
        (1, 1.0),
        (1, 0.0),
    ]
    assert [
        each["from"] <= 100 * (share or 0) < each["to"] + 1
        for each, share in zip(found, reversed(shares))
    ] == [True] * 3
    alone = score_problems(problems, [None] * 3, Reference.build([]))[0]["by_similarity"]
    assert [(each["from"], each["num_problems"]) for each in alone] == [(None, 3)]


def test_words_are_those_the_model_reads() -> None:
    text = "Tom's 3.5kg bag, and 20 more?"  # tom ' s 3.5 kg bag , and 20 more ?
    problem = Problem("made", "dev", 0, text, OPTIONS, "a", None, "")
    many = Problem("made", "dev", 1, text + " so" * 10, OPTIONS, "a", None, "")
    found = _scores([problem, many], [None, None])["by_words"]
    assert [(each["from"], each["num_problems"]) for each in found] == [(1, 1), (21, 1)]


def test_what_lies_beyond_the_context_is_counted_apart() -> None:
    problems = [_problem(index, 10, 1, "b") for index in range(4)]
    predicted = [parse("add(n0,n1)"), None, parse("add(n0,n1)"), None]
    assert "beyond_context" not in _scores(problems, predicted), "unknown is not none"
    part = _scores(problems, predicted, [True, True, True, False])["beyond_context"]
    assert (part["num_problems"], part["accuracy"]) == (3, 2 / 3)
    assert _scores(problems, predicted, [False] * 4)["beyond_context"]["accuracy"] is None


def test_titles() -> None:
    titles = Counter(
        bin_title({"from": first, "to": last})
        for first, last in (*WORDS, *OPERATIONS, *SIMILARITY, (None, None))
    )
    assert {
        "1–20",
        "71 and more",
        "4",
        "6–7",
        "11 and more",
        "none",
        "30–49",
        "100",
    } <= titles.keys()
