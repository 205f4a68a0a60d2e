"""A problem as the model reads it, and a program as the model writes it.

    <|problem|> a train covers <|n0|> km in <|n1|> hours . what is its speed ? <|program|>  →  <|speed|> <|n0|> <|n1|> <|eos|>

Numbers are replaced by the symbols that programs use for them, so the model never sees their values; in a text with marked expressions
those are, and numbers outside of them stay digits. Text is brought into
MathQA's spelling first, so that a question typed as people type reads like the data.
"""

import re
from collections.abc import Sequence

from corpus.config.tokenizer import SPECIAL
from corpus.problems.expressions import find_expressions
from corpus.problems.numbers import NUMBER, find_numbers
from corpus.program.language import MAX_NUMBERS, Program, ProgramError, from_symbols, to_symbols
from corpus.text.tokenizer import Tokenizer

EOS, _, PROBLEM, PROGRAM = SPECIAL
_NOT = re.compile(r"(?<=[a-z])n['’]t\b")
_TOKEN = re.compile(rf"({NUMBER})|[^\W\d_²³¹½¼¾]+|_+|\S")


def normalize(text: str) -> str:
    """Return `text` in MathQA's spelling: lower-case, one space round every word, number and sign; once is as good as twice.

    The numbers, their order and their values stay what they were.
    """
    words = []
    for match in _TOKEN.finditer(_NOT.sub(" n ' t", text.lower())):
        words.append("0" + match[0] if match[1] and match[0].startswith(".") else match[0])
    return " ".join(words)


def prompt_tokens(text: str, tokenizer: Tokenizer) -> list[int]:
    """Return the ids of `<|problem|> … <|program|>`, the first 32 quantities replaced by their symbols; further ones stay as they are."""
    words = _words_between(text)
    # Every piece begins with its space and ends without one, so that a word has the same ids at the start of a text and inside it.
    pieces = [f" {piece}" if piece else "" for piece in words]
    ids = [tokenizer.token_id(PROBLEM)]
    for index, piece in enumerate(tokenizer.encode_batch(pieces)):
        ids += piece
        if index < len(pieces) - 1:
            ids.append(tokenizer.symbol_id(f"n{index}"))
    return [*ids, tokenizer.token_id(PROGRAM)]


def _words_between(text: str) -> list[str]:
    """Return the words before, between and after the quantities, in MathQA's spelling."""
    expressions = find_expressions(text)
    clean = text if expressions else normalize(text)
    spans = [(each.start, each.end) for each in expressions or find_numbers(clean)][:MAX_NUMBERS]
    starts, ends = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(clean)]
    pieces = [clean[start:end] for start, end in zip(starts, ends)]
    return (
        [normalize(piece) for piece in pieces]
        if expressions
        else [piece.strip() for piece in pieces]
    )


def completion_tokens(program: Program, tokenizer: Tokenizer) -> list[int]:
    """Return the ids of a program, `<|eos|>` last. Raises `ProgramError` where it has an argument without a symbol."""
    return [
        *(tokenizer.symbol_id(symbol) for symbol in to_symbols(program)),
        tokenizer.token_id(EOS),
    ]


def program_from_tokens(ids: Sequence[int], tokenizer: Tokenizer) -> Program:
    """Read the program that `ids` spell, up to the first `<|eos|>` or their end. Raises `ProgramError` where they spell none."""
    end = tokenizer.token_id(EOS)
    symbols = []
    for token in ids:
        if token == end:
            break
        symbol = tokenizer.id_to_symbol(token)
        if symbol is None:
            raise ProgramError(f"token {token} is text, not a symbol of the program language")
        symbols.append(symbol)
    return from_symbols(symbols)
