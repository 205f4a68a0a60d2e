"""The tokenizer: every string round-trips, specials stay out of text, files are Hugging Face's."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.errors import ArtifactError, ConfigError, DataError
from corpus.config.tokenizer import SMALLEST_VOCABULARY, SPECIAL, TokenizerConfig
from corpus.program.language import SYMBOLS, parse
from corpus.text import tokenizer as module
from corpus.text.tokenizer import RESERVED, Tokenizer, train_tokenizer

SENTENCES = (
    "The sum of 48 and 1250 is 1298, and the sum of the squares is larger.",
    "def add(first, second):\n    return first + second\n\n\ndef square(value):\n    return value ** 2\n",
    "\\begin{theorem} Let $x \\in \\mathbb{R}$; then $x^2 \\ge 0$. \\end{theorem}",
    "Ünïcödé, 漢字 and 👍🏽 are bytes as well;   so are\ttabs and\r\nline ends.",
)
CONFIG = TokenizerConfig(vocab_size=SMALLEST_VOCABULARY + 60)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(SENTENCES * 20, CONFIG)


LOOK_ALIKES = st.sampled_from(
    [
        *SPECIAL,
        "<|add|>",
        "<|n0|>",
        "<|",
        "|>",
        "eos",
        " ",
        "  ",
        "\n",
        "\r\n",
        "12",
        "3.5",
        "½",
        "²",
        "'ll",
        "Ġ",
    ]
)
TEXTS = st.one_of(
    st.text(), st.lists(st.one_of(LOOK_ALIKES, st.text(max_size=4)), max_size=12).map("".join)
)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
def test_any_string_round_trips_without_special_tokens(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert all(len(RESERVED) <= token < tokenizer.vocab_size for token in ids)


@settings(max_examples=100, deadline=None)
@given(text=st.lists(TEXTS, max_size=8).map(" ".join))
def test_cutting_a_long_text_into_pieces_changes_no_id(tokenizer: Tokenizer, text: str) -> None:
    whole = tokenizer._backend.encode(text, add_special_tokens=False).ids
    pieces = list(module._pieces(text, 7))
    assert "".join(pieces) == text
    assert [
        token
        for piece in pieces
        for token in tokenizer._backend.encode(piece, add_special_tokens=False).ids
    ] == whole


def test_long_texts_are_cut_and_joined_again(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["", SENTENCES[0] * 9, "x", SENTENCES[1] * 5, ""]
    expected = tokenizer.encode_batch(texts)
    monkeypatch.setattr(module, "PIECE_CHARACTERS", 40)
    monkeypatch.setattr(module, "GROUP_CHARACTERS", 100)
    assert tokenizer.encode_batch(texts) == expected


def test_digits_stand_alone(tokenizer: Tokenizer) -> None:
    assert [tokenizer.token_text(token) for token in tokenizer.encode("1250")] == list("1250")
    vocabulary = [
        tokenizer.token_text(token) for token in range(len(RESERVED), tokenizer.vocab_size)
    ]
    assert not [
        token
        for token in vocabulary
        if len(token) > 1 and any(character.isdigit() for character in token)
    ]


def test_ids_are_laid_out_in_a_fixed_order(tokenizer: Tokenizer) -> None:
    assert [tokenizer.token_id(token) for token in SPECIAL] == [0, 1, 2, 3]
    assert [tokenizer.symbol_id(symbol) for symbol in SYMBOLS] == list(range(4, 4 + len(SYMBOLS)))
    assert [tokenizer.id_to_symbol(token) for token in range(4, 4 + len(SYMBOLS))] == list(SYMBOLS)
    assert tokenizer.id_to_symbol(0) is None
    assert tokenizer.id_to_symbol(len(RESERVED)) is None
    assert (
        tokenizer.decode([0, *tokenizer.encode("a b"), tokenizer.symbol_id("add")])
        == "<|eos|>a b<|add|>"
    )


def test_training_is_deterministic_and_saving_keeps_every_byte(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    train_tokenizer(SENTENCES * 20, CONFIG).save(tmp_path / "again")
    tokenizer.save(tmp_path / "first")
    assert (tmp_path / "first/tokenizer.json").read_bytes() == (
        tmp_path / "again/tokenizer.json"
    ).read_bytes()
    assert Tokenizer.load(tmp_path / "first").digest == tokenizer.digest
    assert tokenizer.vocab_size == CONFIG.vocab_size


def test_transformers_gives_the_same_ids(tokenizer: Tokenizer, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    tokenizer.save(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in (
        *SENTENCES,
        "a<|eos|> b <|add|>",
        " leading",
        "trailing ",
        "don't  do\n\n that",
        " , .",
        "",
    ):
        assert theirs(text)["input_ids"] == tokenizer.encode(text)
        assert theirs.decode(tokenizer.encode(text)) == text
    assert (theirs.eos_token_id, theirs.pad_token_id, len(theirs)) == (0, 1, tokenizer.vocab_size)
    assert theirs.convert_tokens_to_ids("<|n3|>") == tokenizer.symbol_id("n3")


def test_a_vocabulary_from_before_a_symbol_was_added_is_refused(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    tokenizer.save(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace("<|smallest|>", "<|tiniest|>"), encoding="utf-8"
    )
    with pytest.raises(
        ArtifactError,
        match=r"<\|smallest\|> should have id \d+, but is missing: an earlier version.*Prepare the data",
    ):
        Tokenizer.load(tmp_path)


def test_mistakes_are_named(tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"vocab_size is 300.*take \d+"):
        TokenizerConfig(vocab_size=300)
    with pytest.raises(ConfigError, match=r"no token '<\|eso\|>'.*Did you mean '<\|eos\|>'"):
        tokenizer.token_id("<|eso|>")
    with pytest.raises(ConfigError, match=r"'ad' is not a symbol.*Did you mean 'add'"):
        tokenizer.symbol_id("ad")
    with pytest.raises(DataError, match="5 is not text; expected a string"):
        tokenizer.encode_batch(["a", 5])  # type: ignore[list-item]
    with pytest.raises(DataError, match="lone surrogate"):
        tokenizer.encode("half a pair: \ud800")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"model": {"type": "BPE"}}'])
def test_a_damaged_or_foreign_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ArtifactError, match="tokenizer"):
        Tokenizer.load(tmp_path)


def test_a_tokenizer_with_other_symbols_is_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    plain = (tmp_path / "tokenizer.json").read_text()
    (tmp_path / "tokenizer.json").write_text(plain.replace('"<|add|>"', '"<|plus|>"'))
    assert json.loads(plain)["added_tokens"][0]["content"] == "<|eos|>"
    with pytest.raises(ArtifactError, match=r"<\|add\|> should have id 4.*Prepare the data again"):
        Tokenizer.load(tmp_path)


PROGRAMS = [parse(text) for text in ("divide(n0,n1)", "add(n0,n1)|divide(#0,const_2)")]


def test_whole_programs_are_tokens_after_all_others(tokenizer: Tokenizer, tmp_path: Path) -> None:
    extended = tokenizer.with_programs(PROGRAMS)
    size = tokenizer.vocab_size
    assert extended.vocab_size == size + 3
    assert extended.token_id("<|spelled|>") == size
    assert extended.program_ids == {program: size + 1 + i for i, program in enumerate(PROGRAMS)}
    assert [extended.id_to_program(size + i) for i in range(3)] == [None, *PROGRAMS]
    assert extended.digest != tokenizer.digest
    assert extended.decode([size + 2]) == "<|add(n0,n1)|divide(#0,const_2)|>"
    extended.save(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    assert loaded.programs == tuple(PROGRAMS)
    assert loaded.digest == extended.digest
    assert list(loaded.added_ids) == [size, size + 1, size + 2]
    assert not tokenizer.programs
    assert not tokenizer.added_ids
    with pytest.raises(ValueError, match="already has whole programs"):
        extended.with_programs(PROGRAMS)


@given(st.text() | st.sampled_from(["<|spelled|>", "<|divide(n0,n1)|>", "x <|divide(n0,n1)|> y"]))
def test_no_text_becomes_a_whole_program(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.with_programs(PROGRAMS).encode(text) == tokenizer.encode(text)
