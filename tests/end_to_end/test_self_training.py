"""Self-training through the real command: what was found is on record and trained on, and a run
killed meanwhile ends with the same bits."""

import re
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.folders import scores_in
from support.mathqa import data_with_problems
from support.processes import run_ranks

from corpus.base.errors import ConfigError
from corpus.base.files import digest_file, read_json
from corpus.problems.check import is_checked
from corpus.problems.problem import read_problems
from corpus.recipes.registry import load_recipe
from corpus.run.folder import RunFolder
from corpus.runtime.ranks import Ranks
from corpus.train.metrics import read_metrics
from corpus.train.training import Training

Run = Callable[..., subprocess.CompletedProcess[str]]

KILL_WHILE_LOOKING = """
import os, signal
from corpus.solve import self_training

def die(*given):
    os.kill(os.getpid(), signal.SIGKILL)

self_training._likely = die
"""


KILL_AT_STEP_23 = """
import os, signal
from corpus.train.loop import PhaseTrainer

def step(trainer, share):
    if trainer.position.step == 23:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(trainer, share)

whole, PhaseTrainer._one_step = PhaseTrainer._one_step, step
"""
"""Dies when what was found has been trained on for some steps, one of them after a checkpoint."""


@pytest.fixture(scope="module")
def data(text_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_with_problems(text_folder, tmp_path_factory.mktemp("with problems") / "data")


Words = Callable[[Path], list[str]]


@pytest.fixture(scope="module")
def words(data: Path, command: Callable[..., list[str]]) -> Words:
    """Returns the words of a run that looks for programs before its 19th and 25th step of 30, and
    saves before its 12th and 23rd."""
    settings = (
        "--finetune.self-training=0.6",
        "--finetune.self-training-rounds=2",
        "--finetune.normal-form=True",
        "--finetune.whole-programs=1",
        "--finetune.twin-exponent=0.5",
        "--train.finetune-share=1",
        "--train.checkpoint-steps=11",
        "--problems.decontaminate=False",
        "--problems.repair=False",  # twins would mend what the model is to find
    )
    scores = ("--evaluate.votes", "8", "--evaluate.text=False")
    return lambda out: command(out, f"--data={data}", *settings, *scores, budget="30 steps")


@pytest.fixture(scope="module")
def whole(words: Words, corpus: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run that nothing disturbed, and what it said."""
    out = tmp_path_factory.mktemp("self-training") / "whole"
    return out, corpus(words(out)).stdout


def test_what_the_model_finds_is_trained_on(whole: tuple[Path, str]) -> None:
    out, said = whole
    found = read_problems(out / "found.2.jsonl")
    assert {each.id for each in read_problems(out / "found.jsonl")} <= {each.id for each in found}
    manifest = read_json(out / "manifest.json")
    counts = manifest["self_training"]
    assert counts == {"problems": 50, "looked_at": 50, "found": len(found), "rounds": 2}
    assert found
    assert all(is_checked(problem) and problem.index % 3 == 0 for problem in found)
    assert manifest["programs"] == {"given": 2, "used": 1}
    assert "programs   2 different ones, 1 in normal form" in said
    assert "1 have a token of their own, for 100 of 100 problems" in said
    assert f"self-training: pseudo-labels for {len(found)} of 50 problems" in said
    shown = re.search(rf"epochs over {100 + len(found)} problems, (\d+) of them in each", said)
    assert shown
    assert 3 <= int(shown[1]) <= 3 * 12, "of three wordings, the root of at most 150 each"


def test_other_tools_write_the_whole_program(
    whole: tuple[Path, str], corpus: Run, tmp_path: Path
) -> None:
    """`generate` of transformers ends with the token of the program that `corpus solve` shows."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    corpus(["export", str(whole[0]), "--to=huggingface", f"--output={tmp_path}/model"])
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    prompt = "<|problem|> a train covers <|n0|> km in <|n1|> hours . what is its speed ?<|program|>"
    found = model.generate(**tokenizer(prompt, return_tensors="pt"))
    program = tokenizer.decode(found[0]).removeprefix(prompt)
    assert program == "<|divide(n0,n1)|>"
    assert "such as `<|divide(n0,n1)|>`" in (tmp_path / "model/README.md").read_text()
    question = "a train covers 120 km in 2 hours . what is its speed ?"
    said = corpus(["solve", str(whole[0]), question]).stdout
    assert "program   divide(n0,n1)" in said


def test_killed_while_it_looks_and_after_it_ends_with_the_same_bits(
    whole: tuple[Path, str], words: Words, corpus: Run, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    assert corpus(words(out), first=KILL_WHILE_LOOKING, check=False).returncode == -signal.SIGKILL
    assert not (out / "found.jsonl").exists()
    again = corpus(words(out), first=KILL_AT_STEP_23, check=False)
    assert again.returncode == -signal.SIGKILL
    assert "resuming finetune at step 18" in again.stdout
    said = corpus(words(out)).stdout
    assert "resuming finetune at step 22" in said
    assert said.count("self-training: pseudo-labels") == 1, "the second round"
    for name in ("weights/final.safetensors", "found.jsonl", "found.2.jsonl"):
        assert digest_file(out / name) == digest_file(whole[0] / name)
    assert scores_in(out / "scores.json") == scores_in(whole[0] / "scores.json")


def test_two_ranks_train_on_what_the_first_one_finds(
    whole: tuple[Path, str], words: Words, tmp_path: Path
) -> None:
    run_ranks(words(tmp_path / "two"), 2)
    assert digest_file(tmp_path / "two/found.jsonl") == digest_file(whole[0] / "found.jsonl")
    losses = [
        [line["loss"] for line in read_metrics(run / "metrics.jsonl") if line["kind"] == "train"]
        for run in (tmp_path / "two", whole[0])
    ]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_ranks_that_divide_the_weights_are_refused_before_they_train(tmp_path: Path) -> None:
    config = load_recipe("starter")
    config = replace(
        config,
        finetune=replace(config.finetune, self_training=0.5),
        runtime=replace(config.runtime, parallel="fsdp"),
    )
    with pytest.raises(
        ConfigError,
        match=r"self_training with runtime\.parallel fsdp is not supported.*use runtime\.parallel ddp",
    ):
        Training(config, RunFolder(tmp_path), resume_hint="", ranks=Ranks(rank=0, world_size=2))
