"""A problem as the model reads it, and a program as the model writes it.

    <|problem|> what is its speed ? a train covers <|n0|> km in <|n1|> hours . <|program|>  →  <|speed|> <|n0|> <|n1|> <|eos|>

Numbers are replaced by the symbols that programs use for them, so the model never sees their values; in a text with marked expressions
those are, and numbers outside of them stay digits. The question comes first, so that the rest is read for it; a text with expressions stays in its
order. Text is brought into MathQA's spelling before that, so that a question typed as people type reads like the data.
"""

import re
from collections.abc import Sequence
from itertools import zip_longest

from corpus.problems.expressions import find_expressions
from corpus.problems.numbers import NUMBER, find_numbers
from corpus.problems.question import Item, question_first
from corpus.program.language import MAX_NUMBERS, Program, ProgramError, from_symbols, to_symbols
from corpus.text.config import SPECIAL
from corpus.text.tokenizer import Tokenizer

EOS, _, PROBLEM, PROGRAM = SPECIAL
PROMPTS = "question-first"
"""The form of prompts, kept beside weights that were trained on them."""

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
    items = _items(text)
    pieces, quantities = [""], []
    for item in items:
        if isinstance(
            item, str
        ):  # every word begins with its space, so that it has the same ids at the start of a text and inside it
            pieces[-1] += f" {item}"
        else:
            quantities.append(item)
            pieces.append("")
    ids = [tokenizer.token_id(PROBLEM)]
    for piece, quantity in zip_longest(tokenizer.encode_batch(pieces), quantities):
        ids += piece
        if quantity is not None:
            ids.append(tokenizer.symbol_id(f"n{quantity}"))
    return [*ids, tokenizer.token_id(PROGRAM)]


def _items(text: str) -> list[Item]:
    """Return the words, in MathQA's spelling, and the places of the quantities, in the order in which the model reads them."""
    expressions = find_expressions(text)
    clean = text if expressions else normalize(text)
    items: list[Item] = []
    end = 0
    for place, each in enumerate([*(expressions or find_numbers(clean))][:MAX_NUMBERS]):
        items += [*normalize(clean[end : each.start]).split(), place]
        end = each.end
    items += normalize(clean[end:]).split()
    return items if expressions else question_first(items)


def completion_tokens(program: Program, tokenizer: Tokenizer) -> list[int]:
    """Return the ids of a program, `<|eos|>` last. Raises `ProgramError` where it has an argument without a symbol."""
    return [*(tokenizer.symbol_id(symbol) for symbol in to_symbols(program)), tokenizer.token_id(EOS)]


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
