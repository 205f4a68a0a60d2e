"""The policy gradient through the real command: it trains on programs of its own, and meanwhile ends with the same bits."""

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
from corpus.config.finetune import FinetuneConfig, GrpoConfig
from corpus.recipes.registry import load_recipe
from corpus.run.folder import RunFolder
from corpus.runtime.ranks import Ranks
from corpus.train.metrics import read_metrics
from corpus.train.training import Training

Run = Callable[..., subprocess.CompletedProcess[str]]
Words = Callable[[Path], list[str]]

KILL_AT_STEP_50 = """
import os, signal
from corpus.train.loop import PhaseTrainer

def step(trainer, share):
    if trainer.position.step == 50:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(trainer, share)

whole, PhaseTrainer._one_step = PhaseTrainer._one_step, step
"""


@pytest.fixture(scope="module")
def words(
    text_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    command: Callable[..., list[str]],
) -> Words:
    """Returns the words of a run of 60 steps that explores from the 19th on, when the model is
    not sure of anything yet, and saves after every 22."""
    data = data_with_problems(text_folder, tmp_path_factory.mktemp("with problems") / "data")
    settings = (
        "--finetune.grpo.start=0.3",
        "--finetune.grpo.samples=8",
        "--finetune.schedule.learning-rate=3e-3",
        "--finetune.schedule.decay=stable",
        "--train.finetune-share=1",
        "--train.checkpoint-steps=22",
        "--train.log-every-steps=1",
        "--problems.decontaminate=False",
        "--problems.repair=False",
        "--evaluate.text=False",
    )
    return lambda out: command(out, f"--data={data}", *settings, budget="60 steps")


@pytest.fixture(scope="module")
def whole(words: Words, corpus: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run that nothing disturbed, and what it said."""
    out = tmp_path_factory.mktemp("policy-gradient") / "whole"
    return out, corpus(words(out)).stdout


def _rewards(run: Path) -> list[tuple[int, float, int]]:
    return [
        (line["step"], line["reward"], line["tokens"])
        for line in read_metrics(run / "metrics.jsonl")
        if line["kind"] == "reward"
    ]


def test_it_trains_on_programs_of_its_own(whole: tuple[Path, str]) -> None:
    rewards = _rewards(whole[0])
    assert len(rewards) >= 8
    assert all(step > 18 and 0 <= reward <= 1 for step, reward, _ in rewards)
    assert sum(reward for _, reward, _ in rewards) > 0
    assert all(
        "loss" in line
        for line in read_metrics(whole[0] / "metrics.jsonl")
        if line["kind"] == "train"
    )
    assert read_json(whole[0] / "manifest.json")["steps"]["finetune"] == 60


def test_killed_while_it_explores_it_ends_with_the_same_bits(
    whole: tuple[Path, str], words: Words, corpus: Run, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    assert corpus(words(out), first=KILL_AT_STEP_50, check=False).returncode == -signal.SIGKILL
    assert "resuming finetune at step 44" in corpus(words(out)).stdout
    assert digest_file(out / "weights/final.safetensors") == digest_file(
        whole[0] / "weights/final.safetensors"
    )
    assert scores_in(out / "scores.json") == scores_in(whole[0] / "scores.json")


def test_two_ranks_explore_together(whole: tuple[Path, str], words: Words, tmp_path: Path) -> None:
    """What is sampled is not that of one rank: it depends on how sums over ranks are rounded."""
    run_ranks(words(tmp_path / "two"), 2)
    assert read_json(tmp_path / "two" / "manifest.json")["steps"]["finetune"] == 60
    assert len(_rewards(tmp_path / "two")) >= 8


def test_what_cannot_be_done_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"finetune\.grpo\.start is 1.*a share from 0"):
        GrpoConfig(start=1.0)
    with pytest.raises(ConfigError, match=r"finetune\.grpo\.samples is 1.*2 or more"):
        GrpoConfig(samples=1)
    with pytest.raises(ConfigError, match=r"self_training is 0\.8.*grpo\.start 0\.5.*earlier"):
        FinetuneConfig(self_training=0.8, grpo=GrpoConfig(start=0.5))
    config = load_recipe("starter")
    config = replace(
        config,
        finetune=replace(config.finetune, grpo=GrpoConfig(start=0.5)),
        runtime=replace(config.runtime, parallel="fsdp"),
    )
    with pytest.raises(ConfigError, match=r"finetune\.grpo\.start with runtime\.parallel fsdp"):
        Training(config, RunFolder(tmp_path), resume_hint="", ranks=Ranks(rank=0, world_size=2))
