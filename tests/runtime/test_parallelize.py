"""What is applied from outside changes nothing but where and when things are computed."""

import torch

from corpus.config.model import ModelConfig
from corpus.model.weights import build_model
from corpus.runtime.parallelize import checkpoint_activations, is_sharded, like, local_part, whole

CONFIG = ModelConfig(
    vocab_size=64, dim=32, num_layers=3, num_heads=2, num_kv_heads=1, context_length=32
)
TOKENS = torch.randint(0, 64, (4, 32), generator=torch.Generator().manual_seed(0))


class _Kept:
    """Counts the bytes that a forward pass keeps for the backward pass."""

    def __init__(self) -> None:
        self.bytes = 0

    def pack(self, tensor: torch.Tensor) -> torch.Tensor:
        self.bytes += tensor.nbytes
        return tensor


def test_recomputed_activations_give_the_same_gradients_and_keep_less() -> None:
    results, kept = [], []
    for change in (lambda model: model, checkpoint_activations):
        model, count = change(build_model(CONFIG, seed=0)), _Kept()
        with torch.autograd.graph.saved_tensors_hooks(count.pack, lambda tensor: tensor):
            loss = model.hidden(TOKENS, documents=torch.zeros_like(TOKENS)).square().sum()
        loss.backward()
        results.append([parameter.grad for parameter in model.parameters()])
        kept.append(count.bytes)
    for ours, theirs in zip(*results):
        assert (ours is None and theirs is None) or torch.equal(ours, theirs)
    assert kept[1] < 0.2 * kept[0]


def test_without_gradients_nothing_is_recomputed() -> None:
    plain, changed = (
        build_model(CONFIG, seed=0),
        checkpoint_activations(build_model(CONFIG, seed=0)),
    )
    with torch.no_grad():
        assert torch.equal(changed(TOKENS), plain(TOKENS))


def test_a_tensor_that_is_not_divided_is_itself() -> None:
    model = build_model(CONFIG, seed=0)
    weight = model.embedding.weight
    assert not is_sharded(model)
    assert local_part(weight) is whole(weight) is like(weight, weight) is weight
