"""Loss on held-out text: the same as one document at a time, read from many, with an interval."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from corpus.config.model import ModelConfig
from corpus.config.prepare import VALIDATION_DOCUMENTS
from corpus.data.shards import Shard
from corpus.evaluate import text as module
from corpus.evaluate.text import mean_interval, score_sources, score_text
from corpus.model.weights import build_model
from corpus.runtime.runtime import Runtime

EOS, PAD, VOCABULARY = 0, 1, 64
CPU = Runtime(device=torch.device("cpu"), precision="fp32", num_threads=1)
MODEL = build_model(
    ModelConfig(
        vocab_size=VOCABULARY, dim=16, num_layers=1, num_heads=2, num_kv_heads=1, context_length=16
    ),
    seed=1,
)


def _shard(lengths: list[int]) -> Shard:
    chance = np.random.default_rng(len(lengths))
    documents = [np.append(chance.integers(2, VOCABULARY, size), EOS) for size in lengths]
    starts = np.cumsum([0, *map(len, documents[:-1])])
    tokens = np.concatenate(documents).astype(np.uint16)
    return Shard(source="s", tokens=tokens, documents=starts, num_bytes=len(tokens))


@torch.no_grad()
def _alone(text: np.ndarray) -> float:
    """Return the summed loss of a text by itself."""
    tokens = torch.from_numpy(text.astype(np.int64))[None]
    logits = MODEL(tokens[:, :-1], documents=torch.zeros_like(tokens[:, :-1]))
    return float(F.cross_entropy(logits.flatten(0, 1), tokens[0, 1:], reduction="sum"))


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=90), max_tokens=st.integers(1, 600)
)
def test_a_validation_reads_from_many_documents(lengths: list[int], max_tokens: int) -> None:
    """From the first one alone, where it is a book, it once came."""
    shard = _shard(lengths)
    beginnings = module._beginnings(shard, max_tokens, 16)
    assert len(beginnings) >= min(VALIDATION_DOCUMENTS, len(lengths))
    assert sum(map(len, beginnings)) <= max(max_tokens, 2 * len(beginnings))
    loss, _ = score_sources(MODEL, CPU, {"s": shard}, pad_id=PAD, max_tokens=max_tokens)
    expected = sum(map(_alone, beginnings)) / sum(len(text) - 1 for text in beginnings)
    assert loss["s"] == pytest.approx(expected, rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_the_loss_of_a_stream_belongs_to_its_documents(lengths: list[int]) -> None:
    shard = _shard(lengths)
    score = score_text(MODEL, CPU, shard.tokens, eos_id=EOS)
    assert score.num_documents == len(lengths)
    assert score.num_tokens == sum(lengths)
    assert (score.interval is None) == (len(lengths) == 1)
    if score.interval:
        assert score.interval[0] <= score.loss <= score.interval[1]


def test_the_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    """Documents of different lengths and levels, tokens within one alike."""
    chance, hits = np.random.default_rng(1), 0
    for _ in range(2000):
        counts = chance.integers(50, 1000, 30).astype(float)
        losses = counts * (4 + chance.normal(0, 0.4, 30)) + chance.normal(0, 1, 30) * counts**0.5
        low, high = mean_interval(losses, counts) or (math.nan, math.nan)
        hits += low <= 4 <= high
    assert 0.92 < hits / 2000 < 0.97


def test_documents_without_tokens_do_not_count() -> None:
    losses, counts = np.array([4.0, 0.0, 9.0]), np.array([2.0, 0.0, 3.0])
    assert mean_interval(losses, counts) == mean_interval(losses[[0, 2]], counts[[0, 2]])
    assert mean_interval(losses[:1], counts[:1]) is None
