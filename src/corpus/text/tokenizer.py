"""The tokenizer: byte-level BPE, one token a digit, and one token for each symbol of the program
language.

Encoding never gives a special token: `<|eos|>` written in a document becomes the bytes `<`, `|`,
`e` …. Only `token_id` and `symbol_id` give special tokens. So any string round-trips, and no
document can end itself or start a program.

The ids are laid out as special tokens, program symbols, bytes, merges; the first two groups have
the same ids in every vocabulary. Fine-tuning can add whole programs after them
(`with_programs`), each as one token: `<|divide(n0,n1)|multiply(#0,const_100)|>`.

Reference: Sennrich et al. 2016, arXiv:1508.07909; byte-level:
Radford et al. 2019 (GPT-2); single digits: Touvron et al. 2023, arXiv:2302.13971, sec. 2.1.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers, trainers

from corpus.base.errors import ArtifactError, ConfigError, DataError, did_you_mean
from corpus.base.files import read_json, write_json, write_text
from corpus.config.tokenizer import SPECIAL, TokenizerConfig
from corpus.program.language import SYMBOLS, Program, parse

TOKENIZER_FILE = "tokenizer.json"
TOKENIZER_CONFIG_FILE = "tokenizer_config.json"

EOS, PAD, PROBLEM, PROGRAM = SPECIAL

RESERVED = (*SPECIAL, *(f"<|{symbol}|>" for symbol in SYMBOLS))
"""The tokens with fixed ids, in the order of their ids."""

SPELLED = "<|spelled|>"
"""Says that a program follows symbol by symbol. It is the first of the ids that `with_programs`
adds."""

PIECE_CHARACTERS = 50_000
"""Longer texts are encoded in pieces, so that one long text feeds every core."""

GROUP_CHARACTERS = 2_000_000
"""Characters encoded at a time: encoding takes some 100 bytes of memory per token."""

_CUT = re.compile(r"(?<=[A-Za-z,.;:)}>])(?=[ \n])")
"""Where a cut changes no id: the pre-tokenizer always splits between a sign and white space."""


class Tokenizer:
    """Text to ids and back, with the ids of the special tokens and program symbols."""

    def __init__(self, backend: Backend, *, fix: str = "Prepare the data again.") -> None:
        wrong = [
            token for index, token in enumerate(RESERVED) if backend.token_to_id(token) != index
        ]
        if wrong:
            found = backend.token_to_id(wrong[0])
            has = (
                "is missing: an earlier version wrote this tokenizer"
                if found is None
                else f"has {found}"
            )
            raise ArtifactError(
                f"this tokenizer is not from this version of Corpus: {wrong[0]} should have id "
                f"{RESERVED.index(wrong[0])}, but {has}. {fix}"
            )
        # Their spelling in a text is plain text; not part of tokenizer.json, so set here.
        backend.encode_special_tokens = True
        self._backend = backend
        self._symbols = {symbol: len(SPECIAL) + index for index, symbol in enumerate(SYMBOLS)}

    def with_programs(self, programs: Sequence[Program]) -> "Tokenizer":
        """Return this tokenizer with one more token for each program, and `<|spelled|>` before
        them.

        Texts keep their ids. Raises `ValueError` where it has programs already.
        """
        if self.programs:
            raise ValueError("this tokenizer already has whole programs")
        backend = Backend.from_str(self._backend.to_str())
        # Not one by one: each call takes longer than the one before.
        backend.add_special_tokens([SPELLED, *(f"<|{program}|>" for program in programs)])
        return Tokenizer(backend)

    @cached_property
    def programs(self) -> tuple[Program, ...]:
        """The whole programs that have a token, in the order of their ids."""
        spelled = self._backend.token_to_id(SPELLED)
        if spelled is None:
            return ()
        texts = map(self.token_text, range(spelled + 1, self.vocab_size))
        return tuple(parse(text.removeprefix("<|").removesuffix("|>")) for text in texts)

    @cached_property
    def program_ids(self) -> dict[Program, int]:
        """The ids of `programs`."""
        first = self.vocab_size - len(self.programs)
        return {program: first + place for place, program in enumerate(self.programs)}

    def id_to_program(self, token: int) -> Program | None:
        """Return the whole program with this id, or None for an id that is none."""
        place = int(token) - (self.vocab_size - len(self.programs))
        return self.programs[place] if 0 <= place < len(self.programs) else None

    @cached_property
    def added_ids(self) -> range:
        """The ids of `<|spelled|>` and `programs`; empty without them."""
        count = len(self.programs) + 1 if self.programs else 0
        return range(self.vocab_size - count, self.vocab_size)

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`, without any special token.

        Raises `DataError` for a lone surrogate.
        """
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, using every core."""
        return [ids.tolist() for ids in self.encode_arrays(texts)]

    def encode_arrays(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the ids of each text as int32, in a tenth of the memory of `encode_batch`."""
        found: list[list[np.ndarray]] = [[np.empty(0, dtype=np.int32)] for _ in texts]
        try:
            pieces = (
                (index, piece)
                for index, text in enumerate(texts)
                for piece in _pieces(text, PIECE_CHARACTERS)
            )
            for group in _groups(pieces, GROUP_CHARACTERS):
                encodings = self._backend.encode_batch_fast(
                    [piece for _, piece in group], add_special_tokens=False
                )
                for (index, _), encoding in zip(group, encodings, strict=True):
                    found[index].append(np.array(encoding.ids, dtype=np.int32))
        except (TypeError, UnicodeEncodeError):
            raise DataError(_not_text(texts)) from None
        return [np.concatenate(parts) for parts in found]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of `ids`, with special tokens as written. Bytes that are not UTF-8 become
        U+FFFD.
        """
        return self._backend.decode(list(map(int, ids)), skip_special_tokens=False)

    def decode_array(self, ids: np.ndarray) -> str:
        """Return the text of many ids, [tokens] of any integer type, much faster than `decode`.

        Special tokens and symbols become spaces.
        """
        data, starts = self._bytes
        lengths = np.diff(starts)[ids]
        ends = np.cumsum(lengths)
        places = np.repeat(starts[:-1][ids] - (ends - lengths), lengths) + np.arange(
            ends[-1] if len(ends) else 0
        )
        return data[places].tobytes().decode("utf-8", "replace")

    @cached_property
    def _bytes(self) -> tuple[np.ndarray, np.ndarray]:
        """The bytes of all ids, [bytes] uint8, and where each starts, [vocab_size + 1] int64."""
        plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [byte for byte in range(256) if byte not in set(plain)]
        by_sign = {chr(byte): byte for byte in plain} | {
            chr(256 + place): byte for place, byte in enumerate(others)
        }
        spelled = [
            b" "
            if token < len(RESERVED) or token in self.added_ids
            else bytes(by_sign[sign] for sign in self.token_text(token))
            for token in range(self.vocab_size)
        ]
        return np.frombuffer(b"".join(spelled), dtype=np.uint8), np.cumsum([0, *map(len, spelled)])

    @cached_property
    def vocab_size(self) -> int:
        """The number of ids; they are 0 … vocab_size - 1."""
        return self._backend.get_vocab_size(with_added_tokens=True)

    def token_id(self, token: str) -> int:
        """Return the id of a token by its spelling, such as `<|eos|>`.

        Raises `ConfigError` if there is none.
        """
        found = self._backend.token_to_id(token)
        if found is None:
            raise ConfigError(
                f"the tokenizer has no token {token!r}.{did_you_mean(token, RESERVED)}"
            )
        return found

    def symbol_id(self, symbol: str) -> int:
        """Return the id of a program symbol, such as `add`, `const_100`, `n0` or `#1`.

        Raises `ConfigError` if there is none.
        """
        if symbol not in self._symbols:
            hint = did_you_mean(symbol, SYMBOLS)
            raise ConfigError(f"{symbol!r} is not a symbol of the program language.{hint}")
        return self._symbols[symbol]

    def id_to_symbol(self, token: int) -> str | None:
        """Return the program symbol with this id, or None for an id that is no symbol."""
        index = int(token) - len(SPECIAL)
        return SYMBOLS[index] if 0 <= index < len(SYMBOLS) else None

    def token_text(self, token: int) -> str:
        """Return an id's entry in the vocabulary. It is byte-level: a space is `Ġ`."""
        return self._backend.id_to_token(int(token)) or f"<unknown id {token}>"

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of vocabulary and rules: equal digests mean equal ids for every text."""
        return hashlib.sha256(self._backend.to_str().encode()).hexdigest()

    def save(self, folder: Path) -> None:
        """Write `tokenizer.json` and `tokenizer_config.json`.

        `transformers.AutoTokenizer` reads them, and gives the same ids.
        """
        write_text(Path(folder) / TOKENIZER_FILE, self._backend.to_str(pretty=True) + "\n")
        settings = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": EOS,
            "pad_token": PAD,
            "clean_up_tokenization_spaces": False,
            "split_special_tokens": True,
        }
        write_json(Path(folder) / TOKENIZER_CONFIG_FILE, settings)

    @classmethod
    def load(cls, folder: Path, *, fix: str = "Prepare the data again.") -> "Tokenizer":
        """Read what `save` wrote.

        Raises `ArtifactError`, with `fix` as advice, if it is missing, damaged or not a tokenizer
        of Corpus.
        """
        path = Path(folder) / TOKENIZER_FILE
        plain = read_json(path, fix=fix)
        try:
            backend = Backend.from_str(json.dumps(plain, ensure_ascii=False))
        except Exception as error:  # the library raises bare exceptions
            raise ArtifactError(f"{path} is not a tokenizer ({error}). {fix}") from None
        return cls(backend, fix=f"It lies in {path}. {fix}")


def train_tokenizer(texts: Iterable[str], config: TokenizerConfig) -> Tokenizer:
    """Learn the merges from `texts`; the same texts in the same order give the same file.

    All texts are used: `config.sample_bytes` is for the caller, who chooses them.
    """
    backend = Backend(models.BPE())
    # No prefix space and no normaliser: text round-trips. Digits first: no merge joins two of them.
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), byte_level]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocab_size,
        special_tokens=list(RESERVED),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        min_frequency=2,
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    return Tokenizer(backend)


def _pieces(text: str, size: int) -> Iterator[str]:
    """Cut `text` into pieces of at least `size` characters, except the last, with the same ids."""
    start = 0
    while len(text) - start > size and (cut := _CUT.search(text, start + size)):
        yield text[start : cut.start()]
        start = cut.start()
    yield text[start:]


def _groups(pieces: Iterable[tuple[int, str]], size: int) -> Iterator[list[tuple[int, str]]]:
    """Yield groups of pieces, each with its text's index, of `size` characters together."""
    group, gathered = [], 0
    for index, piece in pieces:
        group.append((index, piece))
        gathered += len(piece)
        if gathered >= size:
            yield group
            group, gathered = [], 0
    if group:
        yield group


def _not_text(texts: Sequence[str]) -> str:
    for text in texts:
        if not isinstance(text, str):
            return f"{text!r} is not text; expected a string"
        try:
            text.encode()
        except UnicodeEncodeError as error:
            return (
                f"the text {text[max(0, error.start - 20) : error.start + 20]!r} holds a lone "
                "surrogate, which is not valid Unicode. Save it as UTF-8, or leave that character "
                "out."
            )
    return "a text could not be encoded"
