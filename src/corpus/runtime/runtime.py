"""Device, precision and threads, resolved from the config on this machine."""

import os
import platform
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from corpus.base.errors import DeviceError
from corpus.config.runtime import RuntimeConfig
from corpus.runtime.ranks import ALONE, Ranks
from corpus.runtime.threads import Threads, ThreadSource, choose_threads

MUCH_FASTER = 2.5
"""How many times as fast as fp32 a bf16 product must be on a CPU for bf16 to be chosen. Cores with
bf16 matrix units reach 3.5 and more, others 0.01 to 2. A limit in between gives the same choice
every time, and leaves a gain after conversions."""

PRODUCT_SIZE = 512
"""Rows and columns of the products that are timed."""


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The resolved machine. Build it with `resolve`, once."""

    device: torch.device
    precision: str
    """`fp32`, `bf16`, `fp16`, `fp8` or `int8`."""
    num_threads: int
    threads_from: ThreadSource = ThreadSource.SETTING
    ranks: Ranks = ALONE

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which forward passes run."""
        dtype = self.autocast_dtype
        return nullcontext() if dtype is None else torch.autocast(self.device.type, dtype=dtype)

    @property
    def autocast_dtype(self) -> torch.dtype | None:
        """The type of matrix products in that context; None stands for the weights' own, fp32."""
        if self.precision in ("int8", "fp8"):
            return torch.bfloat16 if self.device.type == "cuda" else None
        return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self.precision)

    def describe(self) -> str:
        """Return device, precision and threads in words, and the source of the thread count."""
        threads = Threads(self.num_threads, self.threads_from)
        return f"{self.device.type}, {self.precision}, {threads}"

    def synchronize(self) -> None:
        """Wait until the device has finished, so that its work can be timed."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()


def resolve(
    config: RuntimeConfig,
    *,
    precision: str | None = None,
    num_threads: int = 0,
    repeatable: bool = False,
    ranks: Ranks = ALONE,
) -> Runtime:
    """Choose device, precision and threads, and set PyTorch's thread count.

    Args:
        config: what was asked for.
        precision: the choice that an earlier session of the same run recorded; it is kept.
        num_threads: the same for threads; the config and `OMP_NUM_THREADS` take precedence.
        repeatable: the same command must give the same bits, so nothing may depend on a measurement
            or on the order in which a device adds. On a CPU `auto` then means fp32; a GPU uses
            deterministic kernels where it has them.
        ranks: the processes that train together; they share the cores of their machine.

    Raises:
        DeviceError: the machine does not have what was asked for.
    """
    threads = choose_threads(
        config.num_threads, recorded=num_threads, local_ranks=ranks.local_world_size
    )
    torch.set_num_threads(threads.number)
    if repeatable:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts
    device = torch.device(_device_name(config.device))
    if device.type == "cuda" and not ranks.is_alone:
        device = torch.device("cuda", ranks.local_rank)
    wanted = precision or config.precision
    chosen = best_precision(device, timed=not repeatable) if wanted == "auto" else wanted
    _check_precision(device, chosen)
    if device.type == "cuda":
        torch.use_deterministic_algorithms(repeatable, warn_only=True)
    runtime = Runtime(
        device=device,
        precision=ranks.from_main(chosen),
        num_threads=threads.number,
        threads_from=threads.source,
        ranks=ranks,
    )
    allow_tf32(runtime)
    return runtime


def allow_tf32(runtime: Runtime) -> None:
    """Let products that are left in fp32 use TF32 on a GPU, unless fp32 is what was asked for."""
    if runtime.device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = (
            runtime.precision != "fp32"
        )


def best_precision(device: torch.device, *, timed: bool = True) -> str:
    """Return a precision that suits the device: by capability on a GPU, by measurement on a CPU.

    Without `timed` it is fp32 on a CPU.
    """
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device)[0] >= 8 else "fp16"
    if (
        timed
        and device.type == "cpu"
        and _product_rate(torch.bfloat16) > MUCH_FASTER * _product_rate(torch.float32)
    ):
        return "bf16"
    return "fp32"


def supported_precisions(device: torch.device) -> list[tuple[str, str]]:
    """Return the precisions of `device`, the finest first, each with why it needs no trial, or "".

    On a CPU a precision whose bare products are slower than fp32's is not tried: that could take
    minutes.
    """
    if device.type == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        half = ("bf16", "") if major >= 8 else ("fp16", "")
        eight = (
            "" if (major, minor) >= (8, 9) else "the device has no 8-bit floating-point products"
        )
        return [
            ("fp32", ""),
            half,
            ("fp8", eight),
            ("int8", "" if major >= 8 else "the device has no fast int8 products"),
        ]
    if device.type == "mps":
        return [("fp32", ""), ("bf16", "")]
    base = _product_rate(torch.float32)
    found = [("fp32", "")]
    for name, dtype in (("bf16", torch.bfloat16), ("int8", torch.int8)):
        ratio = _product_rate(dtype) / base
        found.append(
            (name, "" if ratio > 1 else f"its products run at {ratio:.2f} times the rate of fp32")
        )
    return found


def environment(runtime: Runtime) -> dict[str, Any]:
    """Describe the machine for the run's manifest."""
    if runtime.device.type == "cuda":
        name = torch.cuda.get_device_name(runtime.device)
    else:
        name = _processor_name()
    return {
        "device": runtime.device.type,
        "device_name": name,
        "num_threads": runtime.num_threads,
        "ranks": runtime.ranks.world_size,
        "precision": runtime.precision,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
    }


def _device_name(wanted: str) -> str:
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if wanted == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if available[name])
    if not available[wanted]:
        have = ", ".join(name for name, there in available.items() if there)
        raise DeviceError(
            f"runtime.device is {wanted!r}, and this machine has {have}; set runtime.device to one "
            "of those or to 'auto'"
        )
    return wanted


def _check_precision(device: torch.device, precision: str) -> None:
    if precision == "fp16" and device.type != "cuda":
        raise DeviceError(
            f"runtime.precision fp16 needs a CUDA GPU, and the device is {device.type}; use fp32 "
            "or auto"
        )
    if precision == "fp8" and device.type != "cuda":
        raise DeviceError(
            "runtime.precision fp8 needs a CUDA GPU of compute capability 8.9, and the device is "
            f"{device.type}; use auto"
        )
    if precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise DeviceError(
            "runtime.precision bf16 is not supported by this GPU; use fp16, fp32 or auto"
        )


def _product_rate(dtype: torch.dtype) -> float:
    """Return matrix products per second at one size: the best of four."""
    a = torch.ones(PRODUCT_SIZE, PRODUCT_SIZE, dtype=dtype)
    b, best = a.clone(), 0.0
    multiply = torch._int_mm if dtype == torch.int8 else torch.mm
    for _ in range(4):
        start = time.perf_counter()
        multiply(a, b)
        best = max(best, 1 / (time.perf_counter() - start))
    return best


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
