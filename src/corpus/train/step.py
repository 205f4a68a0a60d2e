"""One optimizer step: forward, backward, clip, update; and the guarded choice of a compiled forward pass."""

import math
import time
from collections.abc import Callable, Iterator
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

Trunk = Callable[[Tensor, Tensor], Tensor]
"""Tokens and document ids, both [batch seq], to hidden states [batch seq dim]."""


TRIAL_SECONDS = 2.0
"""A trial ends after the pass with which it has taken this long, the first one not counted."""


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What a step did."""

    loss: float
    """Mean negative log-likelihood of the batch's targets, in nats."""
    gradient_norm: float
    """Norm before clipping."""
    applied: bool
    """False where the loss or a gradient was not finite, or the gradient larger than allowed: the weights stayed as they were."""


def sum_loss(model: Transformer, trunk: Trunk, batch: Batch) -> Tensor:
    """Return the summed negative log-likelihood of the batch's targets; the head runs only where there is a target."""
    hidden, targets = trunk(batch.tokens, batch.documents).flatten(0, 1), batch.targets.flatten()
    if batch.places is not None:
        hidden, targets = hidden[batch.places], targets[batch.places]
    fused = hidden.is_cuda and isinstance(trunk, CompiledTrunk)
    return linear_cross_entropy(hidden, model.head_weight, targets, fused=fused)


class LossModel(nn.Module):
    """The model and its loss as one module, so that parallelism can be applied to it from outside."""

    def __init__(self, model: Transformer, trunk: Trunk) -> None:
        super().__init__()
        self.model, self.trunk = model, trunk

    def forward(self, batch: Batch) -> Tensor:
        """Return the summed loss of a batch on the device."""
        return sum_loss(self.model, self.trunk, batch)


