"""Parallelism and activation checkpointing, applied to the model from outside.

With DDP every rank has all weights, with FSDP2 a part of each.

References: Li et al. 2020 (DDP), arXiv:2006.15704; Zhao et al. 2023 (FSDP), arXiv:2304.11277.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

from corpus.model.transformer import Transformer
from corpus.runtime.runtime import Runtime


def replicate(module: nn.Module, runtime: Runtime) -> DistributedDataParallel:
    """Return `module` with its gradients averaged over the ranks during the backward pass."""
    devices = [runtime.device] if runtime.device.type == "cuda" else None
    return DistributedDataParallel(module, device_ids=devices, gradient_as_bucket_view=True)


def shard(model: Transformer, runtime: Runtime) -> Transformer:
    """Keep a part of every weight on each rank, in place; weights are gathered block by block.

    Optimizers must be built afterwards, since the parameters are other objects. Autocast still
    decides on the precision of products.
    """
    # These imports take half a second, which most runs need not spend.
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    mesh = init_device_mesh(runtime.device.type, (runtime.ranks.world_size,))
    for block in model.blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh, reshard_after_forward=False)
    register_fsdp_forward_method(model, "hidden")
    return model


def checkpoint_activations(model: Transformer) -> Transformer:
    """Make every block keep only its input in training, and recompute the rest, in place.

    Reference: Chen et al. 2016, arXiv:1604.06174.
    """
    for block in model.blocks:
        block.forward = _recomputing(block.forward)
    return model


def _recomputing(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def run(*inputs: Any) -> Tensor:
        if not torch.is_grad_enabled():
            return forward(*inputs)
        return checkpoint(forward, *inputs, use_reentrant=False)

    return run


def is_sharded(model: nn.Module) -> bool:
    """Return whether `shard` was applied."""
    return any(_is_part(parameter) for parameter in model.parameters())


def local_part(tensor: Tensor) -> Tensor:
    """Return this rank's rows of a sharded tensor; any other tensor as it is."""
    return tensor.to_local() if _is_part(tensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """Return a sharded tensor gathered, which all ranks must call; any other tensor as it is."""
    return tensor.full_tensor() if _is_part(tensor) else tensor


def like(whole_tensor: Tensor, other: Tensor) -> Tensor:
    """Return a whole tensor, the same on all ranks, sharded as `other` is."""
    if not _is_part(other):
        return whole_tensor
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(whole_tensor, other.device_mesh, other.placements, src_data_rank=None)


def local_rows(tensor: Tensor) -> tuple[int, int] | None:
    """Return the first row of a sharded tensor that is on this rank and the one after the last;
    None for any other tensor."""
    if not _is_part(tensor):
        return None
    mesh = tensor.device_mesh
    size = -(-tensor.shape[0] // mesh.size())  # as torch.chunk divides rows
    start = min(mesh.get_local_rank() * size, tensor.shape[0])
    return start, min(start + size, tensor.shape[0])


def sharded_like(local: Tensor, other: Tensor) -> Tensor:
    """Return the sharded tensor of which `local` is this rank's part, sharded as `other` is."""
    from torch.distributed.tensor import DTensor

    assert _is_part(other)
    return DTensor.from_local(
        local, other.device_mesh, other.placements, shape=other.shape, stride=other.stride()
    )


def _is_part(tensor: Any) -> TypeGuard[Any]:
    return hasattr(tensor, "full_tensor")


@torch.no_grad()
def load_whole(model: nn.Module, tensors: Mapping[str, Any]) -> None:
    """Set every weight from whole tensors by name."""
    for name, parameter in model.state_dict().items():
        parameter.copy_(like(tensors[name].to(parameter.device), parameter))
