"""Rotary positions: the real form equals the complex one, and only differences of positions matter."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.model import rope

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 6), st.integers(1, 16))
BASES = st.sampled_from([100.0, 10000.0, 500000.0])


@settings(max_examples=40)
@given(
    shape=SHAPES,
    base=BASES,
    first=st.integers(0, 5000),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
    seed=st.integers(0, 99),
)
def test_real_equals_complex(shape: tuple[int, int, int, int], base: float, first: int, dtype: torch.dtype, seed: int) -> None:
    batch, heads, seq, half = shape
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, heads, seq, 2 * half, generator=generator).to(dtype)
    positions = first + torch.randint(0, 100, (batch, seq), generator=generator)
    theta = rope.angles(positions, 2 * half, base)
    expected = rope.rotate_complex(x, theta)
    assert expected.dtype == dtype
    torch.testing.assert_close(
        rope.rotate_real(x, theta.cos(), theta.sin()), expected, atol=1e-6 if dtype == torch.float32 else 0.02, rtol=1e-5
    )


def test_a_pair_is_a_point_turned_by_its_angle() -> None:
    x = torch.tensor([1.0, 0.0, 0.0, 2.0]).reshape(1, 1, 1, 4)  # pairs (x[0], x[2]) and (x[1], x[3])
    theta = rope.angles(torch.tensor([[3]]), 4, 100.0)
    torch.testing.assert_close(theta, torch.tensor([[[3.0, 0.3]]]))
    expected = torch.tensor([math.cos(3), -2 * math.sin(0.3), math.sin(3), 2 * math.cos(0.3)]).reshape(1, 1, 1, 4)
    torch.testing.assert_close(rope.rotate_complex(x, theta), expected)


@settings(max_examples=40)
@given(distance=st.integers(-20, 20), start=st.integers(20, 200))
def test_products_depend_on_distance_alone(distance: int, start: int) -> None:
    query, key = torch.randn(2, 1, 1, 1, 16, generator=torch.Generator().manual_seed(0))

    def product(query_at: int, key_at: int) -> float:
        turned = [
            rope.rotate_complex(x, rope.angles(torch.tensor([[at]]), 16, 10000.0)) for x, at in ((query, query_at), (key, key_at))
        ]
        return float((turned[0] * turned[1]).sum())

    assert math.isclose(product(start, start + distance), product(20, 20 + distance), abs_tol=1e-3)