class TrainStep:
    """Runs optimizer steps on one model."""

    def __init__(
        self,
        model: Transformer,
        optimizer: torch.optim.Optimizer,
        runtime: Runtime,
        *,
        trunk: Trunk,
        clip_norm: float,
        micro_batch_rows: int = 0,
        on_smaller: Callable[[int], None] = lambda rows: None,
    ) -> None:
        """`on_smaller` is told the new number of rows where the device's memory did not suffice and fewer are computed at a time."""
        self.model, self.optimizer, self.runtime = model, optimizer, runtime
        self._loss = LossModel(model, trunk)
        self._parallel: nn.Module | None = None
        self._clip_norm, self.micro_batch_rows, self._on_smaller = (
            clip_norm,
            micro_batch_rows,
            on_smaller,
        )
        self.scaler = torch.amp.GradScaler(runtime.device.type, enabled=runtime.precision == "fp16")
        self._parameters = [p for p in model.parameters() if p.requires_grad]

    @property
    def trunk(self) -> Trunk:
        """The forward pass up to the head."""
        return self._loss.trunk

    @trunk.setter
    def trunk(self, trunk: Trunk) -> None:
        self._loss.trunk = trunk

    @property
    def ranks(self) -> Ranks:
        """Who takes the step."""
        return self.runtime.ranks

    def _module(self) -> nn.Module:
        """What computes the loss. Where every rank has all weights, it also averages the gradients."""
        if self.ranks.is_alone or is_sharded(self.model):
            return self._loss
        if self._parallel is None:
            self._parallel = replicate(self._loss, self.runtime)
        return self._parallel

    def __call__(
        self,
        batch: Batch,
        learning_rate: float,
        *,
        largest_norm: float = math.inf,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> StepResult:
        """Take one step; none where the gradient's norm is above `largest_norm`.

        `meanwhile` is called where there is a device to wait for (a GPU), once it has been given its work.
        Where the device's memory runs out, half as many rows are computed at a time, from now on; the step is the same one.
        Raises `OutOfMemory` where a single row does not fit.
        """
        with lost_ranks() if not self.ranks.is_alone else nullcontext():
            while True:
                try:
                    with memory_errors(batch.tokens.shape[1]):
                        total = self._backward(batch)
                    break
                except OutOfMemory:
                    self.optimizer.zero_grad(set_to_none=True)
                    rows = fewer_rows(self.micro_batch_rows or len(batch.tokens))
                    if (
                        not rows or not self.ranks.is_alone
                    ):  # other ranks are in the middle of theirs and cannot begin again
                        raise
                    self.micro_batch_rows = rows
                    self._on_smaller(rows)
            with memory_errors(batch.tokens.shape[1]):
                return self._update(total, learning_rate, largest_norm, meanwhile)

    def _without_exchange(self, module: nn.Module, *, is_last: bool) -> AbstractContextManager[Any]:
        """Keep gradients to this rank until the last part of a batch."""
        if is_last or not isinstance(module, DistributedDataParallel):
            return nullcontext()
        return module.no_sync()

    def _backward(self, batch: Batch) -> Tensor:
        """Add up the gradients of a batch and return its loss."""
        total, module = torch.zeros((), device=self.runtime.device), self._module()
        parts = split_rows(own_rows(batch, self.ranks), self.micro_batch_rows)
        for number, part in enumerate(parts, start=1):
            part = part.to(self.runtime.device)
            with self._without_exchange(module, is_last=number == len(parts)):
                with self.runtime.autocast():
                    loss = module(part) / batch.num_targets
                self.scaler.scale(
                    loss * self.ranks.world_size
                ).backward()  # what the ranks exchange is a mean, and a sum is meant
            total += loss.detach()
        return total

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


def own_rows(batch: Batch, ranks: Ranks) -> Batch:
    """Return a rank's rows of the batch: the batches are the same ones however many ranks there are."""
    return (
        batch
        if ranks.is_alone
        else split_rows(batch, len(batch.tokens) // ranks.world_size)[ranks.rank]
    )


class OutOfMemory(DeviceError):
    """The device's memory does not suffice."""


def fewer_rows(rows: int) -> int:
    """Return the largest divisor of `rows` that is at most half of it; 0 where a single row was too many."""
    return 0 if rows == 1 else max(part for part in range(1, rows // 2 + 1) if rows % part == 0)


@contextmanager
def memory_errors(length: int) -> Iterator[None]:
    """Turn a device's lack of memory, on rows of this length, into `OutOfMemory`."""
    try:
        yield
    except (torch.OutOfMemoryError, RuntimeError) as error:
        if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(
            error
        ):  # the CPU's allocator says so
            raise
        raise OutOfMemory(
            f"the device ran out of memory on rows of {length} tokens. Set train.micro_batch_rows to a smaller divisor of "
            "train.rows_per_batch (the result stays the same), or choose a smaller model. Run the command again to go on."
        ) from error


def split_rows(batch: Batch, rows: int) -> list[Batch]:
    """Return the batch in parts of `rows` rows, which are computed one after another; 0 keeps it whole."""
    if not rows or rows >= len(batch.tokens):
        return [batch]
    parts = zip(batch.tokens.split(rows), batch.targets.split(rows), batch.documents.split(rows))
    return [Batch(tokens=t, targets=y, documents=d, num_tokens=0) for t, y, d in parts]


@dataclass(frozen=True, kw_only=True)
class CompileChoice:
    """Whether the forward pass is compiled, and why."""

    compiled: bool
    reason: str
    failed: bool = False
    """True where compiling was tried and did not work."""


def eager_trunk(model: Transformer) -> Trunk:
    """Return the model's forward pass up to the head, as it is."""
    return lambda tokens, documents: model.hidden(tokens, documents=documents)


class CompiledTrunk:
    """The compiled forward pass up to the head; it compiles at its first call."""

    def __init__(self, model: Transformer) -> None:
        self._model = model
        self._run: Any = torch.compile(model.hidden, fullgraph=True, dynamic=False)
        self._rotation: tuple[int, Rotation] | None = None

    def __call__(self, tokens: Tensor, documents: Tensor) -> Tensor:
        """Return the hidden states, [batch seq dim]."""
        length = tokens.shape[1]
        if self._rotation is None or self._rotation[0] != length:
            self._rotation = (
                length,
                self._model.rotation(torch.arange(length, device=tokens.device)[None]),
            )
        mask = block_mask(documents, compiled=True) if tokens.is_cuda else document_mask(documents)
        return self._run(tokens, rotation=self._rotation[1], mask=mask)


def compiled_trunk(model: Transformer) -> Trunk:
    """Return the compiled forward pass; see `CompiledTrunk`."""
    return CompiledTrunk(model)


def choose_compile(
    model: Transformer, runtime: Runtime, batch: Batch, *, timed: bool
) -> CompileChoice:
    """Try the compiled forward and backward pass on `batch`; keep it if it works and, where `timed`, is the faster one.

    The weights are not changed. Under a budget of steps or tokens nothing is timed, so that the choice is the same every time.
    """
    try:
        compiled = pass_seconds(model, compiled_trunk(model), runtime, batch)
    except DeviceError:
        raise
    except Exception as error:  # the compiler fails in many ways (no C++ compiler, an unsupported GPU); each means: run eager
        model.zero_grad(set_to_none=True)
        first_line = next(iter(str(error).strip().splitlines()), "")
        reason = f"torch.compile failed, training runs eager ({type(error).__name__}: {first_line[:200]})"
        return CompileChoice(compiled=False, reason=reason, failed=True)
    if not timed:
        return CompileChoice(compiled=True, reason="torch.compile works here")
    eager = pass_seconds(model, eager_trunk(model), runtime, batch)
    model.zero_grad(set_to_none=True)
    ratio = f"{eager / compiled:.2f} times as fast as eager"
    if compiled < eager:
        return CompileChoice(compiled=True, reason=f"torch.compile is {ratio}")
    return CompileChoice(compiled=False, reason=f"torch.compile is {ratio}, training runs eager")


def pass_seconds(model: Transformer, trunk: Trunk, runtime: Runtime, batch: Batch) -> float:
    """Seconds of one forward and backward pass: the best of three (fewer where they are slow), after one that warms up.

    `batch` is as large as what training computes at a time. Raises `DeviceError` when the device's memory runs out. Where ranks hold parts of
    the weights, all of them call this together, and each makes the same number of passes: two.
    """
    best, spent, together = float("inf"), 0.0, is_sharded(model)
    batch = batch.to(runtime.device)
    with memory_errors(batch.tokens.shape[1]):
        for attempt in range(2 if together else 4):
            start = time.perf_counter()
            with runtime.autocast():
                loss = sum_loss(model, trunk, batch)
            loss.backward()
            model.zero_grad(set_to_none=True)
            runtime.synchronize()
            if attempt:
                best = min(best, time.perf_counter() - start)
                spent += time.perf_counter() - start
            if spent > TRIAL_SECONDS and not together:
                break
    return best
