"""Adapters: they begin as nothing, they alone are trained, and merged they compute what they
computed beside the frozen weights."""

import importlib.util
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from corpus.base.errors import ConfigError
from corpus.config.finetune import AdapterConfig, FinetuneConfig
from corpus.config.model import ModelConfig
from corpus.config.train import OptimizerConfig
from corpus.data.batch import Batch
from corpus.finetune.adapters import add_adapters, merged_tensors, num_trained
from corpus.model.low_precision import compute_in
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model
from corpus.recipes.registry import load_recipe
from corpus.run.packages import require_packages
from corpus.train.optimizer import build_optimizer, set_learning_rate
from corpus.train.step import eager_backbone, sum_loss

SYMBOLS = range(40)
BLOCK = 64
"""Weights that share a scale in NF4."""


def _model(**shape: Any) -> Transformer:
    settings = {
        "vocab_size": 300,
        "dim": 32,
        "num_layers": 2,
        "num_heads": 4,
        "num_kv_heads": 2,
        "context_length": 32,
        **shape,
    }
    return build_model(ModelConfig(**settings), seed=3)


def _adapted(method: str, config: AdapterConfig | None = None, **shape: Any) -> Transformer:
    return add_adapters(
        _model(**shape),
        config or AdapterConfig(rank=4),
        symbols=SYMBOLS,
        seed=1,
        in_4_bits=method == "qlora",
    )


def _tokens() -> Tensor:
    return torch.randint(0, 300, (2, 32), generator=torch.Generator().manual_seed(0))


def _batch() -> Batch:
    tokens = _tokens()
    return Batch(
        tokens=tokens,
        targets=tokens.roll(-1, 1),
        documents=torch.zeros_like(tokens),
        num_tokens=tokens.numel(),
    )


@torch.no_grad()
def _logits(model: Transformer) -> Tensor:
    return model(_tokens())


@torch.no_grad()
def _train_by_chance(model: nn.Module) -> None:
    """Give adapters weights that do something."""
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


def _as_before(model: Transformer) -> Transformer:
    """An ordinary model of the same shape, with the merged weights."""
    plain = build_model(model.config, seed=9)
    plain.load_state_dict(merged_tensors(model))
    return plain


def test_at_the_start_an_adapter_changes_nothing() -> None:
    assert torch.equal(_logits(_adapted("lora")), _logits(_model()))


@pytest.mark.parametrize("method", ["lora", "qlora"])
@pytest.mark.parametrize("tied", [True, False])
def test_merged_is_unmerged(method: str, tied: bool) -> None:
    model = _adapted(method, tie_embeddings=tied)
    start = _logits(model)
    _train_by_chance(model)
    adapted = _logits(model)
    assert (adapted - start).abs().max() > 0.1
    torch.testing.assert_close(_logits(_as_before(model)), adapted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_only_adapters_and_symbols_are_trained(method: str) -> None:
    model = _adapted(method)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimizer = build_optimizer(model, OptimizerConfig(name="adamw"))
    for _ in range(2):  # after one step A has not moved: B was 0
        sum_loss(model, eager_backbone(model), _batch()).backward()
        set_learning_rate(optimizer, 1e-2)
        optimizer.step()
        optimizer.zero_grad()
    moved = {
        name
        for name, parameter in model.named_parameters()
        if not torch.equal(parameter, before[name])
    }
    assert moved == {name for name in before if ".lora_" in name or "trainable_tokens" in name}
    rows = (
        (merged_tensors(model)["embedding.weight"] != _model().embedding.weight)
        .any(dim=1)
        .nonzero()
        .flatten()
    )
    assert rows.tolist() == list(SYMBOLS)


def test_the_layers_and_the_symbols_are_those_of_the_config() -> None:
    model = _adapted("lora", AdapterConfig(rank=2, layers=("query", "down"), symbols=False))
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    places = [
        f"blocks.{block}.{layer}"
        for block in (0, 1)
        for layer in ("attention.query", "feed_forward.down")
    ]
    assert trained == {f"{place}.lora_{part}.default.weight" for place in places for part in "AB"}
    assert num_trained(model) == 2 * 2 * ((32 + 32) + (model.config.resolved_ffn_dim + 32))


def test_the_scale_is_alpha_over_rank() -> None:
    model = _adapted("lora", AdapterConfig(rank=4, alpha=12, layers=("query",), symbols=False))
    _train_by_chance(model)
    parts = dict(model.named_parameters())
    a, b = (parts[f"blocks.1.attention.query.lora_{part}.default.weight"] for part in "AB")
    merged = merged_tensors(model)["blocks.1.attention.query.weight"]
    torch.testing.assert_close(merged, _model().blocks[1].attention.query.weight + 3 * b @ a)  # type: ignore[union-attr, operator]


def test_four_bits_are_sixteen_values_a_block_near_the_weight() -> None:
    """Against the definition: each weight is one of 16 values times its block's largest, and none
    is further off than half the widest gap."""
    merged = merged_tensors(_adapted("qlora"))
    for name, weight in _model().state_dict().items():
        if name.startswith("blocks.") and weight.ndim == 2:
            old, new = weight.reshape(-1, BLOCK), merged[name].reshape(-1, BLOCK)
            assert max(len(block.unique()) for block in new) <= 16
            assert ((new - old).abs() <= 0.17 * old.abs().amax(dim=1, keepdim=True)).all()
            assert not torch.equal(new, old)
        else:
            assert torch.equal(merged[name], weight)


def test_layers_without_an_adapter_are_rounded_too_and_come_back_whole() -> None:
    """What an adapter leaves alone is not what was there before: every layer's 4 bits are the same
    whichever are adapted."""
    some, every = (
        merged_tensors(_adapted("qlora", AdapterConfig(rank=4, **layers)))
        for layers in ({"layers": ("query", "value")}, {})
    )
    assert some.keys() == every.keys() == _model().state_dict().keys()
    for name, weight in every.items():
        torch.testing.assert_close(some[name], weight)


def test_gradients_beside_4_bits_are_those_beside_the_same_weights_in_fp32() -> None:
    four = _adapted("qlora")
    plain = add_adapters(
        _as_before(four), AdapterConfig(rank=4), symbols=SYMBOLS, seed=1, in_4_bits=False
    )
    gradients = []
    for model in (four, plain):
        _train_by_chance(model)
        sum_loss(model, eager_backbone(model), _batch()).backward()
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.requires_grad})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], atol=2e-4, rtol=1e-4)


