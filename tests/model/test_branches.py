"""Rows that branch off from prompts get what each would get in a full forward pass of its own."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.config.model import ModelConfig
from corpus.model.branches import ROOM, Branches
from corpus.model.cache import Cache
from corpus.model.init import build_model

CONFIG = ModelConfig(
    vocab_size=128, dim=32, num_layers=2, num_heads=4, num_kv_heads=2, context_length=32
)
MODEL = build_model(CONFIG, seed=1)
with torch.no_grad():
    for parameter in MODEL.blocks.parameters():
        parameter.mul_(10 if parameter.ndim == 2 else 1)


@settings(max_examples=12)
@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    branches=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_every_row_gets_its_own(lengths: list[int], branches: int, seed: int) -> None:
    """Prompts of different lengths, more steps than one piece of the cache holds, rows that change places, prompts that are dropped."""
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
        if step == 3:  # all rows of a prompt go on from its last one
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
