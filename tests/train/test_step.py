"""One step: the same in parts as at once, the textbook's loss, no effect if not finite."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from corpus.base.errors import DeviceError
from corpus.config.model import ModelConfig
from corpus.config.train import OptimizerConfig
from corpus.data.batch import IGNORED, Batch
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model
from corpus.runtime.runtime import Runtime
from corpus.train import step as module
from corpus.train.optimizer import build_optimizer, optimizer_tensors
from corpus.train.step import (
    SPIKE_MINIMUM,
    SPIKES_IN_A_ROW,
    Backbone,
    StepResult,
    TrainStep,
    eager_backbone,
    largest_norm,
    sum_loss,
)

CONFIG = ModelConfig(
    vocab_size=64, dim=16, num_layers=1, num_heads=2, num_kv_heads=1, context_length=16
)
CPU = Runtime(device=torch.device("cpu"), precision="fp32", num_threads=1)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Products this small are faster on one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _batch(shares: list[float], *, seed: int = 0, seq: int = 16) -> Batch:
    """A sequence of two documents for each share, which is about the share of its targets."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(shares), seq)
    targets = torch.randint(0, 64, shape, generator=generator)
    targets[torch.rand(shape, generator=generator) >= torch.tensor(shares)[:, None]] = IGNORED
    documents = (torch.arange(seq) >= seq // 3).long().expand(shape)
    return Batch(
        tokens=torch.randint(0, 64, shape, generator=generator),
        targets=targets,
        documents=documents,
        num_tokens=7,
    )


UNEVEN = [1.0, 0.1, 0.0, 0.5, 0.9, 0.3]
"""Sequences with different numbers of targets, one without any: a mean of the parts' means would be
wrong."""


def _weights(model: Transformer) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def _same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(tensor, second[name]) for name, tensor in first.items()
    )


def _descend(
    batch: Batch, *, clip_norm: float, micro_batch: int = 0
) -> tuple[dict[str, Tensor], StepResult]:
    """Take one step of plain gradient descent at rate 1; return how far each weight moved: its
    gradient."""
    model = build_model(CONFIG, seed=1)
    before = _weights(model)
    descent = torch.optim.SGD(model.parameters(), lr=0.0)
    step = TrainStep(
        model,
        descent,
        CPU,
        backbone=eager_backbone(model),
        clip_norm=clip_norm,
        micro_batch=micro_batch,
    )
    result = step(batch, 1.0)
    return {name: before[name] - tensor for name, tensor in model.state_dict().items()}, result


@pytest.mark.parametrize("micro_batch", [1, 2, 3, 4, 6])
def test_parts_of_a_batch_give_the_gradient_of_the_whole(micro_batch: int) -> None:
    whole, expected = _descend(_batch(UNEVEN), clip_norm=1e9)
    parts, found = _descend(_batch(UNEVEN), clip_norm=1e9, micro_batch=micro_batch)
    assert found.loss == pytest.approx(expected.loss, rel=1e-5)
    assert found.gradient_norm == pytest.approx(expected.gradient_norm, rel=1e-4)
    for name, gradient in whole.items():
        assert float((parts[name] - gradient).norm()) <= 1e-4 * float(gradient.norm()), name


def test_parts_of_a_batch_with_factors_give_the_gradient_of_the_whole() -> None:
    """One part has no target at all, as where programs are packed into few sequences."""
    batch = _batch([0.9, 0.4, 0.0, 0.0, 0.7, 0.2])
    factors = torch.randn(batch.tokens.shape, generator=torch.Generator().manual_seed(1))
    weighted = replace(batch, factors=factors)
    whole, expected = _descend(weighted, clip_norm=1e9)
    parts, found = _descend(weighted, clip_norm=1e9, micro_batch=2)
    assert found.loss == pytest.approx(expected.loss, rel=1e-5)
    _, plain = _descend(batch, clip_norm=1e9)
    assert abs(found.loss - plain.loss) > 0.1
    for name, gradient in whole.items():
        assert float((parts[name] - gradient).norm()) <= 1e-4 * float(gradient.norm()), name


def test_parts_are_what_is_computed_at_a_time() -> None:
    model, sizes = build_model(CONFIG, seed=1), []
    backbone = eager_backbone(model)

    def counting(tokens: Tensor, documents: Tensor) -> Tensor:
        sizes.append(len(tokens))
        return backbone(tokens, documents)

    optimizer = build_optimizer(model, OptimizerConfig())
    TrainStep(model, optimizer, CPU, backbone=counting, clip_norm=1.0, micro_batch=2)(
        _batch(UNEVEN), 1e-3
    )
    assert sizes == [2, 2, 2]


def test_a_large_gradient_is_scaled_down_and_a_small_one_is_not() -> None:
    moved, result = _descend(_batch(UNEVEN), clip_norm=1e9)
    norm = float(torch.cat([change.flatten() for change in moved.values()]).norm())
    assert result.gradient_norm == pytest.approx(norm, rel=1e-3)
    clipped, result = _descend(_batch(UNEVEN), clip_norm=norm / 4)
    assert result.gradient_norm == pytest.approx(norm, rel=1e-3)
    for name, change in moved.items():
        torch.testing.assert_close(clipped[name], change / 4, rtol=1e-2, atol=1e-6)


def test_the_loss_is_a_mean_over_the_targets_of_an_untrained_model() -> None:
    _, result = _descend(_batch(UNEVEN), clip_norm=1.0)
    assert result.applied
    assert result.loss == pytest.approx(float(torch.tensor(64.0).log()), abs=0.1)


