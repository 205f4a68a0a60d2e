"""Checkpoints: whole or not there, damage is noticed, the newest two are kept, and every bit comes
back."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from corpus.base.errors import ArtifactError, StorageError
from corpus.base.files import digest_file, read_json
from corpus.runtime.ranks import Ranks
from corpus.train import checkpoint
from corpus.train.checkpoint import (
    Checkpoint,
    list_checkpoints,
    load_newest,
    load_trained,
    save_checkpoint,
    trained_tensors,
)


def _make(value: float = 1.0, *, size: int = 8) -> Checkpoint:
    return Checkpoint(
        model={"embedding.weight": torch.full((size, 4), value), "norm.weight": torch.ones(4)},
        optimizer={
            "exp_avg/norm.weight": torch.full((4,), value / 3),
            "step/norm.weight": torch.tensor(value),
        },
        state={"position": {"step": 3, "loss_sum": 0.1 + 0.2}, "cursor": {"handed_out": 12}},
    )


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _value(checkpoint: Checkpoint | None) -> float:
    assert checkpoint is not None
    return float(checkpoint.model["embedding.weight"][0, 0])


@contextmanager
def _room_for(num_bytes: int) -> Iterator[None]:
    """No file can grow beyond `num_bytes`: writing stops halfway, as on a full disk."""
    resource = pytest.importorskip("resource", reason="limits on files are POSIX's")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_where_nothing_was_saved_there_is_none(tmp_path: Path) -> None:
    assert load_newest(tmp_path / "checkpoints", "pretrain") is None
    save_checkpoint(tmp_path, _make(), phase="pretrain", step=1)
    assert load_newest(tmp_path, "finetune") is None


def test_a_full_disk_leaves_the_older_checkpoint_and_no_half_one(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, _make(1.0), phase="pretrain", step=1)
    with (
        pytest.raises(StorageError, match="free some space and run the same command again"),
        _room_for(10_000),
    ):
        save_checkpoint(tmp_path, _make(2.0, size=10_000), phase="pretrain", step=2)
    assert _names(tmp_path) == ["pretrain-000000001"]
    assert _value(load_newest(tmp_path, "pretrain")) == 1.0


def test_an_error_after_the_tensors_are_written_leaves_no_half_checkpoint(tmp_path: Path) -> None:
    """The state is written last; here it cannot be."""
    save_checkpoint(tmp_path, _make(1.0), phase="pretrain", step=1)
    broken = Checkpoint(
        model=_make().model, optimizer=_make().optimizer, state={"cursor": object()}
    )
    with pytest.raises(TypeError, match="not JSON serializable"):
        save_checkpoint(tmp_path, broken, phase="pretrain", step=2)
    assert _names(tmp_path) == ["pretrain-000000001"]


def test_what_a_dead_process_left_is_not_a_checkpoint_and_is_cleared_away(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, _make(1.0), phase="pretrain", step=1)
    leftover = tmp_path / ".pretrain-000000002.0a1b2c3d-99999999.tmp"
    leftover.mkdir()
    (leftover / "model.safetensors").write_bytes(b"half of it")
    assert [path.name for path in list_checkpoints(tmp_path, "pretrain")] == ["pretrain-000000001"]
    assert _value(load_newest(tmp_path, "pretrain")) == 1.0
    assert _names(tmp_path) == ["pretrain-000000001"]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("model.safetensors", _cut),
        ("model.safetensors", Path.unlink),
        ("optimizer.safetensors", _flip_a_bit),
        ("optimizer.safetensors", Path.unlink),
        ("state.json", Path.unlink),
        ("state.json", lambda path: path.write_bytes(path.read_bytes()[:20])),
        ("state.json", lambda path: path.write_bytes(bytes(200))),
        ("state.json", lambda path: path.write_bytes(b"{}")),
        ("state.json", lambda path: path.write_bytes(b"[]")),
    ],
    ids=[
        "model cut",
        "no model",
        "optimizer flipped",
        "no optimizer",
        "no state",
        "state cut",
        "state zeros",
        "state empty",
        "state a list",
    ],
)
def test_a_damaged_newest_is_passed_over_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, damage: Callable[[Path], object]
) -> None:
    for step in (1, 2):
        save_checkpoint(tmp_path, _make(float(step)), phase="pretrain", step=step)
    damage(tmp_path / "pretrain-000000002" / name)
    found = load_newest(tmp_path, "pretrain")
    assert _value(found) == 1.0
    assert found is not None
    assert found.state["step"] == 1
    shown = capsys.readouterr().out
    assert shown.startswith("warning: ")
    assert f"pretrain-000000002/{name}" in shown
    assert shown.endswith("Going back to the one before.\n")


def test_a_whole_newest_is_taken_without_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in (9, 10):
        save_checkpoint(tmp_path, _make(float(step)), phase="pretrain", step=step)
    assert _value(load_newest(tmp_path, "pretrain")) == 10.0
    assert capsys.readouterr().out == ""


def test_where_all_are_damaged_training_does_not_start_over_in_silence(tmp_path: Path) -> None:
    for step in (1, 2):
        _cut(save_checkpoint(tmp_path, _make(), phase="pretrain", step=step) / "model.safetensors")
    with pytest.raises(
        ArtifactError, match=r"every pretrain checkpoint in .* is damaged; delete that folder"
    ):
        load_newest(tmp_path, "pretrain")


def test_the_newest_two_of_a_phase_are_kept(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, _make(), phase="pretrain", step=7)
    for step in (998, 999, 1000, 1001):
        save_checkpoint(tmp_path, _make(float(step)), phase="finetune", step=step)
    assert _names(tmp_path) == ["finetune-000001000", "finetune-000001001", "pretrain-000000007"]
    assert _value(load_newest(tmp_path, "finetune")) == 1001.0


def test_saving_a_step_again_replaces_it(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        save_checkpoint(tmp_path, _make(value), phase="finetune", step=5)
    assert _names(tmp_path) == ["finetune-000000005"]
    assert _value(load_newest(tmp_path, "finetune")) == 2.0


def test_inside_are_safetensors_and_json_alone(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, _make(), phase="pretrain", step=3)
    assert _names(path) == ["model.safetensors", "optimizer.safetensors", "state.json"]
    for name, tensors in (("model", _make().model), ("optimizer", _make().optimizer)):
        with safe_open(path / f"{name}.safetensors", framework="pt") as file:
            assert sorted(file.keys()) == sorted(tensors)
    state = json.loads((path / "state.json").read_bytes())
    assert (state["phase"], state["step"]) == ("pretrain", 3)
    assert state["digests"] == {
        f"{name}.safetensors": digest_file(path / f"{name}.safetensors")
        for name in ("model", "optimizer")
    }


class Rank(Ranks):
    """One of several ranks; the others have nothing to say."""

    def from_main(self, value: Any) -> Any:
        return value

    def gather(self, value: Any) -> list[Any]:
        return [value]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_ranks_share_the_checking_of_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = save_checkpoint(tmp_path, _make(), phase="pretrain", step=3)
    read: list[str] = []
    monkeypatch.setattr(
        checkpoint, "digest_file", lambda file: (read.append(file.name), digest_file(file))[1]
    )
    for rank in range(number):
        assert load_newest(tmp_path, "pretrain", ranks=Rank(rank=rank, world_size=number))
    assert sorted(read) == ["model.safetensors", "optimizer.safetensors"]
    _cut(path / "optimizer.safetensors")
    damaged = [
        checkpoint._damage(path, Rank(rank=rank, world_size=number)) for rank in range(number)
    ]
    assert len([damage for damage in damaged if "optimizer.safetensors" in damage]) == 1


@st.composite
def _tensors(draw: st.DrawFn) -> torch.Tensor:
    """Any bits (nan with its payload, -0.0, denormals), scalars and empty tensors, also views that
    are not contiguous."""
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    count = torch.Size(shape).numel()
    bits = torch.tensor(
        draw(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=count, max_size=count)),
        dtype=torch.int32,
    )
    kind = draw(st.sampled_from([torch.float32, torch.bfloat16, torch.int64, torch.int8]))
    size = torch.empty((), dtype=kind).element_size()
    values = bits.repeat_interleave(2).view(kind)[:count] if size == 8 else bits.view(kind)[:count]
    tensor = values.reshape(shape)
    return tensor.transpose(0, -1) if shape and draw(st.booleans()) else tensor


@settings(max_examples=15)
@given(
    model=st.dictionaries(st.sampled_from("abcd"), _tensors()),
    optimizer=st.dictionaries(st.text(max_size=5).map("exp_avg/{}".format), _tensors(), max_size=3),
    loss=st.floats(allow_nan=False),
)
def test_every_bit_comes_back(tmp_path: Path, model: dict, optimizer: dict, loss: float) -> None:
    save_checkpoint(
        tmp_path,
        Checkpoint(model=model, optimizer=optimizer, state={"loss": loss}),
        phase="pretrain",
        step=1,
    )
    found = load_newest(tmp_path, "pretrain")
    assert found is not None
    assert found.state == {
        **read_json(tmp_path / "pretrain-000000001" / "state.json"),
        "loss": loss,
    }
    for written, read in ((model, found.model), (optimizer, found.optimizer)):
        assert written.keys() == read.keys()
        for name, tensor in written.items():
            assert (read[name].dtype, read[name].shape) == (tensor.dtype, tensor.shape)
            assert _bits(read[name]) == _bits(tensor)


def _bits(tensor: torch.Tensor) -> list[int]:
    return tensor.contiguous().reshape(-1).view(torch.uint8).tolist()


def test_what_is_frozen_is_not_kept() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 2, bias=False))
    model[0].requires_grad_(False)
    kept = {name: tensor.clone() for name, tensor in trained_tensors(model).items()}
    assert kept.keys() == {"1.weight"}
    with torch.no_grad():
        model[1].weight.zero_()  # type: ignore[operator, union-attr]
    load_trained(model, kept)
    assert torch.equal(model.state_dict()["1.weight"], kept["1.weight"])
    model[0].requires_grad_(True)
    with pytest.raises(
        ArtifactError,
        match=r"other weights than this run trains \(0.bias differs\)",
    ):
        load_trained(model, kept)
