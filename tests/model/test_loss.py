"""The chunked loss equals PyTorch's on full logits, value and gradients, whatever the chunks; and
the head sees one size."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from corpus.model import loss as module
from corpus.model.loss import IGNORED, chunk_rows, linear_cross_entropy, softmax_gradient


def _inputs(
    places: int, *, seed: int = 0, ignored: float = 0.2, dim: int = 16, vocab: int = 96
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(places, dim, generator=generator, requires_grad=True)
    weight = torch.randn(vocab, dim, generator=generator, requires_grad=True)
    targets = torch.randint(0, vocab, (places,), generator=generator)
    targets[torch.rand(places, generator=generator) < ignored] = IGNORED
    return hidden, weight, targets


def _reference(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(hidden @ weight.t(), targets, reduction="sum", ignore_index=IGNORED)


@settings(max_examples=30, deadline=None)
@given(
    places=st.integers(0, 300),
    ignored=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 99),
    scale=st.sampled_from([1.0, 50.0]),
)
def test_it_equals_cross_entropy_on_full_logits(
    places: int, ignored: float, seed: int, scale: float
) -> None:
    hidden, weight, targets = _inputs(places, seed=seed, ignored=ignored)
    expected = _reference(hidden * scale, weight, targets)
    wanted = torch.autograd.grad(expected, (hidden, weight), torch.tensor(0.25))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "chunk_rows", lambda vocab, kind: 64)
        loss = linear_cross_entropy(hidden * scale, weight, targets)
    found = torch.autograd.grad(loss, (hidden, weight), torch.tensor(0.25))
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-3)
    for ours, theirs in zip(found, wanted):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-3)


@settings(max_examples=20, deadline=None)
@given(places=st.integers(1, 200), ignored=st.sampled_from([0.0, 0.3]), seed=st.integers(0, 99))
def test_a_place_counts_as_often_as_its_factor_says(places: int, ignored: float, seed: int) -> None:
    hidden, weight, targets = _inputs(places, seed=seed, ignored=ignored)
    factors = torch.randn(places, generator=torch.Generator().manual_seed(seed))
    each = F.cross_entropy(hidden @ weight.t(), targets, reduction="none", ignore_index=IGNORED)
    expected = (each * factors).sum()
    wanted = torch.autograd.grad(expected, (hidden, weight))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "chunk_rows", lambda vocab, kind: 64)
        loss = linear_cross_entropy(hidden, weight, targets, factors=factors)
    found = torch.autograd.grad(loss, (hidden, weight))
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-3)
    for ours, theirs in zip(found, wanted):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-3)


def test_a_certain_wrong_answer_has_a_finite_loss() -> None:
    """Where the target's probability is below the smallest number, its logarithm is not taken."""
    loss, gradient = softmax_gradient(torch.tensor([[0.0, 300.0]]), torch.tensor([0]))
    assert loss.tolist() == pytest.approx([300.0])
    assert gradient.tolist() == [[-1.0, 1.0]]


class Products(TorchDispatchMode):
    """Notes the sizes of all matrix products."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.addmm_):
            left, right = args[-2:]
            self.seen.add((tuple(left.shape), tuple(right.shape)))
        return func(*args, **(kwargs or {}))


def test_every_product_has_the_same_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """In reduced precision a CPU keeps one kernel a size; thousands of sizes were 5 MB a second."""
    monkeypatch.setattr(module, "chunk_rows", lambda vocab, kind: 64)
    hidden, weight, targets = _inputs(150)
    with Products() as products:
        linear_cross_entropy(hidden, weight, targets)
    assert products.seen == {((64, 16), (16, 96)), ((64, 96), (96, 16)), ((96, 64), (64, 16))}


def test_a_small_batch_is_one_chunk_of_its_own_rounded_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    monkeypatch.setattr(
        module,
        "softmax_gradient",
        lambda logits, targets: (seen.append(len(logits)), softmax_gradient(logits, targets))[1],
    )
    for places in (1, 63, 64, 65):
        linear_cross_entropy(*_inputs(places))
    assert seen == [64, 64, 64, 128]


def test_a_compiled_kernel_meets_few_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fine-tuning's batches have a target more or less each time; a compiler that sees every
    multiple of 64 gives up after eight."""
    seen = set()
    monkeypatch.setattr(
        module,
        "_fused",
        lambda logits, targets: (seen.add(len(logits)), softmax_gradient(logits, targets))[1],
    )
    for places in range(1, 2_000, 37):
        hidden, weight, targets = _inputs(places)
        found = linear_cross_entropy(hidden, weight, targets, fused=True)
        torch.testing.assert_close(found, _reference(hidden, weight, targets), rtol=1e-5, atol=1e-3)
    assert seen == {64, 128, 256, 512, 1024, 2048}


@pytest.mark.parametrize(
    ("vocab", "kind", "rows"),
    [(4096, "cpu", 256), (32768, "cpu", 64), (512, "cpu", 2048), (32768, "cuda", 4096)],
)
def test_a_chunk_fits_its_memory(vocab: int, kind: str, rows: int) -> None:
    assert chunk_rows(vocab, kind) == rows


def test_under_autocast_products_are_in_its_type_and_the_weights_gradient_in_fp32() -> None:
    hidden, weight, targets = _inputs(200)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = linear_cross_entropy(hidden, weight, targets)
    loss.backward()
    expected = _reference(*(t.detach().bfloat16().float() for t in (hidden, weight)), targets)
    assert loss.dtype == torch.float32
    assert float(loss.detach()) == pytest.approx(float(expected), rel=0.01)
    assert weight.grad is not None
    assert weight.grad.dtype == torch.float32


def test_without_gradients_none_are_made() -> None:
    hidden, weight, targets = _inputs(50)
    with torch.no_grad():
        torch.testing.assert_close(
            linear_cross_entropy(hidden, weight, targets), _reference(hidden, weight, targets)
        )
