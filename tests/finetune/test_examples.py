"""Examples: what is read and what is learned, and why a problem was left out."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.errors import DataError
from corpus.config.tokenizer import SMALLEST_VOCABULARY, TokenizerConfig
from corpus.data.batch import IGNORED, packed_sequence
from corpus.finetune.examples import SelectedExamples, frequent_programs, select_examples
from corpus.problems.problem import Problem
from corpus.problems.render import program_from_tokens, prompt_tokens
from corpus.program.arithmetic.options import parse_options
from corpus.program.language import MAX_NUMBERS, MAX_RESULTS, parse
from corpus.text.tokenizer import EOS, PAD, Tokenizer, train_tokenizer

RIGHT = Problem(
    set_name="mathqa",
    split="train",
    index=0,
    text="a train covers 120 km in 2 hours . what is its speed ?",
    options=parse_options("a ) 50 , b ) 60 , c ) 70"),
    correct="b",
    program="divide(n0,n1)",
    category="physics",
)
WRONG = replace(RIGHT, index=1, program="add(n0,n1)")
"""Its program executes and does not reproduce the key."""
WITHOUT_KEY = replace(RIGHT, index=2, correct=None)
WITHOUT_PROGRAM = replace(RIGHT, index=3, program=None)
TOO_MANY_NUMBERS = replace(RIGHT, index=4, text=RIGHT.text + " 7" * (MAX_NUMBERS - 1))
TOO_MANY_STEPS = replace(
    RIGHT,
    index=5,
    program="|".join(
        ["divide(n0,n1)", *(f"multiply(#{i},const_1)" for i in range(MAX_RESULTS + 1))]
    ),
)
"""It executes, but one of its arguments is beyond the symbols."""
LONG = replace(RIGHT, index=6, text=RIGHT.text + " please" * 40)
EVERY_KIND = (RIGHT, WRONG, WITHOUT_KEY, WITHOUT_PROGRAM, TOO_MANY_NUMBERS, TOO_MANY_STEPS, LONG)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer([RIGHT.text] * 20, TokenizerConfig(vocab_size=SMALLEST_VOCABULARY + 60))


def _select(
    problems: Sequence[Problem],
    tokenizer: Tokenizer,
    *,
    max_length: int = 100,
    checked_only: bool = True,
) -> SelectedExamples:
    return select_examples(problems, tokenizer, max_length=max_length, checked_only=checked_only)


def test_an_example_is_the_prompt_and_then_the_program(tokenizer: Tokenizer) -> None:
    (example,) = _select([RIGHT], tokenizer).examples
    prompt, completion = (
        example.tokens[: example.prompt_length],
        example.tokens[example.prompt_length :],
    )
    assert list(prompt) == prompt_tokens(RIGHT, tokenizer)
    assert completion[-1] == tokenizer.token_id(EOS)
    assert program_from_tokens(completion, tokenizer) == parse("divide(n0,n1)")


def test_loss_is_on_the_completion_only(tokenizer: Tokenizer) -> None:
    """Two examples in a row: each target is the token that follows, and the targets of each spell
    its program and its end."""
    other = replace(RIGHT, text="what is 5 more than 4 ?", program="add(n0,n1)")
    examples = _select([RIGHT, other], tokenizer, checked_only=False).examples
    tokens, targets, documents = packed_sequence(
        [(example.tokens, example.prompt_length) for example in examples],
        seq_length=100,
        pad_id=tokenizer.token_id(PAD),
    )
    for place, (example, program) in enumerate(
        zip(examples, ("divide(n0,n1)", "add(n0,n1)"), strict=True)
    ):
        own = (documents == place) & (targets != IGNORED)
        assert own.sum() == len(example.tokens) - example.prompt_length
        assert program_from_tokens(targets[own].tolist(), tokenizer) == parse(program)
        assert targets[own][-1] == tokenizer.token_id(EOS)
    learned = (targets != IGNORED).nonzero()[0]
    assert (targets[learned] == tokens[learned + 1]).all()
    assert len(learned) == sum(len(example.tokens) - example.prompt_length for example in examples)


@pytest.mark.parametrize(
    ("checked_only", "expected", "used"),
    [
        (True, {"given": 7, "used": 1, "no_program": 3, "unchecked": 2, "too_long": 1}, (RIGHT,)),
        (
            False,
            {"given": 7, "used": 3, "no_program": 3, "unchecked": 0, "too_long": 1},
            (RIGHT, WRONG, WITHOUT_KEY),
        ),
    ],
)
def test_problems_are_counted_by_what_became_of_them(
    tokenizer: Tokenizer, checked_only: bool, expected: dict[str, int], used: tuple[Problem, ...]
) -> None:
    selection = _select(EVERY_KIND, tokenizer, max_length=60, checked_only=checked_only)
    assert selection.counts == expected
    assert selection.problems == used
    assert len(selection.examples) == len(used)


@pytest.mark.parametrize("problem", [WITHOUT_PROGRAM, TOO_MANY_NUMBERS, TOO_MANY_STEPS])
def test_a_problem_that_cannot_be_written_has_no_program(
    tokenizer: Tokenizer, problem: Problem
) -> None:
    counts = _select([RIGHT, problem], tokenizer, max_length=1000, checked_only=False).counts
    assert counts == {"given": 2, "used": 1, "no_program": 1, "unchecked": 0, "too_long": 0}


def test_an_example_of_just_the_length_fits(tokenizer: Tokenizer) -> None:
    length = len(_select([RIGHT], tokenizer).examples[0].tokens)
    assert _select([RIGHT], tokenizer, max_length=length).counts["used"] == 1
    with pytest.raises(DataError, match=r"1 too_long"):
        _select([RIGHT], tokenizer, max_length=length - 1)


def test_where_nothing_is_left_the_reasons_are_given(tokenizer: Tokenizer) -> None:
    with pytest.raises(
        DataError, match=r"none .*\(3 given, 1 no_program, 2 unchecked\).*finetune\.checked_only"
    ):
        _select([WRONG, WITHOUT_KEY, WITHOUT_PROGRAM], tokenizer)
    with pytest.raises(DataError, match="give problems"):
        _select([], tokenizer)


@settings(max_examples=25)
@given(
    problems=st.lists(st.sampled_from(EVERY_KIND), max_size=8),
    max_length=st.integers(20, 80),
    checked_only=st.booleans(),
)
def test_every_problem_is_counted_once_and_examples_follow_their_problems(
    tokenizer: Tokenizer, problems: list[Problem], max_length: int, checked_only: bool
) -> None:
    selection = _select(
        [RIGHT, *problems], tokenizer, max_length=max(max_length, 40), checked_only=checked_only
    )
    counts = dict(selection.counts)
    assert counts.pop("given") == len(problems) + 1 == sum(counts.values())
    assert counts["used"] == len(selection.examples) == len(selection.problems)
    for example, problem in zip(selection.examples, selection.problems, strict=True):
        assert list(example.tokens[: example.prompt_length]) == prompt_tokens(problem, tokenizer)
        assert len(example.tokens) <= max(max_length, 40)


def test_solvable_is_what_has_a_key_and_no_program_that_gives_it(tokenizer: Tokenizer) -> None:
    by_answer = replace(WITHOUT_PROGRAM, options=(), correct=None, answer=60.0)
    keyless = replace(by_answer, answer=None)
    selection = _select([*EVERY_KIND, by_answer, keyless], tokenizer)
    assert selection.solvable == (WRONG, WITHOUT_PROGRAM, TOO_MANY_STEPS, by_answer)


def test_an_example_with_a_whole_program_teaches_both_ways(tokenizer: Tokenizer) -> None:
    """The prompt's last target is the program's token, and the targets after it spell it."""
    extended = tokenizer.with_programs([parse("divide(n0,n1)")])
    other = replace(RIGHT, program="multiply(n0,const_0_5)")
    whole, spelled = _select([RIGHT, other], extended).examples
    assert extended.id_to_program(whole.answer or 0) == parse("divide(n0,n1)")
    assert spelled.answer is None
    for example, first in ((whole, whole.answer), (spelled, extended.token_id("<|spelled|>"))):
        length, end = example.prompt_length, len(example.tokens)
        tokens, targets, _ = packed_sequence(
            [(example.tokens, length)],
            seq_length=100,
            pad_id=extended.token_id(PAD),
            answers=[example.answer],
        )
        assert tokens[length] == extended.token_id("<|spelled|>")
        assert targets[length - 1] == first
        assert targets[length : end - 1].tolist() == list(example.tokens[length + 1 :])
        assert (targets == IGNORED).sum() == 100 - (end - length)


def test_programs_of_several_wordings_are_frequent() -> None:
    wordings = [replace(RIGHT, text=RIGHT.text.replace("train", name)) for name in ("car", "bus")]
    half = replace(RIGHT, program="multiply(n0,const_0_5)")
    twin = replace(RIGHT, text=RIGHT.text.replace("120", "180"), correct=None)
    assert frequent_programs([RIGHT, twin, half, WRONG], 2) == []
    divide, multiply = parse("divide(n0,n1)"), parse("multiply(n0,const_0_5)")
    assert frequent_programs([RIGHT, *wordings, half], 2) == [divide]
    assert frequent_programs([half, *wordings, WRONG, WITHOUT_PROGRAM], 1) == [divide, multiply]
