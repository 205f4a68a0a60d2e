"""Cross-entropy from hidden states, without the logits of a whole batch in memory.

The logits of a batch are by far the largest tensor of training: 4,096 positions of a vocabulary of
32,768 are half a gigabyte, written and read several times. Here they exist for a chunk of positions
at a time, and the gradients are computed in the forward pass while a chunk is still in the cache;
the backward pass only scales them.

`torch.nn.functional.linear_cross_entropy` does the same from torch 2.13 on, with chunks only where
asked to.

References: Wijmans et al. 2024 (Cut Cross-Entropy), arXiv:2411.09009, sec. 4; Hsu et al. 2024
(Liger Kernel), arXiv:2410.10989, sec. 3.2.

Dims: places: positions that have a target; dim: width of the hidden states; vocab: rows of the
head; rows: places of one chunk.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from corpus.model.low_precision import product_dtype

IGNORED = -100
"""A target that no loss is computed for (the value PyTorch's cross-entropy ignores)."""

CHUNK_BYTES = {"cpu": 4 << 20, "cuda": 512 << 20}
"""Memory for a chunk's logits in fp32: what a CPU core's cache holds, and what keeps a GPU busy."""

MINIMUM_ROWS = 64
"""Chunks are not smaller than this, whatever the vocabulary: narrower matrix products are slow."""

SMALLEST_LIKELIHOOD = 1e-30
"""Of a target, in fp32: down to here its logarithm is exact enough, and saves two passes over all
logits."""

Chunk = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def linear_cross_entropy(
    hidden: Float[Tensor, "places dim"],
    weight: Float[Tensor, "vocab dim"],
    targets: Int[Tensor, " places"],
    *,
    factors: Float[Tensor, " places"] | None = None,
    fused: bool = False,
) -> Float[Tensor, ""]:
    """Return the summed negative log-likelihood of `targets` under softmax(hidden · weightᵀ).

    With `factors`, each place counts that many times, which may be negative. The result is in nats
    and fp32; places whose target is `IGNORED` do not count. Under autocast the matrix products run
    in its type; the softmax and the sum of the weight's gradient are in fp32. With `fused` the
    elementwise part of a chunk is compiled into one kernel.
    """
    dtype = product_dtype(hidden)
    return _LinearCrossEntropy.apply(
        hidden, weight, targets, factors, dtype, _fused if fused else softmax_gradient
    )


def chunk_rows(vocab: int, device_type: str) -> int:
    """Return the places of a chunk: a multiple of 64, so that few sizes of product occur."""
    rows = CHUNK_BYTES.get(device_type, CHUNK_BYTES["cpu"]) // (4 * vocab)
    return max(MINIMUM_ROWS, rows // MINIMUM_ROWS * MINIMUM_ROWS)


def softmax_gradient(
    logits: Float[Tensor, "rows vocab"], targets: Int[Tensor, " rows"]
) -> tuple[Float[Tensor, " rows"], Float[Tensor, "rows vocab"]]:
    """Return the loss of each row and its gradient by the logits.

    The gradient is the softmax, minus one at the target, and 0 where the target is ignored. On a
    GPU no branch looks at values, since the program would wait for the device.
    """
    counted = targets != IGNORED
    chosen = targets.clamp_min(0)[:, None]
    probability = torch.softmax(logits, dim=1)
    likelihood = probability.gather(1, chosen)
    losses = -likelihood.log()
    if logits.is_cuda or (likelihood < SMALLEST_LIKELIHOOD).any():
        # log Σ exp(logits) = highest - log(its probability), which is at least 1 / vocab.
        losses = (
            logits.amax(dim=1, keepdim=True)
            - probability.amax(dim=1, keepdim=True).log()
            - logits.gather(1, chosen)
        )
    probability.scatter_add_(1, chosen, torch.full_like(losses, -1.0))
    if logits.is_cuda or not counted.all():
        probability *= counted[:, None]
    return losses.squeeze(1) * counted, probability


def _fused(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    global _compiled
    if _compiled is None:
        _compiled = torch.compile(softmax_gradient, dynamic=False)
    return _compiled(logits, targets)


_compiled: Any = None


class _LinearCrossEntropy(torch.autograd.Function):
    """Computes the gradients in `forward`; `backward` multiplies them by the incoming gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor,
        factors: Tensor | None,
        dtype: torch.dtype,
        chunk: Chunk,
    ) -> Tensor:
        with torch.autocast(hidden.device.type, enabled=False):
            x, w = hidden.detach().to(dtype), weight.detach().to(dtype)
            loss = torch.zeros((), device=x.device)
            wants_x, wants_w = ctx.needs_input_grad[:2]
            dx = torch.empty_like(x) if wants_x else None
            dw = torch.zeros(weight.shape, device=x.device) if wants_w else None
            rows = min(chunk_rows(len(w), x.device.type), _round_up(len(x), powers=chunk is _fused))
            for start in range(0, len(x), max(rows, 1)):
                part, wanted = _padded(x[start : start + rows], targets[start : start + rows], rows)
                losses, gradient = chunk((part @ w.t()).float(), wanted)
                if factors is not None:
                    own = factors[start : start + rows]
                    own = F.pad(own, (0, rows - len(own)))
                    losses, gradient = losses * own, gradient * own[:, None]
                loss += losses.sum()
                gradient = gradient.to(dtype)
                if dx is not None:
                    _product_into(dx[start : start + rows], gradient, w)
                if dw is not None:
                    _add_product(dw, gradient, part)
        ctx.save_for_backward(dx, dw)
        ctx.dtypes = hidden.dtype, weight.dtype
        return loss

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor | None, ...]:
        dx, dw = ctx.saved_tensors
        by_hidden, by_weight = ctx.dtypes
        dx = None if dx is None else (dx * gradient).to(by_hidden)
        dw = None if dw is None else (dw * gradient).to(by_weight)
        return dx, dw, None, None, None, None


def _round_up(places: int, *, powers: bool) -> int:
    """Return the rows of a chunk that holds all places: a multiple of 64, or a power of two.

    A compiler sees only a few powers of two.
    """
    rows = -(-places // MINIMUM_ROWS) * MINIMUM_ROWS
    return max(MINIMUM_ROWS, 1 << (rows - 1).bit_length()) if powers else rows


def _padded(x: Tensor, targets: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """Pad the last chunk: in reduced precision a CPU keeps a kernel for every size that occurs."""
    missing = rows - len(x)
    if not missing:
        return x, targets
    return F.pad(x, (0, 0, 0, missing)), F.pad(targets, (0, missing), value=IGNORED)


def _product_into(out: Tensor, gradient: Tensor, weight: Tensor) -> None:
    """Write the product's first rows into `out`, without a copy where `out` has all of them."""
    if len(out) == len(gradient):
        torch.mm(gradient, weight, out=out)
    else:
        out.copy_((gradient @ weight)[: len(out)])


def _add_product(total: Float[Tensor, "vocab dim"], gradient: Tensor, x: Tensor) -> None:
    if gradient.dtype == torch.float32:
        total.addmm_(gradient.t(), x)
    else:
        total += gradient.t() @ x
