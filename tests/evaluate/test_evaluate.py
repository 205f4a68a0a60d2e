"""Scoring, where the device has little memory."""

from typing import Any, cast

import pytest
import torch

from corpus.base.errors import DeviceError
from corpus.config.evaluate import EvaluateConfig
from corpus.evaluate import evaluate


@pytest.mark.parametrize("room", [12, 24, 100])
def test_where_memory_runs_out_fewer_programs_are_decoded_together(
    room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        _score(room, monkeypatch)
        == {12: [100, 50, 25, 12], 24: [100, 50, 25, 12], 100: [100]}[room]
    )


@pytest.mark.parametrize(("votes", "least"), [((4, 12), 12), ((), 1)])
def test_where_there_is_no_memory_for_the_programs_of_one_problem_it_is_told_at_once(
    votes: tuple[int, ...], least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    with pytest.raises(DeviceError, match=f"decoding {least} programs of one problem"):
        _score(0, monkeypatch, votes=votes, tried=tried)
    assert tried[-1] == least
    assert len(set(tried)) == len(tried)


def _score(
    room: int,
    monkeypatch: pytest.MonkeyPatch,
    votes: tuple[int, ...] = (4, 12),
    tried: list[int] | None = None,
) -> list[int]:
    """Score where more than `room` programs run out of memory; return the numbers that were
    tried."""
    tried = [] if tried is None else tried

    def score(rows: Any) -> Any:
        tried.append(rows)
        if rows > room:
            raise torch.OutOfMemoryError
        return {}, [], {}

    monkeypatch.setattr(evaluate, "Solver", lambda *given, batch_size, **more: batch_size)
    evaluate._with_room(
        score,
        *cast(Any, (None, None, None)),
        EvaluateConfig(batch_size=100, votes=votes, retrieval=False),
    )
    return tried
