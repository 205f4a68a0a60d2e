"""One optimizer step: forward, backward, clip or skip, update.

A batch may be computed in micro-batches whose gradients add up (gradient accumulation); the step is
the same. Several ranks each compute their part of the batch.

A gradient that is much larger than those before it is skipped: a step in the wrong direction costs
more than no step. Large models that return to a checkpoint skip the batches that made the loss jump
(Chowdhery et al. 2022 (PaLM), arXiv:2204.02311, sec. 5.1). Gradients that stay large are accepted
as the new normal, for example after the curriculum moved on to other text.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from corpus.base.errors import DeviceError
from corpus.data.batch import Batch
from corpus.model.loss import linear_cross_entropy
from corpus.model.transformer import Rotation, Transformer, block_mask, document_mask
from corpus.runtime.parallelize import is_sharded, replicate, whole
from corpus.runtime.ranks import Ranks, lost_ranks
from corpus.runtime.runtime import Runtime
from corpus.train.optimizer import set_learning_rate

Backbone = Callable[[Tensor, Tensor], Tensor]
"""The model up to its head: tokens and document ids, both [batch seq], to [batch seq dim]."""

SPIKE_WINDOW = 64
"""Gradient norms that the median is taken of."""

SPIKE_MINIMUM = 16
"""Gradient norms that must be known before one counts as a spike."""

SPIKES_IN_A_ROW = 3
"""Spikes in a row after which large gradients are the new normal."""

TRIAL_SECONDS = 2.0
"""A trial ends once its passes have taken longer than this; the first pass does not count."""


class OutOfMemory(DeviceError):
    """The device's memory is too small for the sequences computed at a time."""


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What a step did."""

    loss: float
    """Mean negative log-likelihood of the batch's targets, in nats."""
    gradient_norm: float
    """Norm before clipping."""
    applied: bool
    """False if loss or gradient were not finite, or the gradient too large: no weight moved."""


def eager_backbone(model: Transformer) -> Backbone:
    """Return the model up to its head, not compiled."""
    return lambda tokens, documents: model.hidden(tokens, documents=documents)


class CompiledBackbone:
    """The compiled model up to its head; it compiles at its first call."""

    def __init__(self, model: Transformer) -> None:
        self._model = model
        self._run: Any = torch.compile(model.hidden, fullgraph=True, dynamic=False)
        self._rotation: tuple[int, Rotation] | None = None

    def __call__(self, tokens: Tensor, documents: Tensor) -> Tensor:
        """Return the hidden states, [batch seq dim]."""
        length = tokens.shape[1]
        if self._rotation is None or self._rotation[0] != length:
            positions = torch.arange(length, device=tokens.device)[None]
            self._rotation = (length, self._model.rotation(positions))
        mask = block_mask(documents, compiled=True) if tokens.is_cuda else document_mask(documents)
        return self._run(tokens, rotation=self._rotation[1], mask=mask)


class LossModel(nn.Module):
    """The model and its loss as one module, so that parallelism can be applied from outside."""

    def __init__(self, model: Transformer, backbone: Backbone) -> None:
        super().__init__()
        self.model, self.backbone = model, backbone

    def forward(self, batch: Batch) -> Tensor:
        """Return the summed loss of a batch on the device."""
        return sum_loss(self.model, self.backbone, batch)


def sum_loss(model: Transformer, backbone: Backbone, batch: Batch) -> Tensor:
    """Return the summed negative log-likelihood of the batch's targets, times its factors.

    The head runs only where there is a target.
    """
    hidden, targets = backbone(batch.tokens, batch.documents).flatten(0, 1), batch.targets.flatten()
    factors = None if batch.factors is None else batch.factors.flatten()
    if batch.places is not None:
        hidden, targets = hidden[batch.places], targets[batch.places]
        factors = None if factors is None else factors[batch.places]
    fused = hidden.is_cuda and isinstance(backbone, CompiledBackbone)
    return linear_cross_entropy(hidden, model.head_weight, targets, factors=factors, fused=fused)


