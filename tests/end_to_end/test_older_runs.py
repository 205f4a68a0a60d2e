"""Runs made by an older version: every command still opens them.

`fixtures/runs-0.1.0.tar.xz` holds two tiny runs of version 0.1.0 as it was before rooms and names
changed: `full`, with an anneal, self-training and its checkpoints, and `lora`, with problems over
expressions.
"""

import json
import shutil
import tarfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from corpus.cli.main import main

RUNS = Path(__file__).parents[1] / "fixtures" / "runs-0.1.0.tar.xz"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with tarfile.open(RUNS) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["full", "lora"])
def test_an_older_run_is_scored_as_it_was(runs: Path, name: str) -> None:
    before = json.loads((runs / name / "scores.json").read_text())
    (runs / name / "scores.json").unlink()
    main(["evaluate", name])
    after = json.loads((runs / name / "scores.json").read_text())
    assert after["text"].keys() == before["text"].keys()
    for source, score in before["text"].items():
        assert after["text"][source]["loss"] == pytest.approx(score["loss"], abs=1e-4)
    for set_name, score in before["problems"].items():
        for key, value in score.items():
            if isinstance(value, float):
                assert after["problems"][set_name][key] == pytest.approx(value), key


@pytest.mark.parametrize("name", ["full", "lora"])
def test_an_older_run_is_reported_solved_with_and_exported(
    runs: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["report", name])
    page = (runs / name / "report.html").read_text()
    for set_name, score in json.loads((runs / name / "scores.json").read_text())[
        "problems"
    ].items():
        assert set_name in page
        assert f"{100 * score['accuracy']:.1f}" in page
    main(["solve", name, "a train covers 120 km in 2 hours . what is its speed ?"])
    assert "n0 = 120, n1 = 2" in capsys.readouterr().out
    for phase in ("pretrain", "finetune"):
        main(["export", name, "--output", f"{name}-{phase}", "--phase", phase])
        assert (runs / f"{name}-{phase}" / "model.safetensors").is_file()


def test_an_older_run_is_known_as_done(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["pretrain", "full"])
    main(["finetune", "full"])
    said = capsys.readouterr().out
    assert "is pre-trained already" in said
    assert "is fine-tuned already" in said
    main(["run", "--config", "full/config.json", "--out", "full"])
    assert "training clock" in capsys.readouterr().out


def test_an_older_run_goes_on_from_its_checkpoint(runs: Path) -> None:
    before = load_file(runs / "full/weights/final.safetensors")
    (runs / "full/weights/final.safetensors").unlink()
    shutil.rmtree(runs / "full/checkpoints/finetune-000000007")
    main(["finetune", "full"])
    after = load_file(runs / "full/weights/final.safetensors")
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        # Not the same bits: the order of the batches is another one since then.
        torch.testing.assert_close(after[name], tensor, atol=1e-3, rtol=0.0)


def test_an_older_run_is_fine_tuned_by_another_method(runs: Path) -> None:
    (runs / "full/weights/final.safetensors").unlink()
    for checkpoint in (runs / "full/checkpoints").glob("finetune-*"):
        shutil.rmtree(checkpoint)
    main(["finetune", "full", "--method", "lora"])
    assert (runs / "full/adapter/adapter_model.safetensors").is_file()
