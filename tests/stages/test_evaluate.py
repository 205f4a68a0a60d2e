"""Scoring, where the device has little memory."""

from typing import Any, cast

import pytest
import torch

from corpus.evaluate.config import EvaluateConfig
from corpus.stages import evaluate


@pytest.mark.parametrize("room", [1, 16, 64])
def test_where_memory_runs_out_fewer_programs_are_decoded_together(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _score(room, monkeypatch) == [rows for rows in (64, 32, 16, 8, 4, 2, 1) if rows >= room]


def test_where_there_is_no_memory_for_one_it_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        _score(0, monkeypatch)


def _score(room: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Score where more than `room` programs run out of memory; return the numbers that were tried."""
    tried: list[int] = []

    def score(rows: Any) -> Any:
        tried.append(rows)
        if rows > room:
            raise torch.OutOfMemoryError
        return {}, [], {}

    monkeypatch.setattr(evaluate, "Solver", lambda *given, batch_size, **more: batch_size)
    evaluate._with_room(score, *cast(Any, (None, None, None)), EvaluateConfig(batch_size=64))
    return tried