class TrainStep:
    """Runs optimizer steps on one model."""

    def __init__(
        self,
        model: Transformer,
        optimizer: torch.optim.Optimizer,
        runtime: Runtime,
        *,
        backbone: Backbone,
        clip_norm: float,
        micro_batch: int = 0,
        on_smaller: Callable[[int], None] = lambda size: None,
    ) -> None:
        """`micro_batch` counts sequences; 0 is a rank's whole batch.

        `on_smaller` is called with the new size where memory ran out and micro-batches shrink.
        """
        self.model, self.optimizer, self.runtime = model, optimizer, runtime
        self.micro_batch, self._on_smaller, self._clip_norm = micro_batch, on_smaller, clip_norm
        self.ranks = runtime.ranks
        self.scaler = torch.amp.GradScaler(runtime.device.type, enabled=runtime.precision == "fp16")
        self._loss = LossModel(model, backbone)
        self._parallel: nn.Module | None = None
        self._parameters = [p for p in model.parameters() if p.requires_grad]

    def use(self, backbone: Backbone, runtime: Runtime) -> None:
        """Compute with another backbone of the same model from now on, and in another precision."""
        self._loss.backbone, self.runtime = backbone, runtime

    def __call__(
        self,
        batch: Batch,
        learning_rate: float,
        *,
        largest_norm: float = math.inf,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> StepResult:
        """Take one step; skip it where the gradient's norm is above `largest_norm`.

        `meanwhile` is called while a GPU works; it is not called on a CPU.
        Where memory runs out, micro-batches are halved from now on; the step stays the same.
        Raises `OutOfMemory` if a single sequence does not fit.
        """
        with lost_ranks() if not self.ranks.is_alone else nullcontext():
            while True:
                try:
                    with memory_errors(batch.tokens.shape[1]):
                        total = self._backward(batch)
                    break
                except OutOfMemory:
                    self.optimizer.zero_grad(set_to_none=True)
                    size = smaller_micro_batch(self.micro_batch or len(batch.tokens))
                    # Other ranks are in the middle of their backward pass and cannot repeat it.
                    if not size or not self.ranks.is_alone:
                        raise
                    self.micro_batch = size
                    self._on_smaller(size)
            with memory_errors(batch.tokens.shape[1]):
                return self._update(total, learning_rate, largest_norm, meanwhile)

    def _backward(self, batch: Batch) -> Tensor:
        """Accumulate the gradients of a batch over its micro-batches, and return its loss."""
        total, module = torch.zeros((), device=self.runtime.device), self._module()
        parts = own_part(batch, self.ranks).split(self.micro_batch)
        for number, part in enumerate(parts, start=1):
            part = part.to(self.runtime.device)
            with self._without_exchange(module, is_last=number == len(parts)):
                with self.runtime.autocast():
                    loss = module(part) / batch.num_targets
                # Ranks exchange the mean of their gradients, and the sum is wanted.
                self.scaler.scale(loss * self.ranks.world_size).backward()
            total += loss.detach()
        return total

    def _module(self) -> nn.Module:
        """Return the module of the loss; it averages gradients where every rank has all weights."""
        if self.ranks.is_alone or is_sharded(self.model):
            return self._loss
        if self._parallel is None:
            self._parallel = replicate(self._loss, self.runtime)
        return self._parallel

    def _without_exchange(self, module: nn.Module, *, is_last: bool) -> AbstractContextManager[Any]:
        """Keep gradients on this rank until the last micro-batch."""
        if is_last or not isinstance(module, DistributedDataParallel):
            return nullcontext()
        return module.no_sync()

    def _update(
        self,
        total: Tensor,
        learning_rate: float,
        largest_norm: float,
        meanwhile: Callable[[], None],
    ) -> StepResult:
        """Clip and apply the gradients, on all ranks or on none."""
        self.scaler.unscale_(self.optimizer)
        norm = whole(nn.utils.clip_grad_norm_(self._parameters, self._clip_norm))
        total = self.ranks.sum(total)
        if self.runtime.device.type != "cpu":
            meanwhile()
        applied = bool(torch.isfinite(total) & torch.isfinite(norm) & (norm <= largest_norm))
        set_learning_rate(self.optimizer, learning_rate)
        if applied:
            self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return StepResult(loss=float(total), gradient_norm=float(norm), applied=applied)


def largest_norm(norms: Sequence[float], factor: float, *, in_a_row: int) -> float:
    """Return the gradient norm above which the next step is skipped.

    `norms` are those of the last steps that were applied, `in_a_row` counts the spikes since.
    """
    if not factor or len(norms) < SPIKE_MINIMUM or in_a_row >= SPIKES_IN_A_ROW:
        return math.inf
    return factor * statistics.median(norms)


def own_part(batch: Batch, ranks: Ranks) -> Batch:
    """Return a rank's part of the batch; the batches do not depend on the number of ranks."""
    if ranks.is_alone:
        return batch
    return batch.split(len(batch.tokens) // ranks.world_size)[ranks.rank]


def smaller_micro_batch(size: int) -> int:
    """Return the largest divisor of `size` that is at most half of it; 0 for a single sequence."""
    return 0 if size == 1 else max(part for part in range(1, size // 2 + 1) if size % part == 0)


@contextmanager
def memory_errors(length: int) -> Iterator[None]:
    """Turn a device's lack of memory, on sequences of this length, into `OutOfMemory`."""
    try:
        yield
    except (torch.OutOfMemoryError, RuntimeError) as error:
        is_cpu_error = "can't allocate memory" in str(error)  # from the CPU's allocator
        if not isinstance(error, torch.OutOfMemoryError) and not is_cpu_error:
            raise
        raise OutOfMemory(
            f"the device ran out of memory on sequences of {length} tokens. Set "
            "train.micro_batch_sequences to a smaller divisor of train.sequences_per_batch (the "
            "result stays the same), or choose a smaller model. Run the command again to resume."
        ) from error


def pass_seconds(model: Transformer, backbone: Backbone, runtime: Runtime, batch: Batch) -> float:
    """Return the seconds of a forward and backward pass: the best of three, after a warm-up.

    Slow passes are timed fewer times. `batch` has the size of a micro-batch. The weights are not
    changed. Where ranks hold parts of the weights, all of them call this together, for two passes
    each. Raises `OutOfMemory`.
    """
    best, spent, together = float("inf"), 0.0, is_sharded(model)
    batch = batch.to(runtime.device)
    with memory_errors(batch.tokens.shape[1]):
        for attempt in range(2 if together else 4):
            start = time.perf_counter()
            with runtime.autocast():
                loss = sum_loss(model, backbone, batch)
            loss.backward()
            model.zero_grad(set_to_none=True)
            runtime.synchronize()
            if attempt:
                best = min(best, time.perf_counter() - start)
                spent += time.perf_counter() - start
            if spent > TRIAL_SECONDS and not together:
                break
    return best