def test_4_bits_take_a_seventh_of_the_memory() -> None:
    """Half a byte a weight, and a scale of 8 bits for 64 of them, against four bytes."""

    def size(model: Transformer) -> int:
        kept = [
            p for name, p in model.blocks.named_parameters() if name.endswith("base_layer.weight")
        ]
        return sum(p.numel() * p.element_size() for p in kept)

    assert size(_adapted("lora")) == 8 * size(_adapted("qlora"))


def test_the_seed_decides_and_the_global_generator_is_left_alone() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        state = torch.random.get_rng_state()
        first, again = _adapted("lora"), _adapted("lora")
        assert torch.equal(torch.random.get_rng_state(), state)
    name = "blocks.0.attention.key.lora_A.default.weight"
    assert torch.equal(dict(first.named_parameters())[name], dict(again.named_parameters())[name])


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_reduced_products_leave_adapters_and_4_bits_what_they_are(method: str) -> None:
    def kinds(model: Transformer) -> list[type]:
        return [type(m) for _, m in model.named_modules()]

    model = _adapted(method)
    before = kinds(model)
    compute_in(model, "int8")
    changed = {old.__name__ for old, new in zip(before, kinds(model)) if old is not new}
    assert changed == ({"Linear"} if method == "lora" else set())
    assert not [
        m
        for name, m in model.named_modules()
        if ".lora_" in name and type(m).__name__ == "Int8Linear"
    ]
    sum_loss(model, eager_backbone(model), _batch()).backward()


def test_a_package_that_is_missing_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_packages("qlora")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    require_packages("full")
    with pytest.raises(
        ConfigError, match=r"qlora needs peft and bitsandbytes.*pip install 'corpus-lm\[lora\]'"
    ):
        require_packages("qlora")


def test_settings_that_cannot_be_are_refused() -> None:
    for wrong in (
        {"rank": 0},
        {"alpha": 0},
        {"learning_rate": 0.0},
        {"layers": ()},
        {"layers": ("query", "query")},
    ):
        with pytest.raises(ConfigError, match=r"finetune\.adapter\."):
            AdapterConfig(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="expected full, lora or qlora"):
        FinetuneConfig(method="dora")  # type: ignore[arg-type]


def test_there_must_be_something_to_adapt() -> None:
    from dataclasses import replace

    config = load_recipe("starter")
    with pytest.raises(ConfigError, match="needs pre-training and fine-tuning"):
        replace(
            config,
            train=replace(config.train, finetune_share=1.0),
            finetune=replace(config.finetune, method="lora"),
        )
