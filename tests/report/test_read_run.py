"""Loading a run folder: what is there, what is not there yet, and what is damaged."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from corpus.base.errors import ArtifactError
from corpus.report.read import Run, load_run


def replace_line(path: Path, number: int, line: str) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[number - 1] = line
    path.write_text("\n".join(lines), encoding="utf-8")


def change_line(path: Path, number: int, **changes: Any) -> None:
    record = json.loads(path.read_text(encoding="utf-8").split("\n")[number - 1])
    replace_line(path, number, json.dumps(record | changes))


def test_a_finished_run_is_read_whole(finished_run: Path) -> None:
    run = load_run(finished_run)
    assert run.missing == ()
    assert len(run.stage("pretrain")) == len(run.stage("finetune")) == 120
    assert run.sources == ("c4", "wikipedia", "github", "arxiv", "book", "stackexchange", "mathqa")
    assert len(run.validation) == 16
    assert [event.name for event in run.events] == ["resumed"]
    assert run.stage_seconds == run.manifest["stages"]
    run.manifest["stages"].pop("pretrain")
    assert run.stage_seconds["pretrain"] == run.stage("pretrain")[-1].seconds, (
        "what a kill kept from the manifest, the clock knows"
    )
    assert run.num_parameters == 4096 * 192 + 192
    assert len(run.outcomes["mathqa"]) == 200


def test_a_run_that_has_just_begun_names_what_is_not_there(bare_run: Path) -> None:
    run = load_run(bare_run)
    assert len(run.missing) == 4
    assert any("scores.json" in sentence for sentence in run.missing)
    assert run.num_parameters is None
    assert run.outcomes == {}


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
def test_a_folder_without_config_is_no_run(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtifactError, match=r"is not a run folder.*corpus run"):
        load_run(tmp_path / folder)


def test_a_last_line_cut_by_a_kill_is_left_out(finished_run: Path) -> None:
    path = finished_run / "metrics.jsonl"
    before = load_run(finished_run)
    with open(path, "a", encoding="utf-8") as file:
        file.write('{"kind": "train", "phase": "finetu')
    after = load_run(finished_run)
    assert after.train == before.train
    assert after.events == before.events


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", "line 5 is damaged"),
        ("[1, 2]", "line 5 holds list"),
        ('{"kind": "tea"}', "line 5 has kind 'tea'"),
        (
            '{"kind": "event", "phase": "lunch"}',
            "line 5 has phase 'lunch', expected pretrain or finetune",
        ),
        (
            '{"kind": "event", "phase": "pretrain", "step": "x"}',
            "line 5: step is 'x', expected a number",
        ),
        (
            '{"kind": "event", "phase": "pretrain", "step": NaN}',
            "line 5: step is nan, expected a finite number",
        ),
        ('{"kind": "event", "phase": "pretrain", "step": 1}', "line 5: seconds is missing"),
    ],
)
def test_a_damaged_line_is_named(finished_run: Path, line: str, message: str) -> None:
    replace_line(finished_run / "metrics.jsonl", 5, line)
    with pytest.raises(ArtifactError, match=r"metrics\.jsonl") as caught:
        load_run(finished_run)
    assert message in str(caught.value)


def test_a_number_of_another_type_is_named(finished_run: Path) -> None:
    change_line(finished_run / "metrics.jsonl", 3, consumed=[1])
    with pytest.raises(ArtifactError, match="line 3: consumed is"):
        load_run(finished_run)


def test_a_loss_that_is_not_finite_is_kept_as_such(finished_run: Path) -> None:
    change_line(finished_run / "metrics.jsonl", 2, loss=None)
    change_line(finished_run / "metrics.jsonl", 3, loss=math.inf)
    losses = [point.loss for point in load_run(finished_run).train]
    assert math.isnan(losses[1])
    assert math.isinf(losses[2])


def test_a_damaged_outcome_is_named(finished_run: Path) -> None:
    path = finished_run / "outcomes" / "mathqa.jsonl"
    replace_line(path, 7, '{"id": "x"}')
    with pytest.raises(ArtifactError, match=r"mathqa\.jsonl, line 7 is not an outcome"):
        load_run(finished_run)


@pytest.mark.parametrize("content", ["[]", "{", '{"text": 3}', '{"problems": {"mathqa": 1}}'])
def test_damaged_scores_are_named(finished_run: Path, content: str) -> None:
    (finished_run / "scores.json").write_text(content, encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"scores\.json"):
        load_run(finished_run)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        b"\x02\x00\x00\x00\x00\x00\x00\x00[]",
        b"\x04\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff",
    ],
)
def test_damaged_weights_are_named(finished_run: Path, content: bytes) -> None:
    (finished_run / "weights" / "final.safetensors").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"final\.safetensors is damaged"):
        load_run(finished_run)


def test_a_source_keeps_its_color(finished_run: Path) -> None:
    run: Run = load_run(finished_run)
    assert [run.color(source) for source in run.sources] == list(range(len(run.sources)))
