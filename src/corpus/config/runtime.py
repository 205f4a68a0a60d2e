"""Settings of the machine."""

from dataclasses import dataclass, fields
from typing import Literal, get_args, get_type_hints

from corpus.config.checks import expect


@dataclass(frozen=True, kw_only=True)
class RuntimeConfig:
    """The device and its arithmetic."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """auto takes CUDA if there is a GPU, then Apple's MPS, then the CPU."""

    precision: Literal["auto", "fp32", "bf16", "fp16", "fp8", "int8"] = "auto"
    """Arithmetic of matrix products; weights and optimizer stay fp32.
    auto, with a time budget: the fastest in a trial on this model that is accurate enough.
    auto, with steps or tokens, or fsdp: bf16 on a GPU (fp16 on an older one), fp32 on a CPU.
    fp8 and int8 round both factors of the matrix products in the blocks, in training."""

    compile: Literal["auto", "on", "off"] = "auto"
    """torch.compile in training. If the first compiled step fails, training continues without.
    auto, with a time budget: if a trial shows that it is faster.
    auto, with steps or tokens: on a GPU, and on a CPU from 500 steps on."""

    parallel: Literal["ddp", "fsdp"] = "ddp"
    """How the ranks of torchrun share the work. ddp: each has all weights.
    fsdp: each has a part of the weights, for models that do not fit on one device."""

    checkpoint_activations: bool = False
    """Recompute activations in the backward pass: less memory, about a third more time."""

    num_threads: int = 0
    """CPU threads for matrix products. 0 takes the number in OMP_NUM_THREADS, or if that is not set
    every core that this process may use (docker --cpus counts), divided among the ranks."""

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for field in fields(self):
            options, value = get_args(hints[field.name]), getattr(self, field.name)
            is_known = not options or value in options
            expect(is_known, f"runtime.{field.name}", value, f"one of {', '.join(options)}")
        number = self.num_threads
        expect(
            number >= 0,
            "runtime.num_threads",
            number,
            "0 (OMP_NUM_THREADS, or all cores) or a positive number",
        )
