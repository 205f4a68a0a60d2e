"""The weights before training: the same from the same seed, scaled as they should be."""

import math

import torch

from corpus.config.model import ModelConfig
from corpus.model.init import build_model

CONFIG = ModelConfig(
    vocab_size=512, dim=96, num_layers=8, num_heads=4, num_kv_heads=2, context_length=32
)


def test_the_seed_alone_decides() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, again, other = (
        build_model(CONFIG, seed=5),
        build_model(CONFIG, seed=5),
        build_model(CONFIG, seed=6),
    )
    assert torch.equal(torch.get_rng_state(), state), "the global generator was touched"
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])
        assert torch.equal(weight, other.state_dict()[name]) == ("norm" in name)


def test_scales() -> None:
    expected_std = {"output": 0.02 / math.sqrt(16), "down": 0.02 / math.sqrt(16)}
    for name, weight in build_model(CONFIG, seed=0).named_parameters():
        if "norm" in name:
            assert bool((weight == 1).all())
        else:
            expected = expected_std.get(name.split(".")[-2], 0.02)
            assert math.isclose(float(weight.detach().std()), expected, rel_tol=0.05), name


def test_a_new_model_knows_nothing() -> None:
    """Its loss is that of a uniform guess, so no logit is large."""
    tokens = torch.randint(0, 512, (4, 32), generator=torch.Generator().manual_seed(0))
    logits = build_model(CONFIG, seed=0)(tokens)
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    assert abs(float(loss.detach()) - math.log(512)) < 0.1
