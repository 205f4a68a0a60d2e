"""Weights: the same from the same seed; files come back bit for bit, and misfits are refused."""

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from corpus.base.errors import ArtifactError, StorageError
from corpus.config.model import ModelConfig
from corpus.model.weights import (
    TOKENIZER,
    build_model,
    check_tokenizer,
    load_model,
    read_metadata,
    save_model,
)

CONFIG = ModelConfig(
    vocab_size=100, dim=32, num_layers=2, num_heads=4, num_kv_heads=2, context_length=32
)
WIDE = ModelConfig(
    vocab_size=512, dim=96, num_layers=8, num_heads=4, num_kv_heads=2, context_length=32
)
DIGEST, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_model(
        tmp_path / "weights" / "final.safetensors",
        build_model(CONFIG, seed=3),
        {TOKENIZER: DIGEST, "step": "7"},
    )
    return tmp_path / "weights" / "final.safetensors"


@pytest.mark.parametrize("tied", [True, False])
def test_weights_come_back(tmp_path: Path, tied: bool) -> None:
    config = dataclasses.replace(CONFIG, tie_embeddings=tied)
    model = build_model(config, seed=3)
    save_model(tmp_path / "w.safetensors", model, {})
    loaded = load_model(tmp_path / "w.safetensors", config)
    assert loaded.config == config
    for name, weight in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    with safe_open(tmp_path / "w.safetensors", framework="pt") as file:
        assert ("unembedding.weight" in file.keys()) == (not tied)  # noqa: SIM118 (the file is no mapping)


def test_reduced_precision_is_saved_as_fp32(tmp_path: Path) -> None:
    save_model(tmp_path / "w.safetensors", build_model(CONFIG, seed=3).bfloat16(), {})
    assert {
        parameter.dtype for parameter in load_model(tmp_path / "w.safetensors", CONFIG).parameters()
    } == {torch.float32}


def test_the_tokenizer_is_remembered(path: Path) -> None:
    assert read_metadata(path)["step"] == "7"
    check_tokenizer(path, DIGEST)
    with pytest.raises(
        ArtifactError,
        match=r"wrong tokenizer for the weights: .*final.safetensors was trained with tokenizer aaaaaaaaaaaa",
    ):
        check_tokenizer(path, OTHER)
    save_model(path, build_model(CONFIG, seed=3), {})
    with pytest.raises(ArtifactError, match="a tokenizer that the file does not name"):
        check_tokenizer(path, DIGEST)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"dim": 64},
            r"embedding.weight in .* is \[128, 32\]; this model's is \[128, 64\].*model.json",
        ),
        ({"num_layers": 3}, r"lacks blocks.2.attention.key.weight and 8 more.*model.json"),
        (
            {"num_layers": 1},
            r"has an unknown tensor blocks.1.attention.key.weight and 8 more.*model.json",
        ),
        ({"tie_embeddings": False}, r"lacks unembedding.weight\. "),
        (
            {"num_kv_heads": 4},
            r"attention.key.weight in .* is \[16, 32\]; this model's is \[32, 32\]",
        ),
    ],
)
def test_weights_of_another_model_are_refused(
    path: Path, change: dict[str, int], message: str
) -> None:
    with pytest.raises(ArtifactError, match=message):
        load_model(path, dataclasses.replace(CONFIG, **change))


@pytest.mark.parametrize("keep", [0, 4, 200, -1])
def test_a_damaged_file_is_refused_by_name(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])
    for read in (lambda: load_model(path, CONFIG), lambda: check_tokenizer(path, DIGEST)):
        with pytest.raises(ArtifactError, match=r"the weights in .*final.safetensors are damaged"):
            read()


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"there are no weights at .*nowhere.safetensors"):
        load_model(tmp_path / "nowhere.safetensors", CONFIG)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        save_model(tmp_path / "file" / "w.safetensors", build_model(CONFIG, seed=3), {})


def test_equal_weights_are_equal_files(tmp_path: Path) -> None:
    """Byte for byte, so that two runs can be compared by digest; written many times, for the
    library's own order is random."""
    model, written = build_model(CONFIG, seed=3), set()
    for number in range(8):
        save_model(
            tmp_path / f"{number}.safetensors",
            model,
            {TOKENIZER: DIGEST, "step": "7", "more": "of it"},
        )
        written.add((tmp_path / f"{number}.safetensors").read_bytes())
    assert len(written) == 1


def test_the_seed_alone_decides() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, again, other = (
        build_model(WIDE, seed=5),
        build_model(WIDE, seed=5),
        build_model(WIDE, seed=6),
    )
    assert torch.equal(torch.get_rng_state(), state), "the global generator was touched"
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])
        assert torch.equal(weight, other.state_dict()[name]) == ("norm" in name)


def test_scales() -> None:
    expected_std = {"output": 0.02 / math.sqrt(16), "down": 0.02 / math.sqrt(16)}
    for name, weight in build_model(WIDE, seed=0).named_parameters():
        if "norm" in name:
            assert bool((weight == 1).all())
        else:
            expected = expected_std.get(name.split(".")[-2], 0.02)
            assert math.isclose(float(weight.detach().std()), expected, rel_tol=0.05), name


def test_a_new_model_knows_nothing() -> None:
    """Its loss is that of a uniform guess, so no logit is large."""
    tokens = torch.randint(0, 512, (4, 32), generator=torch.Generator().manual_seed(0))
    logits = build_model(WIDE, seed=0)(tokens)
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    assert abs(float(loss.detach()) - math.log(512)) < 0.1
