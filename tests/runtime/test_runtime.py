"""The machine: what it does not have is said with the fix, and what an earlier session chose is
kept."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from corpus.base.errors import ConfigError, DeviceError
from corpus.config.runtime import RuntimeConfig
from corpus.runtime import cores as cores_module
from corpus.runtime import runtime as module
from corpus.runtime.cores import usable_cores
from corpus.runtime.runtime import (
    MUCH_FASTER,
    Runtime,
    best_precision,
    environment,
    resolve,
)
from corpus.runtime.threads import ThreadSource

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def settings_of_torch() -> Iterator[None]:
    """Resolving sets PyTorch's thread count, TF32 and determinism; the other tests want theirs
    back."""
    threads, tf32 = (
        torch.get_num_threads(),
        (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32),
    )
    yield
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = tf32
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(dtype: torch.dtype) -> float:
        raise AssertionError("nothing should be measured")

    monkeypatch.setattr(module, "_product_rate", fail)


def test_a_device_that_is_not_there_is_named_with_those_that_are() -> None:
    """No machine has both a CUDA GPU and Apple's."""
    absent = "mps" if torch.cuda.is_available() else "cuda"
    with pytest.raises(
        DeviceError,
        match=rf"runtime\.device is '{absent}', and this machine has cpu.*set runtime\.device .*'auto'",
    ):
        resolve(RuntimeConfig(device=absent))


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_takes_the_best_device_there_is(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert resolve(RuntimeConfig(precision="fp32")).device.type == expected


def test_fp16_on_a_cpu_is_refused_with_the_fix() -> None:
    with pytest.raises(
        DeviceError, match=r"fp16 needs a CUDA GPU, and the device is cpu; use fp32 or auto"
    ):
        resolve(RuntimeConfig(device="cpu", precision="fp16"))
    with pytest.raises(DeviceError, match="fp16"):
        resolve(RuntimeConfig(device="cpu"), precision="fp16")


@pytest.mark.usefixtures("no_measurement")
@pytest.mark.parametrize("recorded", ["fp32", "bf16", "int8"])
@pytest.mark.parametrize("asked", ["auto", "fp32"])
def test_a_recorded_precision_is_kept_without_measuring_again(recorded: str, asked: Any) -> None:
    assert (
        resolve(RuntimeConfig(device="cpu", precision=asked), precision=recorded).precision
        == recorded
    )


@pytest.mark.usefixtures("no_measurement")
@pytest.mark.parametrize("asked", ["fp32", "bf16", "int8"])
def test_a_precision_that_was_asked_for_is_not_measured(asked: Any) -> None:
    assert resolve(RuntimeConfig(device="cpu", precision=asked)).precision == asked


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (0.01, "fp32"),
        (1.0, "fp32"),
        (MUCH_FASTER, "fp32"),
        (1.01 * MUCH_FASTER, "bf16"),
        (8.0, "bf16"),
    ],
)
def test_a_cpu_computes_in_bf16_only_where_that_is_much_faster(
    monkeypatch: pytest.MonkeyPatch, ratio: float, expected: str
) -> None:
    monkeypatch.setattr(
        module,
        "_product_rate",
        lambda dtype: {torch.bfloat16: 7.0 * ratio, torch.float32: 7.0}[dtype],
    )
    assert best_precision(CPU) == expected
    assert resolve(RuntimeConfig(device="cpu")).precision == expected


@pytest.mark.usefixtures("no_measurement")
def test_what_is_to_be_repeatable_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    assert best_precision(CPU, timed=False) == "fp32"
    assert resolve(RuntimeConfig(device="cpu"), repeatable=True).precision == "fp32"
    assert (
        resolve(RuntimeConfig(device="cpu", precision="bf16"), repeatable=True).precision == "bf16"
    )
    assert module.os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8", "what the user set stays"


