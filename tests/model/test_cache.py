"""Decoding with cached keys and values equals the full forward pass."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.config.model import ModelConfig
from corpus.model.cache import ROOM, Branches, Cache
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model

CONFIG = ModelConfig(
    vocab_size=128, dim=32, num_layers=2, num_heads=4, num_kv_heads=2, context_length=32
)


def _lively(config: ModelConfig) -> Transformer:
    """A model with weights far from their start, so that attention and positions matter to its
    logits."""
    model = build_model(config, seed=1)
    with torch.no_grad():
        for parameter in model.blocks.parameters():
            parameter.mul_(10 if parameter.ndim == 2 else 1)
    return model


MODEL = _lively(CONFIG)


def _tokens(batch: int, seq: int) -> torch.Tensor:
    return torch.randint(
        0, 128, (batch, seq), generator=torch.Generator().manual_seed(batch * 100 + seq)
    )


@settings(max_examples=20)
@given(pieces=st.lists(st.integers(1, 7), min_size=1, max_size=6))
def test_any_cut_of_a_row_gives_the_full_pass(pieces: list[int]) -> None:
    tokens = _tokens(2, sum(pieces))
    cache = Cache(CONFIG, batch=2, capacity=sum(pieces))
    parts, start = [], 0
    for piece in pieces:
        positions = torch.arange(start, start + piece)[None].expand(2, -1)
        parts.append(MODEL(tokens[:, start : start + piece], positions=positions, cache=cache))
        start += piece
    torch.testing.assert_close(torch.cat(parts, dim=1), MODEL(tokens), atol=1e-5, rtol=1e-5)


@settings(max_examples=15)
@given(lengths=st.lists(st.integers(1, 12), min_size=2, max_size=4), seed=st.integers(0, 9))
def test_prompts_of_different_lengths_share_a_batch(lengths: list[int], seed: int) -> None:
    """Padding on the right of the shorter prompts changes nothing."""
    steps, width = 4, max(lengths)
    rows = [_tokens(1, length + steps)[0] for length in lengths]
    expected = [MODEL(row[None])[0] for row in rows]
    padded = torch.randint(
        0, 128, (len(rows), width), generator=torch.Generator().manual_seed(seed)
    )
    for row, (tokens, length) in enumerate(zip(rows, lengths)):
        padded[row, :length] = tokens[:length]
    cache = Cache(CONFIG, batch=len(rows), capacity=width + steps)
    MODEL(padded, cache=cache)
    for step in range(steps):
        places = [length + step for length in lengths]
        new = torch.stack([row[place] for row, place in zip(rows, places)])[:, None]
        logits = MODEL(new, positions=torch.tensor(places)[:, None], cache=cache)
        wanted = torch.stack([logits[place] for logits, place in zip(expected, places)])
        torch.testing.assert_close(logits[:, 0], wanted, atol=1e-5, rtol=1e-5)


def test_a_full_cache_says_so() -> None:
    cache = Cache(CONFIG, batch=1, capacity=4)
    MODEL(_tokens(1, 4), cache=cache)
    with pytest.raises(ValueError, match="the cache holds 4 positions, and 5 are needed"):
        MODEL(_tokens(1, 1), positions=torch.tensor([[4]]), cache=cache)


@settings(max_examples=12)
@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    branches=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_every_branch_gets_what_a_full_pass_of_its_own_gives(
    lengths: list[int], branches: int, seed: int
) -> None:
    """Prompts of different lengths, more steps than there is room for at first, reordered and
    dropped sequences."""
    chance = torch.Generator().manual_seed(seed)
    steps, count = ROOM + 3, len(lengths)
    prompts = [torch.randint(0, 128, (length,), generator=chance) for length in lengths]
    padded = torch.zeros(count, max(lengths), dtype=torch.long)
    for row, prompt in enumerate(prompts):
        padded[row, : len(prompt)] = prompt
    cache = Cache(CONFIG, batch=count, capacity=max(lengths))
    MODEL(padded, cache=cache)
    places = torch.tensor(lengths)
    tree = Branches(cache, places, branches)
    places = places.repeat_interleave(branches)
    texts = [prompts[row // branches] for row in range(count * branches)]
    for step in range(steps):
        if step == 3:  # all sequences of a prompt continue its last one
            order = torch.arange(count).repeat_interleave(branches) * branches + branches - 1
            tree.reorder(order)
            texts = [texts[row] for row in order.tolist()]
        if step == 5 and count > 1:
            tree.keep(torch.arange(1, count))
            texts, places = texts[branches:], places[branches:]
        new = torch.randint(0, 128, (len(texts),), generator=chance)
        texts = [torch.cat([text, token[None]]) for text, token in zip(texts, new)]
        logits = MODEL(new[:, None], positions=places[:, None], cache=tree)[:, 0]
        places = places + 1
        if step in (0, 3, 6, steps - 1):
            wanted = torch.stack([MODEL(text[None])[0, -1] for text in texts])
            torch.testing.assert_close(logits, wanted, atol=1e-4, rtol=1e-4)
