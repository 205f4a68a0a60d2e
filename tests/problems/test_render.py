"""Prompts and completions: spelling, symbols for numbers, and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.config.tokenizer import SMALLEST_VOCABULARY, TokenizerConfig
from corpus.problems.problem import Problem
from corpus.problems.render import completion_tokens, program_from_tokens
from corpus.problems.render import prompt_tokens as tokens_of
from corpus.program.domains import ARITHMETIC
from corpus.program.language import MAX_NUMBERS, ProgramError, parse
from corpus.program.spelling import normalize
from corpus.text.tokenizer import Tokenizer, train_tokenizer

QUESTION = "a train covers 120 km in 2.5 hours . what is its speed ?"


def prompt_tokens(text: str, tokenizer: Tokenizer) -> list[int]:
    """Return the prompt of a typed question."""
    return tokens_of(Problem.question(text), tokenizer)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    texts = ["a train covers some km in hours . what is its speed ?"] * 20
    return train_tokenizer(texts, TokenizerConfig(vocab_size=SMALLEST_VOCABULARY + 60))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A train covers 120km in 2.5 hours. What is its speed?", QUESTION),
        (QUESTION, QUESTION),
        ("Rs.500 or $1,234.50 (5%)?", "rs . 500 or $ 1,234.50 ( 5 % ) ?"),
        ("Jim's 3rd 1/2-hour doesn't count", "jim ' s 3 rd 1 / 2 - hour does n ' t count"),
        (".5x²=2", "0.5 x ² = 2"),
        ("  \n ", ""),
    ],
)
def test_questions_are_spelled_like_the_data(text: str, expected: str) -> None:
    assert normalize(text) == expected


@given(st.text(alphabet="0123456789.,aBnt' $%²-", max_size=60) | st.text(max_size=80))
def test_normalising_keeps_every_number_and_happens_once(text: str) -> None:
    clean = normalize(text)
    assert normalize(clean) == clean
    assert [span.value for span in ARITHMETIC.find(clean)] == [
        span.value for span in ARITHMETIC.find(text)
    ]


def test_the_prompt_has_symbols_for_numbers(tokenizer: Tokenizer) -> None:
    ids = prompt_tokens(QUESTION, tokenizer)
    first, second = tokenizer.symbol_id("n0"), tokenizer.symbol_id("n1")
    assert ids[0] == tokenizer.token_id("<|problem|>")
    assert ids[-1] == tokenizer.token_id("<|program|>")
    assert ids[1:-1] == [
        *tokenizer.encode(" a train covers"),
        first,
        *tokenizer.encode(" km in"),
        second,
        *tokenizer.encode(" hours . what is its speed ?"),
    ]


def test_the_values_of_numbers_are_hidden(tokenizer: Tokenizer) -> None:
    assert prompt_tokens(QUESTION, tokenizer) == prompt_tokens(
        "A train covers 7 km in 1,000 hours. What is its speed?", tokenizer
    )


@given(st.text(max_size=60))
def test_text_never_becomes_a_special_token(tokenizer: Tokenizer, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    spelled = f"<|eos|> <|add|> {text} <|program|>"
    ids = prompt_tokens(spelled, tokenizer)
    symbols = [
        tokenizer.id_to_symbol(token) for token in ids if tokenizer.id_to_symbol(token) is not None
    ]
    assert symbols == [
        f"n{index}" for index in range(min(len(ARITHMETIC.find(spelled)), MAX_NUMBERS))
    ]
    assert [
        ids.count(tokenizer.token_id(name)) for name in ("<|problem|>", "<|program|>", "<|eos|>")
    ] == [1, 1, 0]


def test_numbers_beyond_the_symbols_stay_digits(tokenizer: Tokenizer) -> None:
    text = " ".join(["5"] * (MAX_NUMBERS + 2))
    assert prompt_tokens(text, tokenizer) == [
        tokenizer.token_id("<|problem|>"),
        *(tokenizer.symbol_id(f"n{index}") for index in range(MAX_NUMBERS)),
        *tokenizer.encode(" 5 5"),
        tokenizer.token_id("<|program|>"),
    ]


def test_programs_survive_tokens(tokenizer: Tokenizer) -> None:
    program = parse("divide(n0,n1)|multiply(#0,const_100)")
    ids = completion_tokens(program, tokenizer)
    assert len(ids) == 7
    assert ids[-1] == tokenizer.token_id("<|eos|>")
    assert program_from_tokens(ids, tokenizer) == program
    assert program_from_tokens(ids[:-1], tokenizer) == program
    assert program_from_tokens([*ids, 300, 301], tokenizer) == program


def test_tokens_that_spell_no_program_are_refused(tokenizer: Tokenizer) -> None:
    ids = completion_tokens(parse("divide(n0,n1)"), tokenizer)
    for wrong in (
        [],
        ids[-1:],
        ids[:2],
        ids[1:],
        [*ids[:2], tokenizer.encode("a")[0]],
        [*ids[:3], tokenizer.token_id("<|pad|>")],
    ):
        with pytest.raises(ProgramError):
            program_from_tokens(wrong, tokenizer)


def test_programs_without_symbols_have_no_completion(tokenizer: Tokenizer) -> None:
    with pytest.raises(ProgramError, match="n32 has no symbol"):
        completion_tokens(parse("negate(n32)"), tokenizer)


def test_expressions_have_symbols_and_other_digits_stay(tokenizer: Tokenizer) -> None:
    ids = prompt_tokens("Find the 2nd slope of `3x^2 + 1`, at `x = 2`.", tokenizer)
    assert ids[1:-1] == [
        *tokenizer.encode(" find the 2 nd slope of"),
        tokenizer.symbol_id("n0"),
        *tokenizer.encode(" , at"),
        tokenizer.symbol_id("n1"),
        *tokenizer.encode(" ."),
    ]
    assert ids == prompt_tokens("find the 2nd slope of `sin(y)` , at `y = 7` .", tokenizer)


def test_programs_over_expressions_survive_tokens(tokenizer: Tokenizer) -> None:
    program = parse("variable(n0)|differentiate(n0,#0)|solve(#1,#0)|largest(#2)")
    assert program_from_tokens(completion_tokens(program, tokenizer), tokenizer) == program


def test_a_whole_program_is_read_from_one_token(tokenizer: Tokenizer) -> None:
    whole, other = parse("divide(n0,n1)"), parse("add(n0,n1)")
    extended = tokenizer.with_programs([whole])
    assert program_from_tokens([extended.program_ids[whole], 300], extended) == whole
    for program in (whole, other):
        ids = completion_tokens(program, extended)
        assert ids[0] == extended.token_id("<|spelled|>")
        assert ids[1:] == completion_tokens(program, tokenizer)
        assert program_from_tokens(ids, extended) == program
        assert program_from_tokens(ids[1:], extended) == program  # the mark was in the prompt
    for wrong in ([], [ids[0]], [ids[0], ids[0], *ids[1:]]):
        with pytest.raises(ProgramError):
            program_from_tokens(wrong, extended)
