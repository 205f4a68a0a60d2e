"""The benchmark of long rows: its windows read what they say they read, and its rows lie within
documents."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from corpus.base.errors import DataError
from corpus.config.model import ModelConfig
from corpus.data.shards import TokenShards, write_shards
from corpus.model.weights import build_model


@pytest.fixture(scope="module")
def length() -> Any:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "length.py"
    spec = importlib.util.spec_from_file_location("length", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_windows_never_read_past_their_length(length: Any) -> None:
    model = build_model(
        ModelConfig(
            vocab_size=50, dim=16, num_layers=1, num_heads=2, num_kv_heads=1, context_length=8
        ),
        seed=0,
    ).requires_grad_(False)
    for parameter in model.parameters():
        parameter.mul_(4)
    rows = torch.randint(0, 50, (3, 30), generator=torch.Generator().manual_seed(0)).numpy()
    found = length.losses_in_windows(model, rows, 8)
    assert found.shape == (3, 29)
    for at in range(29):
        first = (
            0 if at < 8 else (at // 4 - 1) * 4 if at < 28 else 21
        )  # the last window ends with the row
        alone = length.losses(model, rows[:, first : at + 2])[:, -1]
        assert at - first < 8
        np.testing.assert_allclose(found[:, at], alone, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        length.losses_in_windows(model, rows, 40), length.losses(model, rows)
    )


def test_rows_lie_within_documents(length: Any, tmp_path: Path) -> None:
    with write_shards(tmp_path / "shards", vocab_size=1000, eos_id=0) as writer:
        for first in (100, 200, 300):
            writer.add("made", list(range(first, first + first // 10)), num_bytes=9)
    prepared = SimpleNamespace(validation=TokenShards.open(tmp_path / "shards"))
    rows, counts = length.long_rows(prepared, 12, 9)
    assert rows[:, 0].tolist() == [200, 300, 312]
    assert counts == {"made": 3}
    assert (np.diff(rows[:2]) == 1).all()
    assert rows[2].tolist() == [*range(312, 325)]
    with pytest.raises(DataError, match="fewer than two held-out documents have 28 tokens"):
        length.long_rows(prepared, 28, 9)
