"""Self-training through the real command: what was found is on record and trained on, and a run killed meanwhile ends with the same bits."""

import json
import random
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.base.files import digest_file, read_json
from corpus.problems.check import is_checked
from corpus.problems.problem import read_problems

Run = Callable[..., subprocess.CompletedProcess[str]]

KILL_WHILE_LOOKING = """
import os, signal
from corpus.stages import self_training

def die(*given):
    os.kill(os.getpid(), signal.SIGKILL)

self_training._likeliest = die
"""


KILL_AT_STEP_24 = """
import os, signal
from corpus.train.loop import PhaseTrainer

def step(trainer, share):
    if trainer.position.step == 24:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(trainer, share)

whole, PhaseTrainer._one_step = PhaseTrainer._one_step, step
"""
"""Dies when what was found has been trained on for some steps, two of them after a checkpoint."""


def _rows(count: int, chance: random.Random) -> list[dict[str, str]]:
    """Problems of one kind in MathQA's form; every third has a formula that does not give its key."""
    rows = []
    for index in range(count):
        hours, speed = chance.randint(2, 9), chance.randint(20, 90)
        formula = "add(n0,n1)" if index % 3 == 0 else "divide(n0,n1)"
        rows.append(
            {
                "Problem": f"a {chance.choice(['train', 'car', 'bus'])} covers {hours * speed} km in {hours} hours . what is its speed ?",
                "Rationale": "",
                "options": f"a ) {speed} , b ) {speed + 7} , c ) {speed + 11} , d ) {speed * 2} , e ) {speed - 3}",
                "correct": "a",
                "annotated_formula": formula,
                "linear_formula": formula + "|",
                "category": "physics",
            }
        )
    return rows


@pytest.fixture(scope="module")
def data(text_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, chance = tmp_path_factory.mktemp("with problems") / "data", random.Random(2)
    shutil.copytree(text_folder, folder)
    (folder / "mathqa").mkdir()
    for name, count in (("train", 150), ("dev", 12)):
        (folder / "mathqa" / f"{name}.json").write_text(json.dumps(_rows(count, chance)), encoding="utf-8")
    return folder


def test_what_the_model_finds_is_trained_on(data: Path, command: Callable[..., list[str]], corpus: Run, tmp_path: Path) -> None:
    def words(name: str) -> list[str]:
        more = (
            "--finetune.self-training=0.6",
            "--train.finetune-share=1",
            "--evaluate.votes",
            "8",
            "--evaluate.text=False",
            "--train.checkpoint-steps=11",
        )
        return command(
            tmp_path / name,
            f"--data={data}",
            "--problems.decontaminate=False",
            *more,
            budget="30 steps",
        )

    said = corpus(words("whole")).stdout
    found = read_problems(tmp_path / "whole/found.jsonl")
    counts = read_json(tmp_path / "whole/manifest.json")["self_training"]
    assert counts == {"problems": 50, "looked_at": 50, "found": len(found)}
    assert found
    assert all(is_checked(problem) and problem.index % 3 == 0 for problem in found)
    assert f"self-training: programs that give the key for {len(found)} of 50 problems" in said
    assert f"epochs over {100 + len(found)} problems" in said

    assert corpus(words("killed"), first=KILL_WHILE_LOOKING, check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "killed/found.jsonl").exists()
    again = corpus(words("killed"), first=KILL_AT_STEP_24, check=False)
    assert again.returncode == -signal.SIGKILL
    assert "going on with finetune at step 18" in again.stdout
    said = corpus(words("killed")).stdout
    assert "going on with finetune at step 22" in said
    assert "self-training: programs" not in said
    for name in ("weights/final.safetensors", "found.jsonl", "scores.json"):
        assert digest_file(tmp_path / "killed" / name) == digest_file(tmp_path / "whole" / name)
