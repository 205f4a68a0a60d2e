"""Fine-tuning by adapters through the real commands: cut off, it ends with the same bits; what
follows it does not know the difference."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from support.processes import run_ranks

from corpus.base.errors import ConfigError
from corpus.base.files import digest_file, read_json, write_json
from corpus.cli import commands
from corpus.recipes.registry import load_recipe
from corpus.run.folder import RunFolder
from corpus.runtime.ranks import Ranks
from corpus.train import checkpoint
from corpus.train.metrics import read_metrics
from corpus.train.training import Training

ROOT = Path(__file__).parents[2]


def _pretrained(finished: Path, out: Path) -> Path:
    """A copy of a run as it was before fine-tuning, which saves often."""
    shutil.copytree(
        finished,
        out,
        ignore=shutil.ignore_patterns(
            "final.safetensors", "finetune-*", "scores.json", "outcomes", "report.*"
        ),
    )
    config = read_json(out / "config.json")
    config["train"] |= {
        "checkpoint_steps": 6,
        "checkpoint_seconds": 1e6,
        "validations": 1,
        "finetune_share": 0.2,
    }
    config["finetune"]["self_training"] = (
        0.5  # there is nothing to look for, but weights and adapters are put together for it
    )
    config["budget"] = "60 steps"  # of which 48 are those of pre-training, which is done
    config["evaluate"] |= {"problems_limit": 4, "votes": [], "retrieval": False}
    write_json(out / "config.json", config)
    return out


def _lines(run: Path) -> list[tuple[object, ...]]:
    timed = ("seconds", "tokens_per_second")
    return [
        tuple((key, str(value)) for key, value in line.items() if key not in timed)
        for line in read_metrics(run / "metrics.jsonl")
        if line.get("name") != "resumed"
    ]


@pytest.fixture(scope="module", autouse=True)
def _own_threads() -> Iterator[None]:
    """Training sets the number of threads of its process, which is this one."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def whole(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Returns a run that was fine-tuned by a method without disturbance."""

    @cache
    def run(method: str) -> Path:
        out = _pretrained(finished, tmp_path_factory.mktemp("whole") / method)
        commands.finetune([str(out), "--method", method])
        assert read_json(out / "config.json")["finetune"]["method"] == method
        return out

    return run


class Died(Exception):
    """Stands for the process's end."""


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_cut_off_while_saving_it_ends_with_the_same_bits(
    method: str,
    whole: Callable[[str], Path],
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One checkpoint is saved, and the process dies in the middle of the next."""
    killed, undisturbed, saved, save = (
        _pretrained(finished, tmp_path / "killed"),
        whole(method),
        [],
        checkpoint.write_tensors,
    )

    def half(path: Path, tensors: Any) -> str:
        saved.append(path)
        if len(saved) > 2:
            raise Died
        return save(path, tensors)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write_tensors", half)
        with pytest.raises(Died):
            commands.finetune([str(killed), "--method", method])
    assert [path.name for path in (killed / "checkpoints").glob("finetune-*")] == [
        "finetune-000000006"
    ]
    config = (killed / "config.json").read_text()
    (killed / "config.json").write_text(config.replace('"alpha": 32', '"alpha": 320'))
    with pytest.raises(
        ConfigError,
        match=f"began fine-tuning with {method} of rank 16 and alpha 32, but its config.json now says",
    ):
        commands.finetune([str(killed)])
    (killed / "config.json").write_text(config)
    (killed / "scores.json").write_text("{}")  # of earlier weights, as in a copied folder
    commands.finetune([str(killed)])
    assert not (killed / "scores.json").exists()
    for name in (
        "weights/final.safetensors",
        "adapter/adapter_model.safetensors",
        "adapter/adapter_config.json",
    ):
        assert digest_file(killed / name) == digest_file(undisturbed / name)
    assert _lines(killed) == _lines(undisturbed)
    lines = [
        line
        for line in read_metrics(undisturbed / "metrics.jsonl")
        if line["kind"] == "train" and line["phase"] == "finetune"
    ]
    assert lines[-1]["loss"] < lines[0]["loss"]


def test_what_follows_does_not_know_the_difference(
    whole: Callable[[str], Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole("lora"), run)
    commands.evaluate([str(run), "--text", "False"])
    assert (
        0 <= json.loads((run / "scores.json").read_text())["problems"]["generated"]["accuracy"] <= 1
    )
    commands.export([str(run), "--phase", "pretrain", "--output", str(tmp_path / "exported")])
    exported, adapter = (
        read_json(folder / "manifest.json")["inputs"]["weights"]
        for folder in (tmp_path / "exported", run / "adapter")
    )
    assert exported == adapter == digest_file(run / "weights/pretrained.safetensors")
    with pytest.raises(ConfigError, match="has begun fine-tuning with other settings"):
        commands.finetune([str(run), "--method", "full"])


def test_two_ranks_fine_tune_adapters_as_one_does(
    whole: Callable[[str], Path], finished: Path, tmp_path: Path
) -> None:
    two = _pretrained(finished, tmp_path / "two")
    run_ranks(["finetune", two, "--method", "lora"], 2)
    losses = [
        [line["loss"] for line in read_metrics(run / "metrics.jsonl") if line["kind"] == "train"]
        for run in (whole("lora"), two)
    ]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert (two / "adapter/adapter_model.safetensors").exists()


def test_ranks_that_divide_the_weights_are_refused_before_they_train(tmp_path: Path) -> None:
    config = load_recipe("starter")
    config = replace(
        config,
        finetune=replace(config.finetune, method="lora"),
        runtime=replace(config.runtime, parallel="fsdp"),
    )
    with pytest.raises(
        ConfigError,
        match=r"lora with runtime\.parallel fsdp is not supported.*use runtime\.parallel ddp",
    ):
        Training(config, RunFolder(tmp_path), resume_hint="", ranks=Ranks(rank=0, world_size=2))


def test_weights_in_int8_score_and_solve(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They answer as fp32 does, nearly always; the run's own scores are never theirs."""
    scores, words = tmp_path / "int8.json", [str(finished), "--weights", "int8", "--text", "False"]
    before = digest_file(finished / "scores.json")
    with pytest.raises(ConfigError, match="--weights int8 needs --output"):
        commands.evaluate(words)
    commands.evaluate([*words, "--output", str(scores)])
    assert "weights    int8" in capsys.readouterr().out
    assert digest_file(finished / "scores.json") == before
    assert json.loads(scores.read_text())["weights"] == {"kept_in": "int8"}
    accuracies = [
        json.loads(path.read_text())["problems"]["generated"]["accuracy"]
        for path in (scores, finished / "scores.json")
    ]
    assert abs(accuracies[0] - accuracies[1]) <= 0.2
    commands.solve([str(finished), "what is 20 percent of 50 ?", "--weights", "int8"])
    assert "program" in capsys.readouterr().out
