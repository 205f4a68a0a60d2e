"""8-bit products are judged again while the model trains, and left where they are off."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.sessions import CONFIG, choices, open_session, run, sample

from corpus.model.low_precision import Int8Linear
from corpus.model.transformer import Transformer
from corpus.model.weights import build_model
from corpus.run.folder import RunFolder
from corpus.runtime.runtime import Runtime
from corpus.train import precision as module
from corpus.train.precision import review

pytestmark = pytest.mark.usefixtures("own_threads")

INT8 = Runtime(device=torch.device("cpu"), precision="int8", num_threads=1)


@pytest.fixture(autouse=True)
def plain_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU with the same precisions everywhere."""
    usable = [("fp32", ""), ("bf16", "slow"), ("int8", "")]
    monkeypatch.setattr(module, "supported_precisions", lambda device: usable)


def _with_an_outlier(model: Transformer) -> Transformer:
    """One feature that no weight reads is so large that int8 rounds all others to nothing."""
    with torch.no_grad():
        for block in model.blocks:
            block.feed_forward_norm.weight[0] = 3000.0  # pyright: ignore
            for layer in (block.feed_forward.gate, block.feed_forward.up):  # pyright: ignore
                layer.weight[:, 0] = 0  # pyright: ignore
    return model


def _events(folder: Path) -> list[str]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line["message"] for line in lines if line.get("name") == "precision"]


def _layers(model: Transformer) -> set[str]:
    names = {type(layer).__name__ for layer in model.modules()}
    return names & {"Linear", "Int8Linear"}


def _begin_in_int8(folder: Path) -> None:
    """A run whose trials have chosen int8."""
    folder.mkdir(exist_ok=True)
    RunFolder(folder).update_manifest(choices={"precision": "int8", "precisions_tried": []})


def test_the_weights_as_they_are_now_decide() -> None:
    model = build_model(CONFIG, seed=0)
    good, finer = review(model, INT8, sample())
    assert (good.verdict, finer) == ("accurate", "fp32")
    bad, _ = review(_with_an_outlier(model), INT8, sample())
    assert bad.verdict == "its gradient's cosine is below 0.99"
    assert _layers(model) == {"Int8Linear"}, "they stay as they are computed"
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_run_leaves_int8_where_it_is_no_longer_accurate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _begin_in_int8(tmp_path)
    model = _with_an_outlier(build_model(CONFIG, seed=0))
    with open_session(tmp_path, "1000s", precision="auto") as session:
        assert session.runtime.precision == "int8"
        run(session, model, num_steps=12, rate=1e-6)
        assert session.runtime.precision == "fp32"
    assert _layers(model) == {"Linear"}
    (said,) = _events(tmp_path)
    assert said.startswith("int8 is no longer accurate: ")
    assert said.endswith("; training goes on in fp32")
    assert said in capsys.readouterr().out
    assert choices(tmp_path)["precision"] == "fp32"
    with open_session(tmp_path, "1000s", precision="auto") as session:
        assert session.runtime.precision == "fp32", "in later sessions too"


def test_the_steps_after_the_fall_back_are_those_of_fp32(tmp_path: Path) -> None:
    """The review comes after the step at which it is due; from then on nothing is rounded."""
    seen: list[set[str]] = []
    model = _with_an_outlier(build_model(CONFIG, seed=0))
    forward = model.hidden

    def hidden(*given: Any, **more: Any) -> Any:
        seen.append(_layers(model))
        return forward(*given, **more)

    model.hidden = hidden  # pyright: ignore
    _begin_in_int8(tmp_path)
    with open_session(tmp_path, "1000s", precision="auto") as session:
        run(session, model, num_steps=8, rate=1e-6)
    steps_in_int8 = seen.count({"Int8Linear"})
    assert seen[0] == {"Int8Linear"}
    assert seen[-1] == {"Linear"}
    assert steps_in_int8 < 8


def test_a_precision_that_was_asked_for_is_kept_with_a_line(tmp_path: Path) -> None:
    model = _with_an_outlier(build_model(CONFIG, seed=0))
    with open_session(tmp_path, "12 steps", precision="int8") as session:
        run(session, model, num_steps=12, rate=1e-6)
        assert session.runtime.precision == "int8"
    said = _events(tmp_path)
    assert len(said) == 4, "after warm-up, and at a quarter, a half and three quarters"
    assert all("it is kept, since runtime.precision asks for it" in line for line in said)
    assert Int8Linear.__name__ in _layers(model)


def test_nothing_is_said_where_it_is_accurate(tmp_path: Path) -> None:
    with open_session(tmp_path, "12 steps", precision="int8") as session:
        run(session, build_model(CONFIG, seed=0), num_steps=12, rate=1e-6)
    assert _events(tmp_path) == []