@settings(max_examples=25)
@given(
    share=st.floats(0, 1) | st.sampled_from([0.0, 1.0]),
    size=st.integers(1, 8),
    seed=st.integers(0, 99),
)
def test_the_loss_is_that_of_all_logits(share: float, size: int, seed: int) -> None:
    """Full logits and PyTorch's own `ignore_index`, with the gradients as well."""
    model, batch = build_model(CONFIG, seed=1), _batch([share] * size, seed=seed, seq=80)
    logits = model(batch.tokens, documents=batch.documents)
    expected = F.cross_entropy(
        logits.flatten(0, 1), batch.targets.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    expected.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    model.zero_grad(set_to_none=True)

    loss = sum_loss(model, eager_backbone(model), batch)
    loss.backward()
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-4)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-3, atol=1e-3, msg=name)


def _infinite_loss(backbone: Backbone) -> Backbone:
    return lambda tokens, documents: backbone(tokens, documents) * float("inf")


def _infinite_gradient(backbone: Backbone) -> Backbone:
    """The loss is what it was; the way back overflows."""

    def run(tokens: Tensor, documents: Tensor) -> Tensor:
        hidden = backbone(tokens, documents)
        hidden.register_hook(lambda gradient: gradient * float("inf"))
        return hidden

    return run


@pytest.mark.parametrize(
    ("breaking", "loss_is_finite"), [(_infinite_loss, False), (_infinite_gradient, True)]
)
def test_a_step_that_is_not_finite_changes_nothing(
    breaking: Callable[[Backbone], Backbone], loss_is_finite: bool
) -> None:
    model = build_model(CONFIG, seed=1)
    optimizer = build_optimizer(model, OptimizerConfig())
    good = eager_backbone(model)
    step = TrainStep(model, optimizer, CPU, backbone=good, clip_norm=1.0, micro_batch=3)
    assert step(_batch(UNEVEN), 1e-2).applied
    weights, moments = (
        _weights(model),
        {name: t.clone() for name, t in optimizer_tensors(model, optimizer).items()},
    )

    step.use(breaking(good), CPU)
    result = step(_batch(UNEVEN, seed=1), 1e-2)
    assert not result.applied
    assert bool(torch.tensor(result.loss).isfinite()) is loss_is_finite
    assert not torch.tensor(result.gradient_norm).isfinite()
    assert _same(_weights(model), weights)
    assert _same(optimizer_tensors(model, optimizer), moments)

    step.use(good, CPU)  # the next step goes on as if the broken one had not been
    assert step(_batch(UNEVEN, seed=2), 1e-2).applied
    after = _weights(model)
    assert not _same(after, weights)
    assert all(bool(tensor.isfinite().all()) for tensor in after.values())


def test_a_batch_without_a_target_is_skipped() -> None:
    moved, result = _descend(_batch([0.0, 0.0]), clip_norm=1.0)
    assert not result.applied
    assert not any(bool(change.any()) for change in moved.values())


def test_running_out_of_memory_names_the_setting_that_helps() -> None:
    def full(tokens: Tensor, documents: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    model = build_model(CONFIG, seed=1)
    step = TrainStep(
        model, build_optimizer(model, OptimizerConfig()), CPU, backbone=full, clip_norm=1.0
    )
    with pytest.raises(
        DeviceError, match=r"on sequences of 16 tokens.*train\.micro_batch_sequences"
    ):
        step(_batch(UNEVEN), 1e-3)


def test_learning_happens() -> None:
    model = build_model(CONFIG, seed=1)
    step = TrainStep(
        model,
        build_optimizer(model, OptimizerConfig()),
        CPU,
        backbone=eager_backbone(model),
        clip_norm=1.0,
    )
    losses = [step(_batch(UNEVEN), 1e-2).loss for _ in range(20)]
    assert losses[-1] < losses[0] - 1


@pytest.mark.parametrize(
    ("pass_takes", "passes", "best"),
    [((9.0, 0.3, 0.2, 0.4), 4, 0.2), ((9.0, 3.0, 1.0, 1.0), 2, 3.0)],
)
def test_a_trial_is_the_best_of_three_and_ends_early_where_passes_are_slow(
    monkeypatch: pytest.MonkeyPatch, pass_takes: tuple[float, ...], passes: int, best: float
) -> None:
    """The first pass compiles and does not count."""
    model, now, done = build_model(CONFIG, seed=1), [0.0], [0]
    backbone = eager_backbone(model)

    def taking(tokens: Tensor, documents: Tensor) -> Tensor:
        now[0] += pass_takes[done[0]]
        done[0] += 1
        return backbone(tokens, documents)

    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    assert module.pass_seconds(model, taking, CPU, _batch(UNEVEN)) == pytest.approx(best)
    assert done == [passes]


def test_the_limit_of_a_spike_is_a_multiple_of_the_median() -> None:
    assert largest_norm([1.0] * SPIKE_MINIMUM + [500.0], 20.0, in_a_row=0) == 20.0


def test_there_is_none_at_the_beginning_after_several_in_a_row_or_where_it_is_off() -> None:
    norms = [1.0] * SPIKE_MINIMUM
    assert largest_norm(norms[1:], 20.0, in_a_row=0) == math.inf
    assert largest_norm(norms, 20.0, in_a_row=SPIKES_IN_A_ROW) == math.inf
    assert largest_norm(norms, 0.0, in_a_row=0) == math.inf
