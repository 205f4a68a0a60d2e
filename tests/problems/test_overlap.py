"""Overlap: the words are the house's, the n-grams are those of a plain search, and planted problems
are found."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.problems.overlap import NGRAM, SHARE, OverlapIndex
from corpus.problems.words import words_of
from corpus.program.number_words import digits_for_words
from corpus.program.spelling import normalize

PROBLEMS = [
    "a baker sells 12 rolls at 3 dollars each and 5 loaves at 7 dollars each . how much money does the baker take in on that day ?",
    "the ferry needs 45 minutes to cross a river that is 9 km wide against the wind . what is its speed in km per hour ?",
    "what is 15 % of 80 ?",
    "if nina doesn't spend more than 2.5 dollars on each of her 6 pens , how much of 1,000 dollars is left at the end of the year ?",
]
MATERIAL = [
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "the",
    "of",
    "a",
    "is",
    "in",
    "km",
    "per",
    "hour",
    "dollars",
    "each",
    "how",
    "much",
    "3",
    "9",
    "12",
    "river",
    "wind",
]


def _plain_words(text: str) -> list[str]:
    """The words of the house's spelling without its signs: runs of letters, runs of digits, no
    commas in numbers."""
    found = []
    for word in normalize(text).split():
        if word[0].isascii() and word[0].isdigit():
            found += word.replace(",", "").split(".")
        elif re.fullmatch(r"[^\W\d_²³¹½¼¾]+", word):
            found.append(word)
    return found


@given(st.lists(st.text(alphabet="abnt'’.,05_ -\n²½éÄß–\0", max_size=40), max_size=4))
def test_words_are_those_of_the_house_in_any_spelling(texts: list[str]) -> None:
    words = words_of(texts)
    plain = [_plain_words(text) for text in texts]
    assert words.texts.tolist() == [place for place, mine in enumerate(plain) for _ in mine]
    flat = [word for mine in plain for word in mine]
    hashes = words.hashes.tolist()
    assert words.numbers.tolist() == [word.isdigit() for word in flat]
    assert len(set(zip(flat, hashes))) == len(set(flat)) == len(set(hashes)), (
        "one hash a word, one word a hash"
    )


def _plain_share(problem: str, text: str, ngram: int) -> float:
    """The share by a search of every run of words, without places: what `find` gives for texts no
    longer than the problem."""
    mine, there = _plain_words(problem), _plain_words(text)
    size = min(ngram, len(mine))
    runs = {tuple(there[start : start + size]) for start in range(len(there) - size + 1)}
    covered = {
        place + step
        for place in range(len(mine) - size + 1)
        if tuple(mine[place : place + size]) in runs
        for step in range(size)
    }
    return len(covered) / len(mine)


@given(st.data())
def test_shares_are_those_of_a_plain_search(data: st.DataObject) -> None:
    problem = data.draw(
        st.lists(st.sampled_from(sorted(set(MATERIAL))), min_size=4, max_size=14, unique=True)
    )
    cut = data.draw(st.integers(0, len(problem) - 1))
    text = (
        problem[:cut]
        + ["and", "yet"][: data.draw(st.integers(0, 2))]
        + problem[cut + data.draw(st.integers(0, 2)) :]
    )
    ngram = data.draw(st.integers(2, 6))
    index = OverlapIndex([" ".join(problem)], ngram=ngram, share=0.01)
    expected = _plain_share(" ".join(problem), " ".join(text), ngram)
    found = index.find(" ".join(text))
    assert [match.share for match in found] == pytest.approx([expected] if expected else [])


def _document(number: int) -> str:
    chance = random.Random(number)
    return " ".join(chance.choices(MATERIAL, k=400))


@pytest.mark.parametrize("problem", range(len(PROBLEMS)))
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.upper().replace(" .", ".").replace(" ?", "?!"),
        lambda text: text.replace(" ", "  \n"),
        lambda text: text.replace(" , ", " – ").replace("'", "’"),
    ],
    ids=["verbatim", "capitals", "white space", "signs"],
)
def test_planted_problems_are_found_alone_and_in_documents(problem: int, change) -> None:  # type: ignore[no-untyped-def]
    index, planted = OverlapIndex(PROBLEMS), change(PROBLEMS[problem])
    (alone,) = index.find(planted)
    assert (alone.problem, alone.share, alone.is_equal, alone.other_numbers) == (
        problem,
        1.0,
        True,
        False,
    )
    begin = _document(problem)
    (inside,) = index.find(f"{begin}\n{planted}\n{_document(9)}")
    assert (inside.problem, inside.share, inside.is_equal, inside.other_numbers) == (
        problem,
        1.0,
        False,
        False,
    )
    assert inside.place == len(_plain_words(begin))


def test_a_problem_cut_short_or_with_a_word_changed_is_found() -> None:
    index = OverlapIndex(PROBLEMS)
    for text in (
        PROBLEMS[0][:90],
        PROBLEMS[0].replace("money", "cash"),
        PROBLEMS[1].replace("wide", "broad"),
    ):
        matches = index.find(f"{_document(1)} {text}")
        assert len(matches) == 1
        assert SHARE <= matches[0].share < 1
        assert not matches[0].other_numbers


@pytest.mark.parametrize(
    ("before", "after"), [("12", "13"), ("7", "8"), ("12 rolls at 3", "3 rolls at 12")]
)
def test_other_numbers_make_a_twin(before: str, after: str) -> None:
    for text in (
        PROBLEMS[0].replace(before, after),
        f"{_document(2)} {PROBLEMS[0].replace(before, after)}",
    ):
        matches = OverlapIndex(PROBLEMS).find(text)
        assert [match.other_numbers for match in matches] in ([True], []), (
            "found as a twin, or with too little in common"
        )
    both = f"{PROBLEMS[0].replace(before, after)} {PROBLEMS[0]}"
    assert not OverlapIndex(PROBLEMS).find(both)[0].other_numbers, (
        "the true one counts where both stand in a text"
    )


def test_texts_without_a_problem_hold_none() -> None:
    index = OverlapIndex([*PROBLEMS, "", "what is x"])
    texts = [
        *map(_document, range(30)),
        "what is 15 of something else and 80 more",
        "the ferry needs 45 minutes to cross a lake",
        " ".join(_plain_words(PROBLEMS[0])[: NGRAM - 1]),
        "now what is x",
        "",
        "?!",
    ]
    assert [index.find(text) for text in texts] == [[] for _ in texts]
    assert index.find("What is x?")[0].problem == len(PROBLEMS) + 1, (
        "short ones are found as whole texts"
    )


def test_phrases_scattered_over_a_long_text_are_no_problem() -> None:
    words = PROBLEMS[0].split()
    thirds = [" ".join(words[start : start + 10]) for start in (0, 10, 20)]
    scattered = f" {_document(3)} {_document(4)} ".join(thirds)
    assert OverlapIndex(PROBLEMS).find(scattered) == []
    assert OverlapIndex(PROBLEMS).find(" ".join(thirds))


def test_many_texts_at_once_are_as_each_alone() -> None:
    index = OverlapIndex(PROBLEMS)
    texts = [
        *PROBLEMS,
        "",
        *map(_document, range(20)),
        " ".join(PROBLEMS[1].split()[:12]),
        " ".join(PROBLEMS[1].split()[12:]),
    ] * 30
    assert list(index.find_each(texts)) == [index.find(text) for text in texts], (
        "no run of words goes over the end of a text"
    )
    assert list(index.find_each([])) == []
    assert OverlapIndex([]).find(PROBLEMS[0]) == []


def test_the_same_words_come_before_more_words() -> None:
    longer = f"{PROBLEMS[1]} {PROBLEMS[0]}"
    assert [match.is_equal for match in OverlapIndex([PROBLEMS[0], longer]).find(longer)] == [
        True,
        False,
    ]


def test_numbers_in_words_are_those_in_digits() -> None:
    index = OverlapIndex(["nina has 2 dogs and 3 cats and each of the 5 pets eats 4 bowls of food"])
    (found,) = index.find(
        "Nina has two dogs and three cats, and each of the five pets eats four bowls of food."
    )
    assert (found.share, found.other_numbers, found.is_equal) == (1.0, False, True)
    (twin,) = index.find(
        "Nina has two dogs and three cats, and each of the five pets eats nine bowls of food."
    )
    assert twin.other_numbers


@pytest.mark.parametrize("size", [200, 333, 1000])
def test_a_long_text_read_in_pieces_holds_what_it_holds_as_a_whole(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = OverlapIndex(PROBLEMS)
    parts = [
        _document(0),
        PROBLEMS[1],
        _document(1),
        PROBLEMS[0].replace("12", "13"),
        _document(2),
        PROBLEMS[3],
        PROBLEMS[0],
    ]
    text = " ".join(parts)
    whole = index.find(text)
    assert {match.problem for match in whole} == {0, 1, 3}
    monkeypatch.setattr("corpus.problems.overlap._PIECE_CHARACTERS", size)
    found = index.find(text)
    assert {(match.problem, match.share) for match in whole if match.problem != 0} <= {
        (m.problem, m.share) for m in found
    }
    assert {match.problem: match.place for match in found if match.problem in (1, 3)} == {
        match.problem: match.place for match in whole if match.problem in (1, 3)
    }
    assert not next(match for match in found if match.problem == 0).other_numbers, (
        "the one with its own numbers is there too"
    )
    assert list(index.find_each(["short", text])) == [[], found]


def test_memory_does_not_grow_with_a_text_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    index = OverlapIndex(PROBLEMS)
    monkeypatch.setattr("corpus.problems.overlap._PIECE_CHARACTERS", 1000)
    monkeypatch.setattr(
        "corpus.problems.overlap.words_of",
        lambda texts: sizes.append(sum(map(len, texts))) or words_of(texts),
    )
    index.find(_document(0) * 20)
    assert len(sizes) > 20
    assert max(sizes) < 1100


@pytest.mark.parametrize(
    "question",
    [
        "A farmer plants twenty-five rows of corn with forty stalks in each row; how many stalks of corn does the farmer have in all?",
        "Carla sold two hundred tickets on the first day of the fair and twice as many on the second. How many did she sell?",
    ],
)
def test_a_problem_read_with_digits_is_found_in_its_own_question(question: str) -> None:
    index = OverlapIndex([digits_for_words(question)])
    (match,) = index.find(f"Once upon a time. {question} Nobody knows.")
    assert not match.other_numbers
    (other,) = index.find(
        question.replace("twenty-five", "thirty-five").replace("two hundred", "three hundred")
    )
    assert other.other_numbers


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        ("twenty - five", "25"),
        ("twenty-five", "25"),
        ("Twenty five", "25"),
        ("twenty\nfive", "25"),
        ("two  hundred\n and six", "206"),
        ("250 thousand", "250000"),
        ("two hundred and six", "206"),
        ("a hundred", "100"),
        ("3 million", "3,000,000"),
        ("2.5 million", "2500000"),
        ("ninety - nine thousand nine hundred", "99900"),
    ],
)
def test_a_number_of_several_words_is_its_digits(words: str, digits: str) -> None:
    around = "a shop sold {} caps , and {} hats on one day .".format
    spelled, written = (words_of([around(each, 7)] * 2) for each in (words, digits))
    assert spelled.hashes.tolist() == written.hashes.tolist()
    assert spelled.numbers.tolist() == written.numbers.tolist()
    assert spelled.texts.tolist() == written.texts.tolist()


def test_a_copy_with_its_numbers_in_words_is_found() -> None:
    problem = "tom is twenty - five years older than his son who is 12 . how old is tom now ?"
    (match,) = OverlapIndex([problem]).find(problem.replace("twenty - five", "25"))
    assert not match.other_numbers
    assert match.share == 1
    (twin,) = OverlapIndex([problem]).find(problem.replace("twenty - five", "26"))
    assert twin.other_numbers


def test_numbers_that_stand_beside_each_other_are_not_joined() -> None:
    texts = ["rows of twenty , then five", "rows of twenty", "five more", "seven , eight"]
    words = words_of(texts)
    assert words.texts.tolist() == [0] * 5 + [1] * 3 + [2] * 2 + [3] * 2
