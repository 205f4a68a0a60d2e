"""The model's sizes: what is derived, what is counted, what is refused."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.config import from_plain, to_plain
from corpus.base.errors import ConfigError
from corpus.model.config import ModelConfig
from corpus.model.transformer import Transformer

CONFIG = ModelConfig(vocab_size=300, dim=48, num_layers=2, num_heads=4, num_kv_heads=2, context_length=32)


def test_sizes_that_are_not_given_follow_the_others() -> None:
    assert (CONFIG.resolved_head_dim, CONFIG.resolved_ffn_dim, CONFIG.num_embeddings) == (12, 128, 320)
    wider = dataclasses.replace(CONFIG, dim=96)
    assert (wider.resolved_head_dim, wider.resolved_ffn_dim) == (24, 256)


@settings(max_examples=12)
@given(
    heads=st.sampled_from([(1, 1), (4, 1), (4, 2), (6, 3)]),
    tied=st.booleans(),
    head_dim=st.sampled_from([None, 10]),
    layers=st.integers(1, 3),
)
def test_parameters_are_counted_right(heads: tuple[int, int], tied: bool, head_dim: int | None, layers: int) -> None:
    config = ModelConfig(
        vocab_size=100,
        dim=24,
        num_layers=layers,
        num_heads=heads[0],
        num_kv_heads=heads[1],
        context_length=8,
        head_dim=head_dim,
        tie_embeddings=tied,
    )
    assert sum(parameter.numel() for parameter in Transformer(config).parameters()) == config.num_parameters


def test_a_config_survives_a_file() -> None:
    assert from_plain(ModelConfig, to_plain(CONFIG)) == CONFIG
    assert CONFIG.with_vocabulary(999) == dataclasses.replace(CONFIG, vocab_size=999)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dim": 0}, "model.dim is 0"),
        ({"num_layers": -1}, "model.num_layers is -1"),
        ({"num_kv_heads": 3}, "model.num_heads is 4 and model.num_kv_heads 3"),
        ({"dim": 50}, "model.dim is 50 and model.num_heads 4"),
        ({"dim": 52}, "a head is 13 wide"),
        ({"head_dim": 7}, "a head is 7 wide"),
        ({"rope_base": 1.0}, "model.rope_base is 1.0"),
        ({"norm_eps": 0.0}, "model.norm_eps is 0.0"),
    ],
)
def test_impossible_sizes_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(CONFIG, **change)


def test_a_wrong_word_in_a_file_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"config\.rope is 'imaginary'; expected one of real, complex"):
        from_plain(ModelConfig, {**to_plain(CONFIG), "rope": "imaginary"})
