"""Settings of the machine."""

import dataclasses
import typing
from dataclasses import dataclass
from typing import Literal

from corpus.base.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class RuntimeConfig:
    """What to compute with."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """`auto` takes a CUDA device, then Apple's MPS, then the CPU."""

    precision: Literal["auto", "fp32", "bf16", "fp16", "fp8", "int8"] = "auto"
    """Arithmetic of the matrix products; weights and optimizer stay fp32. Under a clock `auto` tries what the device has on the model itself
    and takes the fastest that stays accurate; the table is recorded. Under steps or tokens nothing is timed: `auto` is bf16 on a GPU (fp16
    with loss scaling on an older one), fp32 on a CPU; so it is with `fsdp`, where nothing is tried. `fp8` and `int8` round both factors of the blocks' matrix products in training."""

    compile: Literal["auto", "on", "off"] = "auto"
    """`torch.compile` for training. `auto` compiles where a trial under a clock shows it faster; under tokens or steps on a GPU, and on a
    CPU from 500 steps on. A first step that fails falls back to eager, with one line printed and recorded."""

    parallel: Literal["ddp", "fsdp"] = "ddp"
    """How several ranks (`torchrun`) share the work: `ddp` has all weights on each, `fsdp` a part of them, for models that are too large for one."""

    checkpoint_activations: bool = False
    """Compute each block's forward pass again in the backward pass instead of keeping what it computed: less memory, about a third more work."""

    num_threads: int = 0
    """CPU threads for the matrix products; 0 takes every core this process may use."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            options, value = (
                typing.get_args(typing.get_type_hints(type(self))[field.name]),
                getattr(self, field.name),
            )
            if options and value not in options:
                raise ConfigError(
                    f"runtime.{field.name} is {value!r}; expected one of {', '.join(options)}"
                )
        if self.num_threads < 0:
            raise ConfigError(
                f"runtime.num_threads is {self.num_threads}; expected 0 (all cores) or a positive number"
            )
