"""A problem as the model reads it, and a program as the model writes it, in tokens.

    <|problem|> a train covers <|n0|> km in <|n1|> hours . what is its speed ? <|program|>
    <|speed|> <|n0|> <|n1|> <|eos|>

A tokenizer with whole programs writes one of them as a single token. Any other program is spelled
after a token that says so:

    <|program|> <|speed(n0,n1)|>
    <|program|> <|spelled|> <|speed|> <|n0|> <|n1|> <|eos|>

Quantities are replaced by the symbols that programs use for them, so the model never sees their
values. Text is in MathQA's spelling, so that a typed question reads like the data.
"""

from collections.abc import Sequence

from corpus.config.tokenizer import SPECIAL
from corpus.problems.problem import Problem
from corpus.program.language import Program, ProgramError, from_symbols, to_symbols
from corpus.text.tokenizer import SPELLED, Tokenizer

EOS, _, PROBLEM, PROGRAM = SPECIAL


def prompt_tokens(problem: Problem, tokenizer: Tokenizer) -> list[int]:
    """Return the ids of `<|problem|> … <|program|>`.

    The first 32 quantities are replaced by their symbols; further ones stay as they are.
    """
    # A piece begins with a space, so a word has the same ids at the start of a text and inside it.
    pieces = tokenizer.encode_batch([f" {piece}" if piece else "" for piece in problem.pieces])
    ids = [tokenizer.token_id(PROBLEM), *pieces[0]]
    for index, piece in enumerate(pieces[1:]):
        ids += [tokenizer.symbol_id(f"n{index}"), *piece]
    return [*ids, tokenizer.token_id(PROGRAM)]


def completion_tokens(program: Program, tokenizer: Tokenizer) -> list[int]:
    """Return the ids of a program that is spelled, `<|eos|>` last.

    Raises `ProgramError` where it has an argument without a symbol.
    """
    symbols = map(tokenizer.symbol_id, to_symbols(program))
    return [*spelling_prefix(tokenizer), *symbols, tokenizer.token_id(EOS)]


def spelling_prefix(tokenizer: Tokenizer) -> list[int]:
    """Return the ids before the symbols of a program: `<|spelled|>`, or none where the tokenizer
    has no whole programs."""
    return [tokenizer.token_id(SPELLED)] if tokenizer.programs else []


def program_from_tokens(ids: Sequence[int], tokenizer: Tokenizer) -> Program:
    """Read the program that `ids` begin with, up to the first `<|eos|>` or their end.

    Raises `ProgramError` where they spell none.
    """
    whole = tokenizer.id_to_program(ids[0]) if len(ids) else None
    if whole is not None:
        return whole
    prefix, end = spelling_prefix(tokenizer), tokenizer.token_id(EOS)
    symbols = []
    for token in ids[len(prefix) :] if list(ids[:1]) == prefix else ids:
        if token == end:
            break
        symbol = tokenizer.id_to_symbol(token)
        if symbol is None:
            raise ProgramError(f"token {token} is text, not a symbol of the program language")
        symbols.append(symbol)
    return from_symbols(symbols)
