"""The model's sizes: what is derived, what is counted, what is refused."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.errors import ConfigError
from corpus.base.plain import from_plain, to_plain
from corpus.config.model import ModelConfig
from corpus.config.rope import Reach, RopeScaling
from corpus.model.transformer import Transformer

CONFIG = ModelConfig(
    vocab_size=300, dim=48, num_layers=2, num_heads=4, num_kv_heads=2, context_length=32
)


def test_sizes_that_are_not_given_follow_the_others() -> None:
    assert (CONFIG.resolved_head_dim, CONFIG.resolved_ffn_dim, CONFIG.num_embeddings) == (
        12,
        128,
        320,
    )
    wider = dataclasses.replace(CONFIG, dim=96)
    assert (wider.resolved_head_dim, wider.resolved_ffn_dim) == (24, 256)


@settings(max_examples=12)
@given(
    heads=st.sampled_from([(1, 1), (4, 1), (4, 2), (6, 3)]),
    tied=st.booleans(),
    head_dim=st.sampled_from([None, 10]),
    layers=st.integers(1, 3),
)
def test_parameters_are_counted_right(
    heads: tuple[int, int], tied: bool, head_dim: int | None, layers: int
) -> None:
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
    assert (
        sum(parameter.numel() for parameter in Transformer(config).parameters())
        == config.num_parameters
    )


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
    with pytest.raises(
        ConfigError, match=r"config\.rope is 'imaginary'; expected one of real, complex"
    ):
        from_plain(ModelConfig, {**to_plain(CONFIG), "rope": "imaginary"})


def test_a_finished_run_can_be_made_to_reach_further() -> None:
    assert CONFIG.reaching(Reach()) is CONFIG
    longer = CONFIG.reaching(Reach(context_length=96))
    assert (longer.context_length, longer.original_length, longer.rope_scaling.rope_type) == (
        96,
        32,
        "none",
    )
    scaled = CONFIG.reaching(Reach(context_length=96, rope_scaling=RopeScaling(rope_type="yarn")))
    assert (scaled.original_length, scaled.rope_factor) == (32, 3.0)
    again = scaled.reaching(Reach(context_length=128))
    assert (again.rope_scaling, again.rope_factor) == (scaled.rope_scaling, 4.0), (
        "what was trained with a scaling keeps it"
    )
    assert CONFIG.reaching(Reach(rope_base=500.0)).rope_base == 500.0
    quarter = dataclasses.replace(CONFIG, rope_scaling=RopeScaling(rope_type="linear", factor=4.0))
    twice = quarter.reaching(
        Reach(
            context_length=2 * CONFIG.context_length, rope_scaling=RopeScaling(rope_type="linear")
        )
    )
    assert twice.rope_factor == 8, "twice as long as rows whose positions were a quarter"
    with pytest.raises(ConfigError, match=r"give model\.rope_scaling\.rope_type too"):
        scaled.reaching(
            Reach(context_length=96, rope_scaling=RopeScaling(original_max_position_embeddings=48))
        )
    assert from_plain(ModelConfig, to_plain(scaled)) == scaled
    before = {name: value for name, value in to_plain(CONFIG).items() if name != "rope_scaling"}
    assert from_plain(ModelConfig, before) == CONFIG, (
        "a model.json from before there was scaling is read as ever"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"factor": 2.0}, r"factor is 2.0, but model.rope_scaling.rope_type none does not use it"),
        (
            {"rope_type": "linear", "beta_fast": 9.0},
            r"beta_fast is 9.0, but model.rope_scaling.rope_type linear does not use it",
        ),
        ({"rope_type": "yarn", "low_freq_factor": 2.0}, "low_freq_factor is 2.0, but"),
        ({"rope_type": "linear", "factor": 0.5}, "factor is 0.5; expected 1 or more"),
        (
            {"rope_type": "linear", "original_max_position_embeddings": 0},
            "original_max_position_embeddings is 0",
        ),
        (
            {"rope_type": "yarn", "beta_fast": 0.5},
            "beta_slow is 1 and beta_fast 0.5; expected 0 < slow < fast",
        ),
        (
            {"rope_type": "yarn", "attention_factor": 0.0},
            "attention_factor is 0.0; expected a positive number",
        ),
        ({"rope_type": "llama3", "high_freq_factor": 1.0}, "expected 0 < low < high"),
        (
            {"rope_type": "linear"},
            "the original length is unknown; give .*original_max_position_embeddings or factor",
        ),
        ({"rope_type": "yarn", "factor": 2.0}, "the original length is unknown"),
        (
            {"rope_type": "llama3", "original_max_position_embeddings": 32},
            "context_length 32 is not above the original length 32",
        ),
    ],
)
def test_scaling_that_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(CONFIG, rope_scaling=RopeScaling(**change))


def test_a_scaling_that_is_not_there_is_refused() -> None:
    with pytest.raises(
        ConfigError,
        match=r"rope_scaling.rope_type is 'dynamic'; expected one of none, linear, ntk, yarn, llama3",
    ):
        from_plain(ModelConfig, {**to_plain(CONFIG), "rope_scaling": {"rope_type": "dynamic"}})


def test_a_reach_without_end_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"model\.rope_base is inf; expected a finite number"):
        Reach(rope_base=float("inf"))


def test_heads_too_small_for_another_base_are_refused() -> None:
    with pytest.raises(ConfigError, match="ntk needs heads of width 4"):
        dataclasses.replace(
            CONFIG, head_dim=2, rope_scaling=RopeScaling(rope_type="ntk", factor=2.0)
        )
