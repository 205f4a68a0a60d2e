"""Packing: every example once, no sequence too long, little padding, loss on completions only."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.base.errors import DataError
from corpus.data.batch import IGNORED, pack, packed_sequence


@given(st.lists(st.integers(1, 64), min_size=1, max_size=300), st.randoms(use_true_random=False))
def test_every_example_lands_in_one_sequence_that_fits(lengths, random):
    order = list(range(len(lengths)))
    random.shuffle(order)
    packed = pack(lengths, seq_length=64, order=order)
    assert sorted(example for sequence in packed for example in sequence) == list(
        range(len(lengths))
    )
    assert all(sum(lengths[example] for example in sequence) <= 64 for sequence in packed)


def test_sequences_are_nearly_full():
    lengths = np.random.default_rng(0).integers(20, 120, 5000).tolist()
    packed = pack(lengths, seq_length=256, order=range(5000))
    assert sum(lengths) / (len(packed) * 256) > 0.97


def test_an_example_longer_than_a_sequence_is_refused():
    with pytest.raises(DataError, match="65 tokens"):
        pack([65], seq_length=64, order=[0])


def test_a_packed_sequence_has_loss_on_completions_only():
    tokens, targets, documents = packed_sequence(
        [((11, 12, 13, 14), 2), ((21, 22, 23), 1)], seq_length=9, pad_id=1
    )
    assert tokens.tolist() == [11, 12, 13, 14, 21, 22, 23, 1, 1]
    assert targets.tolist() == [IGNORED, 13, 14, IGNORED, 22, 23, IGNORED, IGNORED, IGNORED]
    assert documents.tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2]
