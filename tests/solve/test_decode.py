"""Batched, cached decoding gives what decoding one prompt at a time without a cache gives."""

import random
from typing import Any

import pytest
import torch

from corpus.config.model import ModelConfig
from corpus.model.cache import Branches
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model
from corpus.solve.decode import Decoder

CONFIG = ModelConfig(
    vocab_size=50, dim=32, num_layers=2, num_heads=4, num_kv_heads=2, context_length=64
)
NEW_TOKENS = 10


def _greedy(model: Transformer, prompts: list[list[int]], **settings: Any) -> list[list[int]]:
    return [list(found.tokens) for found in Decoder(model=model, **settings).greedy(prompts)]


@pytest.fixture(scope="module")
def model() -> Transformer:
    """Large random weights: continuations differ from each other and end at different lengths."""
    model = build_model(CONFIG, seed=4)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2:
                parameter.mul_(3 if name == "embedding.weight" else 8)
    return model


@pytest.fixture(scope="module")
def prompts() -> list[list[int]]:
    chance = random.Random(0)
    return [[chance.randrange(50) for _ in range(chance.randint(1, 30))] for _ in range(24)]


@pytest.fixture(scope="module")
def endless(model: Transformer, prompts: list[list[int]]) -> list[list[int]]:
    """What each prompt gets alone, without a cache and without a token that stops it."""
    continuations = []
    for prompt in prompts:
        tokens = list(prompt)
        with torch.no_grad():
            for _ in range(NEW_TOKENS):
                tokens.append(int(model(torch.tensor([tokens]))[0, -1, :50].argmax()))
        continuations.append(tokens[len(prompt) :])
    return continuations


@pytest.fixture(scope="module")
def stop_id(endless: list[list[int]]) -> int:
    """The token that most continuations hold, so that many end early."""
    return max(range(50), key=lambda token: sum(token in continuation for continuation in endless))


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_the_batch_does_not_matter(
    model: Transformer,
    prompts: list[list[int]],
    endless: list[list[int]],
    stop_id: int,
    batch_size: int,
) -> None:
    expected = [
        continuation[: continuation.index(stop_id)] if stop_id in continuation else continuation
        for continuation in endless
    ]
    assert len({len(continuation) for continuation in expected}) > 3, (
        "the prompts should end at different steps"
    )
    done: list[int] = []
    result = _greedy(
        model,
        prompts,
        max_new_tokens=NEW_TOKENS,
        stop_id=stop_id,
        batch_size=batch_size,
        progress=done.append,
    )
    assert result == expected
    assert done[-1] == len(prompts)
    assert done == sorted(done)


def test_finished_rows_are_dropped(
    model: Transformer, prompts: list[list[int]], stop_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    begin = Branches.begin
    monkeypatch.setattr(
        Branches,
        "begin",
        lambda cache, positions: (rows.append(len(positions)), begin(cache, positions))[1],
    )
    _greedy(model, prompts, max_new_tokens=NEW_TOKENS, stop_id=stop_id, batch_size=64)
    assert rows[0] == len(prompts)
    assert rows[-1] < len(prompts)
    assert rows == sorted(rows, reverse=True)


def test_ids_beyond_the_vocabulary_are_never_chosen(
    model: Transformer, prompts: list[list[int]]
) -> None:
    """The embedding has 64 rows for 50 tokens; here the others would win."""
    loud = build_model(CONFIG, seed=4)
    loud.load_state_dict(model.state_dict())
    with torch.no_grad():
        loud.embedding.weight[50:] = 100 * torch.randn(
            14, 32, generator=torch.Generator().manual_seed(0)
        )
    assert _greedy(loud, prompts, max_new_tokens=4, stop_id=-1, batch_size=64) == _greedy(
        model, prompts, max_new_tokens=4, stop_id=-1, batch_size=64
    )


def test_nothing_to_do(model: Transformer) -> None:
    assert _greedy(model, [], max_new_tokens=4, stop_id=0, batch_size=8) == []
    assert _greedy(model, [[1], [2]], max_new_tokens=0, stop_id=0, batch_size=8) == [[], []]
    with pytest.raises(ValueError, match="a prompt is empty"):
        _greedy(model, [[1], []], max_new_tokens=4, stop_id=0, batch_size=8)
