"""Examples of different lengths laid side by side in rows of one length, so that hardly any position is padding."""

from collections.abc import Sequence

import numpy as np

from corpus.base.errors import DataError
from corpus.data.batch import IGNORED

OPEN_ROWS = 64
"""Rows kept open at a time: enough to fill 98 % of the positions, few enough to keep the order close to the shuffled one."""


def pack(lengths: Sequence[int], *, row_length: int, order: Sequence[int]) -> list[list[int]]:
    """Lay examples into rows, best fit first among the open rows; return the example indices of each row.

    Every example of `order` lands in exactly one row, and no row holds more than `row_length` tokens.
    """
    rows: list[list[int]] = []
    open_rows: list[tuple[int, int]] = []  # (free places, row index)
    for example in order:
        length = lengths[example]
        if length > row_length:
            raise DataError(
                f"example {example} has {length} tokens, more than a row of {row_length}; leave it out or raise model.context_length"
            )
        fitting = [(free, place) for place, (free, _) in enumerate(open_rows) if free >= length]
        if fitting:
            free, place = min(fitting)
            row = open_rows[place][1]
            rows[row].append(example)
            open_rows[place] = (free - length, row)
        else:
            if len(open_rows) == OPEN_ROWS:
                open_rows.remove(min(open_rows))
            rows.append([example])
            open_rows.append((row_length - length, len(rows) - 1))
    return rows


def packed_row(
    examples: Sequence[tuple[Sequence[int] | np.ndarray, int]], *, row_length: int, pad_id: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay examples into one row; return inputs, targets and document ids, each [row_length] int64.

    Args:
        examples: (tokens, length of the prompt) of each; loss is computed on the completion only.
        row_length: positions of the row.
        pad_id: token that fills the end; padding is a document of its own without targets.
    """
    tokens = np.full(row_length, pad_id, dtype=np.int64)
    targets = np.full(row_length, IGNORED, dtype=np.int64)
    documents = np.full(row_length, len(examples), dtype=np.int64)
    start = 0
    for index, (sequence, prompt_length) in enumerate(examples):
        end = start + len(sequence)
        tokens[start:end], documents[start:end] = sequence, index
        targets[start + prompt_length - 1 : end - 1] = sequence[prompt_length:]
        start = end
    return tokens, targets, documents
