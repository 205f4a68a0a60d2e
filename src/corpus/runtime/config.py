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

    precision: Literal["auto", "fp32", "bf16", "fp16", "int8"] = "auto"
    """Arithmetic of the matrix products; weights and optimizer stay fp32. `auto` takes bf16 where the device does it well (on a CPU by
    a measurement, and so only under a clock), fp16 with loss scaling on older GPUs, fp32 elsewhere. `int8` rounds both factors of the blocks' matrix products in training."""

    compile: Literal["auto", "on", "off"] = "auto"
    """`torch.compile` for training. `auto` compiles on a GPU, and on a CPU where a clock budget is long enough to pay for it; a first
    step that fails or is not faster falls back to eager, with one line printed and recorded."""

    num_threads: int = 0
    """CPU threads for the matrix products; 0 takes every core this process may use."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            options, value = typing.get_args(typing.get_type_hints(type(self))[field.name]), getattr(self, field.name)
            if options and value not in options:
                raise ConfigError(f"runtime.{field.name} is {value!r}; expected one of {', '.join(options)}")
        if self.num_threads < 0:
            raise ConfigError(f"runtime.num_threads is {self.num_threads}; expected 0 (all cores) or a positive number")