@pytest.mark.parametrize("repeatable", [False, True])
@pytest.mark.parametrize(("precision", "tf32"), [("fp32", False), ("fp16", True)])
def test_a_gpu_is_as_exact_and_as_repeatable_as_asked(
    monkeypatch: pytest.MonkeyPatch, precision: Any, tf32: bool, repeatable: bool
) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    resolve(RuntimeConfig(device="cuda", precision=precision), repeatable=repeatable)
    assert torch.backends.cuda.matmul.allow_tf32 is torch.backends.cudnn.allow_tf32 is tf32
    assert torch.are_deterministic_algorithms_enabled() is repeatable


@pytest.mark.parametrize(
    ("capability", "expected"), [((7, 5), "fp16"), ((8, 0), "bf16"), ((9, 0), "bf16")]
)
def test_a_gpu_goes_by_its_capability(
    monkeypatch: pytest.MonkeyPatch,
    no_measurement: None,
    capability: tuple[int, int],
    expected: str,
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert best_precision(torch.device("cuda")) == expected


def test_bf16_on_a_gpu_without_it_is_refused_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    with pytest.raises(
        DeviceError, match="bf16 is not supported by this GPU; use fp16, fp32 or auto"
    ):
        resolve(RuntimeConfig(device="cuda", precision="bf16"))


def test_products_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that ticks once a reading: a product takes one tick."""
    ticks = iter(range(100))
    monkeypatch.setattr(module.time, "perf_counter", lambda: float(next(ticks)))
    monkeypatch.setattr(module, "PRODUCT_SIZE", 8)
    assert module._product_rate(torch.bfloat16) == 1.0


def test_the_number_of_threads_is_respected() -> None:
    for number in (1, 3):
        runtime = resolve(RuntimeConfig(device="cpu", precision="fp32", num_threads=number))
        assert runtime.num_threads == torch.get_num_threads() == number


def test_no_number_of_threads_takes_every_usable_core(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usable_cores() >= 1
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(
        cores_module.os, "sched_getaffinity", lambda process: {0, 2, 5}, raising=False
    )
    assert (
        resolve(RuntimeConfig(device="cpu", precision="fp32")).num_threads
        == torch.get_num_threads()
        == 3
    )


def test_omp_num_threads_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    runtime = resolve(RuntimeConfig(device="cpu", precision="fp32"))
    assert runtime.num_threads == torch.get_num_threads() == 5
    assert runtime.describe() == "cpu, fp32, 5 threads (OMP_NUM_THREADS)"


def test_the_description_says_where_threads_come_from() -> None:
    one = Runtime(device=CPU, precision="bf16", num_threads=1, threads_from=ThreadSource.TRIAL)
    assert one.describe() == "cpu, bf16, 1 thread (the fastest in a trial)"


def test_fewer_than_no_threads_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"runtime\.num_threads is -1"):
        RuntimeConfig(num_threads=-1)


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [("fp32", torch.float32), ("bf16", torch.bfloat16), ("int8", torch.float32)],
)
def test_products_are_computed_in_the_precision(precision: str, dtype: torch.dtype) -> None:
    runtime, a = Runtime(device=CPU, precision=precision, num_threads=1), torch.ones(4, 4)
    with runtime.autocast():
        assert (a @ a).dtype == dtype
    assert (a @ a).dtype == torch.float32
    runtime.synchronize()


def test_the_machine_is_described_for_the_manifest() -> None:
    described = environment(Runtime(device=CPU, precision="bf16", num_threads=3))
    assert (described["device"], described["precision"], described["num_threads"]) == (
        "cpu",
        "bf16",
        3,
    )
    assert described["torch"] == torch.__version__
    assert described["device_name"]


@pytest.mark.parametrize("change", [{"device": "tpu"}, {"precision": "fp4"}, {"compile": "maybe"}])
def test_a_choice_that_does_not_exist_is_refused_when_it_is_made(change: dict[str, Any]) -> None:
    (name, value), *_ = change.items()
    with pytest.raises(ConfigError, match=rf"runtime\.{name} is '{value}'; expected one of"):
        RuntimeConfig(**change)
