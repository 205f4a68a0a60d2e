"""Rotary positions: the real form equals the complex one, and only differences of positions
matter."""

import math
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.config.model import ModelConfig
from corpus.config.rope import Reach, RopeScaling
from corpus.model import rope

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 6), st.integers(1, 16))


def _config(head_dim: int, base: float, **scaling: Any) -> ModelConfig:
    """A model of one head, with rows of 64 tokens that are to become 256."""
    reach = Reach(context_length=256, rope_scaling=RopeScaling(**scaling)) if scaling else Reach()
    return ModelConfig(
        vocab_size=99,
        dim=head_dim,
        num_layers=1,
        num_heads=1,
        num_kv_heads=1,
        context_length=64,
        rope_base=base,
    ).reaching(reach)


BASES = st.sampled_from([100.0, 10000.0, 500000.0])


@settings(max_examples=40)
@given(
    shape=SHAPES,
    base=BASES,
    first=st.integers(0, 5000),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
    seed=st.integers(0, 99),
)
def test_real_equals_complex(
    shape: tuple[int, int, int, int], base: float, first: int, dtype: torch.dtype, seed: int
) -> None:
    batch, heads, seq, half = shape
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, heads, seq, 2 * half, generator=generator).to(dtype)
    positions = first + torch.randint(0, 100, (batch, seq), generator=generator)
    theta = rope.angles(positions, rope.frequencies(_config(2 * half, base)))
    expected = rope.rotate_complex(x, rope.turns(theta))
    assert expected.dtype == dtype
    torch.testing.assert_close(
        rope.rotate_real(x, theta.cos(), theta.sin()),
        expected,
        atol=1e-6 if dtype == torch.float32 else 0.02,
        rtol=1e-5,
    )


def test_a_pair_is_a_point_turned_by_its_angle() -> None:
    x = torch.tensor([1.0, 0.0, 0.0, 2.0]).reshape(
        1, 1, 1, 4
    )  # pairs (x[0], x[2]) and (x[1], x[3])
    theta = rope.angles(torch.tensor([[3]]), rope.frequencies(_config(4, 100.0)))
    torch.testing.assert_close(theta, torch.tensor([[[3.0, 0.3]]]))
    expected = torch.tensor(
        [math.cos(3), -2 * math.sin(0.3), math.sin(3), 2 * math.cos(0.3)]
    ).reshape(1, 1, 1, 4)
    torch.testing.assert_close(rope.rotate_complex(x, rope.turns(theta)), expected)
    torch.testing.assert_close(rope.rotate_complex(x, rope.turns(theta, 1.5)), 1.5 * expected)


@settings(max_examples=40)
@given(distance=st.integers(-20, 20), start=st.integers(20, 200))
def test_products_depend_on_distance_alone(distance: int, start: int) -> None:
    query, key = torch.randn(2, 1, 1, 1, 16, generator=torch.Generator().manual_seed(0))
    frequencies = rope.frequencies(_config(16, 10000.0))

    def product(query_at: int, key_at: int) -> float:
        turned = [
            rope.rotate_complex(x, rope.turns(rope.angles(torch.tensor([[at]]), frequencies)))
            for x, at in ((query, query_at), (key, key_at))
        ]
        return float((turned[0] * turned[1]).sum())

    assert math.isclose(product(start, start + distance), product(20, 20 + distance), abs_tol=1e-3)


def test_interpolated_positions_are_those_of_shorter_rows() -> None:
    plain, linear = (
        rope.frequencies(_config(16, 10000.0, **scaling))
        for scaling in ({}, {"rope_type": "linear"})
    )
    positions = torch.arange(64)[None]
    torch.testing.assert_close(rope.angles(4 * positions, linear), rope.angles(positions, plain))


def test_ntk_leaves_the_fastest_pair_and_interpolates_the_slowest() -> None:
    plain, scaled = (
        rope.frequencies(_config(16, 10000.0, **scaling))
        for scaling in ({}, {"rope_type": "ntk", "factor": 3.0})
    )
    assert scaled[0] == plain[0]
    torch.testing.assert_close(scaled[-1], plain[-1] / 3)


@settings(max_examples=40)
@given(
    kind=st.sampled_from(["yarn", "llama3"]),
    head_dim=st.integers(1, 32).map(lambda half: 2 * half),
    base=BASES,
    factor=st.floats(1, 32),
    original=st.integers(1, 4096),
)
def test_pairs_lie_between_left_alone_and_interpolated(
    kind: str, head_dim: int, base: float, factor: float, original: int
) -> None:
    """The slower a pair, the more it is interpolated; what turns often within the original length
    is left as it is."""
    config = _config(
        head_dim, base, rope_type=kind, factor=factor, original_max_position_embeddings=original
    )
    plain, scaled = rope.frequencies(_config(head_dim, base)), rope.frequencies(config)
    kept = scaled / plain
    assert float(kept.max()) <= 1 + 1e-5
    assert float(kept.min()) >= (1 - 1e-5) / factor
    assert bool((kept.diff() <= 1e-5).all())
    turns = original * plain / (2 * math.pi)
    fast = turns > (32 if kind == "yarn" else 4) * base ** (
        2 / head_dim
    )  # yarn rounds its bounds to whole pairs
    torch.testing.assert_close(scaled[fast], plain[fast])
    if factor == 1:
        torch.testing.assert_close(scaled, plain)


def test_attention_is_sharper_under_yarn_alone() -> None:
    assert rope.magnitude(_config(16, 100.0, rope_type="yarn")) == 0.1 * math.log(4) + 1
    assert rope.magnitude(_config(16, 100.0, rope_type="yarn", attention_factor=1.25)) == 1.25
    assert rope.magnitude(_config(16, 100.0, rope_type="yarn", factor=1.0)) == 1
    assert all(
        rope.magnitude(_config(16, 100.0, rope_type=kind)) == 1
        for kind in ("linear", "ntk", "llama3")
    )
