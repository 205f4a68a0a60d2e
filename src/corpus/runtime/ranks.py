"""The processes that train together, and how they agree.

`torchrun` starts them and sets their number in the environment. The first rank makes every decision
that depends on time or on one machine (is the budget spent, is a checkpoint due, what did a trial
choose) and sends it to the others.
"""

import contextlib
import datetime
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from corpus.base.console import be_quiet
from corpus.base.errors import DeviceError

Plain = TypeVar("Plain")

PATIENCE = datetime.timedelta(hours=12)
"""How long a rank waits for a decision: the first one may prepare terabytes. A process that dies is
noticed at once."""

STEP_PATIENCE = datetime.timedelta(minutes=30)
"""How long a rank waits for the others within a step, where all of them compute: a GPU or a network
that hangs ends the job after this. Compiling, which ranks may finish minutes apart, is in it."""


GRACE_SECONDS = 10
"""How long a rank may run on after a SIGTERM."""


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """The processes of a run; one, unless `torchrun` started more."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    """Index among the processes of this machine."""
    local_world_size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the rank that writes, prints and decides."""
        return self.rank == 0

    @property
    def is_alone(self) -> bool:
        """Whether this is the only rank."""
        return self.world_size == 1

    def from_main(self, value: Plain) -> Plain:
        """Return the first rank's `value` (JSON-ready) on every rank."""
        if self.is_alone:
            return value
        data = json.dumps(value).encode() if self.is_main else b""
        size = torch.tensor([len(data)])
        with lost_ranks():
            dist.broadcast(size, 0, group=_control)
            content = (
                torch.frombuffer(bytearray(data), dtype=torch.uint8)
                if self.is_main
                else torch.empty(int(size), dtype=torch.uint8)
            )
            dist.broadcast(content, 0, group=_control)
        return json.loads(bytes(content.tolist()))

    def numbers(self, *values: float) -> list[float]:
        """Return the first rank's numbers on every rank, in one message."""
        if self.is_alone:
            return list(values)
        content = torch.tensor(values, dtype=torch.float64)
        with lost_ranks():
            dist.broadcast(content, 0, group=_control)
        return content.tolist()

    def any(self, value: bool) -> bool:
        """Return whether `value` is true on some rank."""
        if self.is_alone:
            return value
        flag = torch.tensor([int(value)])
        with lost_ranks():
            dist.all_reduce(flag, dist.ReduceOp.MAX, group=_control)
        return bool(flag)

    def sum(self, value: Tensor) -> Tensor:
        """Return the sum of a tensor over all ranks."""
        if not self.is_alone:
            with lost_ranks():
                dist.all_reduce(value)
        return value

    def gather(self, value: Plain) -> list[Plain]:
        """Return the (JSON-ready) values of all ranks, on every rank."""
        if self.is_alone:
            return [value]
        found: list[Any] = [None] * self.world_size
        with lost_ranks():
            dist.all_gather_object(found, json.dumps(value), group=_control)
        return [json.loads(text) for text in found]

    def wait(self) -> None:
        """Wait for all ranks."""
        if not self.is_alone:
            with lost_ranks():
                dist.barrier(group=_control)


ALONE = Ranks()

_control: Any = None
"""The process group of decisions: on the CPU, so that they do not wait for a GPU."""


@contextmanager
def joined() -> Iterator[Ranks]:
    """Join the processes that `torchrun` started, if it did; only the first rank prints."""
    global _control
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size == 1 or "RANK" not in os.environ:
        yield ALONE
        return
    ranks = Ranks(
        rank=int(os.environ["RANK"]),
        world_size=world_size,
        local_rank=int(os.environ["LOCAL_RANK"]),
        local_world_size=int(os.environ.get("LOCAL_WORLD_SIZE", world_size)),
    )
    if not ranks.is_main:
        be_quiet()
    if torch.cuda.is_available():
        if ranks.local_world_size > torch.cuda.device_count():
            raise DeviceError(
                f"there are {ranks.local_world_size} ranks on this machine and "
                f"{torch.cuda.device_count()} GPUs; start one rank per GPU (--nproc-per-node)"
            )
        torch.cuda.set_device(ranks.local_rank)
        dist.init_process_group(
            "cpu:gloo,cuda:nccl",
            timeout=STEP_PATIENCE,
            device_id=torch.device("cuda", ranks.local_rank),
        )
    else:
        dist.init_process_group("gloo", timeout=STEP_PATIENCE)
    _control = dist.new_group(backend="gloo", timeout=PATIENCE)
    before = signal.signal(signal.SIGTERM, _end_soon)
    try:
        with lost_ranks():
            yield ranks
        # Not after an error, whose message is still to be printed.
        signal.signal(signal.SIGTERM, before)
    finally:
        _control = None
        with contextlib.suppress(RuntimeError):  # another rank is gone already
            dist.destroy_process_group()


def _end_soon(number: int, frame: FrameType | None) -> None:
    """Leave time for error messages: the launcher ends all ranks when one is gone."""
    signal.alarm(GRACE_SECONDS)


@contextmanager
def lost_ranks() -> Iterator[None]:
    """Turn a library's error about another process that is gone into a clear one."""
    try:
        yield
    except (dist.DistError, RuntimeError) as error:
        if not is_lost(error):
            raise
        first_line = next(iter(str(error).splitlines()), "")
        if is_timeout(error):
            raise DeviceError(
                f"another rank of this run did not answer for {STEP_PATIENCE} ({first_line[:99]}). "
                "Its GPU or the network hangs; look at the machines, end what is left of the job, "
                "and start the same torchrun command again to go on from the last checkpoint."
            ) from error
        raise DeviceError(
            f"another rank of this run is gone ({first_line[:160]}). Its own message says why. "
            "Start the same torchrun command again, with as many ranks as you have, to go on from "
            "the last checkpoint."
        ) from error


def is_lost(error: BaseException) -> bool:
    """Return whether an error means that another process is gone."""
    signs = (
        "Connection closed by peer",
        "Connection reset",
        "Broken pipe",
        "remote process exited",
    )
    is_cut = isinstance(error, dist.DistNetworkError) or any(sign in str(error) for sign in signs)
    return is_cut or is_timeout(error)


def is_timeout(error: BaseException) -> bool:
    """Return whether an error means that another process did not answer in time."""
    return any(sign in str(error) for sign in ("Timed out", "timed out", "Timeout at"))
